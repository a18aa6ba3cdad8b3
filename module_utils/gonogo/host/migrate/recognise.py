"""Whether a migration is there: by its objects in the real schema, never by anybody's record.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import columns

__all__ = ["described", "look"]

_UNNAMED = {
    "p": "primary key",
    "u": "unique constraint",
    "f": "foreign key",
    "c": "check constraint",
    "i": "index",
}
_ACTION = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

_NAMESPACE = "JOIN pg_catalog.pg_namespace AS n ON n.oid = {}.{}namespace AND n.nspname = w.schema"
_RELATION = (
    "JOIN pg_catalog.pg_class AS c ON c.relname = w.table_name "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = w.schema"
)
# A constraint or index that the server has named: its kind and columns, as u(a,b).
_NAMED_BY_THE_SERVER = """ JOIN (
            SELECT k.conrelid AS oid, k.contype::text || CASE WHEN k.contype IN ('u', 'f') THEN
                '(' || (SELECT string_agg(a.attname, ',' ORDER BY u.number)
                        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, number)
                        JOIN pg_catalog.pg_attribute AS a
                            ON a.attrelid = k.conrelid AND a.attnum = u.attnum) || ')'
                ELSE '' END AS what
            FROM pg_catalog.pg_constraint AS k
            UNION ALL
            SELECT i.indrelid, 'i(' || (
                SELECT string_agg(a.attname, ',' ORDER BY u.number)
                FROM unnest(i.indkey) WITH ORDINALITY AS u (attnum, number)
                JOIN pg_catalog.pg_attribute AS a
                    ON a.attrelid = i.indrelid AND a.attnum = u.attnum) || ')'
            FROM pg_catalog.pg_index AS i WHERE i.indisvalid
        ) AS k ON k.oid = c.oid AND k.what = w.name"""
# With these arguments, where any are named; a type that is not there is none of them.
_WITH_ARGUMENTS = """ AND (w.arguments IS NULL OR ARRAY(
            SELECT u.type FROM unnest(p.proargtypes) WITH ORDINALITY AS u (type, number)
            ORDER BY u.number
        ) = ARRAY(
            SELECT pg_catalog.to_regtype(u.type)::oid
            FROM pg_catalog.jsonb_array_elements_text(w.arguments::jsonb)
                WITH ORDINALITY AS u (type, number) ORDER BY u.number))"""
# Per kind: what is joined to a wanted object when it is there. Each wanted object is looked up
# by its full name; what the answer holds beyond that it exists is in `detail`.
_JOINS = {
    "table": (
        "JOIN pg_catalog.pg_class AS c ON c.relname = w.name AND c.relkind IN ('r', 'p') "
        + _NAMESPACE.format("c", "rel"),
        columns.DETAILS,
    ),
    "view": (
        "JOIN pg_catalog.pg_class AS c ON c.relname = w.name AND c.relkind IN ('v', 'm') "
        + _NAMESPACE.format("c", "rel"),
        "true",
    ),
    "sequence": (
        "JOIN pg_catalog.pg_class AS c ON c.relname = w.name AND c.relkind = 'S' "
        + _NAMESPACE.format("c", "rel"),
        "true",
    ),
    "index": (
        "JOIN pg_catalog.pg_class AS c ON c.relname = w.name AND c.relkind IN ('i', 'I') "
        + _NAMESPACE.format("c", "rel")
        + " JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid",
        "i.indisvalid AND i.indisready",
    ),
    "column": (
        _RELATION + " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"
        " AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped",
        columns.DETAIL,
    ),
    "constraint": (
        _RELATION + " JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid"
        " AND k.conname = w.name",
        "k.oid::bigint",
    ),
    "validated": (
        _RELATION + " JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid"
        " AND k.conname = w.name AND k.convalidated",
        "true",
    ),
    "trigger": (
        _RELATION + " JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid"
        " AND g.tgname = w.name AND NOT g.tgisinternal",
        "g.tgenabled <> 'D'",
    ),
    "policy": (
        _RELATION + " JOIN pg_catalog.pg_policy AS p ON p.polrelid = c.oid AND p.polname = w.name",
        "true",
    ),
    "rule": (
        _RELATION + " JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid"
        " AND r.rulename = w.name",
        "r.ev_enabled <> 'D'",
    ),
    "unnamed": (
        _RELATION + _NAMED_BY_THE_SERVER,
        "true",
    ),
    "not null": (
        _RELATION + " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"
        " AND a.attname = w.name AND a.attnum > 0 AND a.attnotnull",
        "true",
    ),
    "default": (
        _RELATION + " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"
        " AND a.attname = w.name AND a.attnum > 0 AND a.atthasdef",
        "true",
    ),
    "value": (
        "JOIN pg_catalog.pg_type AS t ON t.typname = w.table_name "
        + _NAMESPACE.format("t", "typ")
        + " JOIN pg_catalog.pg_enum AS e ON e.enumtypid = t.oid AND e.enumlabel = w.name",
        "true",
    ),
    "function": (
        "JOIN pg_catalog.pg_proc AS p ON p.proname = w.name "
        + _NAMESPACE.format("p", "pro")
        + _WITH_ARGUMENTS,
        "p.prosrc",
    ),
    "type": (
        "JOIN pg_catalog.pg_type AS t ON t.typname = w.name " + _NAMESPACE.format("t", "typ"),
        "true",
    ),
    "schema": ("JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.name", "true"),
    "extension": ("JOIN pg_catalog.pg_extension AS e ON e.extname = w.name", "true"),
}
_LOOK = """
SELECT DISTINCT ON (w.number) w.number::int, to_jsonb({detail})
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY
    AS w (schema, table_name, name, arguments, number)
{joins}
ORDER BY w.number
"""

# Every foreign key of some tables, column by column in the order of the referenced ones.
_KEYS = """
SELECT n.nspname::text, c.relname::text, k.conname::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, number)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
          ORDER BY u.number),
    pn.nspname::text, p.relname::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, number)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
          ORDER BY u.number),
    k.confdeltype::text, k.confupdtype::text
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY 1, 2, 3
"""


def look(connection: Any, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the objects a migration is known by with the schema.

    Returns `state` (`absent`, `applied` or `half`) and `objects`: one mapping each with `object`,
    `file`, `line`, `made`, `there`, `done` (as it is after the migration) and `but`: in what one
    that is there differs, or under which other name an equal one is.
    """
    details: dict[int, Any] = {}
    for kind in {item["kind"] for item in objects}:
        numbers = [n for n, item in enumerate(objects) if item["kind"] == kind]
        joins, detail = _JOINS[kind]
        wanted = [[objects[n][part] or "" for n in numbers] for part in ("schema", "table", "name")]
        wanted.append([_arguments(objects[n]) for n in numbers])
        query = _LOOK.format(joins=joins, detail=detail)
        for number, found in connection.execute(query, wanted).fetchall():
            details[numbers[number - 1]] = found
    keys = connection.execute(_KEYS).fetchall() if _foreign(objects) else []
    known = columns.types(connection, _types(objects))
    results = []
    for number, item in enumerate(objects):
        there = number in details
        but = _difference(item, details.get(number), keys) if item["made"] else None
        if there and item["made"] and not but:
            but = _columns(connection, item, details[number], known)
        results.append(
            {
                "object": described(item),
                "file": item["file"],
                "line": item["line"],
                "made": item["made"],
                "sure": item["sure"],
                "there": there,
                "done": there == item["made"] and not but,
                "but": but,
                # It may be there in another form, and is then as if it were not.
                "replaces": bool(item.get("replaces")),
            }
        )
    return {"state": _state(results), "objects": results}


def _wanted(item: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Name → what the migration says of a column, of a column or of those of a table."""
    if item["kind"] == "column":
        return {item["name"]: item.get("column") or {}}
    return dict((item.get("definition") or {}).get("details", {}))


def _types(objects: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for item in objects:
        for column in _wanted(item).values():
            if column.get("type"):
                yield column["type"]


def _columns(
    connection: Any, item: Mapping[str, Any], found: Any, known: Mapping[str, columns.Type]
) -> str | None:
    """In what the columns of an object that is there are others."""
    differences = []
    for name, wanted in _wanted(item).items():
        there = found if item["kind"] == "column" else found[name]
        but = columns.difference(connection, wanted, there, known)
        if but:
            differences.append(but if item["kind"] == "column" else f"column {name} {but}")
    return ", ".join(differences) or None


def _arguments(item: Mapping[str, Any]) -> str | None:
    given = item.get("arguments")
    return None if given is None else json.dumps(given)


def described(item: Mapping[str, Any]) -> str:
    """`constraint fk_x on public.y`, `function public.f(integer)`."""
    if item["kind"] == "unnamed":
        return f"unnamed {_UNNAMED[item['name'][0]]}{item['name'][1:]} on {_table(item)}"
    if item["kind"] == "value":
        return f"value {item['name']} of type {_table(item)}"
    given = item.get("arguments")
    called = "" if given is None else f"({', '.join(given)})"
    own = f"{item['schema']}." if item["schema"] and not item["table"] else ""
    on = f" on {item['schema']}.{item['table']}" if item["table"] else ""
    kind = "validation of constraint" if item["kind"] == "validated" else item["kind"]
    return f"{kind} {own}{item['name']}{called}{on}"


def _table(item: Mapping[str, Any]) -> str:
    return f"{item['schema']}.{item['table']}"


def _state(results: Sequence[Mapping[str, Any]]) -> str:
    if all(result["done"] for result in results):
        return "applied"
    sure = [result for result in results if result["sure"]]
    # That something is gone may only mean that it never was; what is made tells more.
    telling = [result for result in sure if result["made"]] or sure
    touched = [
        r
        for r in telling
        if r["done"] or (r["made"] and not r["replaces"] and (r["there"] or r["but"]))
    ]
    return "half" if touched else "absent"


def _foreign(objects: Sequence[Mapping[str, Any]]) -> bool:
    return any(item["kind"] == "constraint" and "definition" in item for item in objects)


def _difference(item: Mapping[str, Any], found: Any, keys: Sequence[Sequence[Any]]) -> str | None:
    """In what an object is not the wanted one, or where else the wanted one is; None if neither."""
    if item["kind"] == "index" and found is False:
        return "is invalid: it was built CONCURRENTLY, and that failed"
    if item["kind"] == "trigger" and found is False:
        return "is disabled"
    if item["kind"] == "rule" and found is False:
        return "is disabled"
    if item["kind"] == "function" and found is not None and item.get("body") not in (None, found):
        return "has another body"
    wanted = item.get("definition")
    if not wanted:
        return None
    if item["kind"] == "table":
        lacking = sorted(set(wanted["columns"]) - set(found)) if found is not None else []
        return f"lacks the columns {', '.join(lacking)}" if lacking else None
    meaning = (
        item["schema"],
        item["table"],
        list(wanted["columns"]),
        *wanted["parent"],
        list(wanted["parent_columns"]),
        wanted["on_delete"],
        wanted["on_update"],
    )
    for schema, table, name, own, parent_schema, parent, parent_columns, gone, new in keys:
        actions = (_ACTION[gone], _ACTION[new])
        real = (schema, table, own, parent_schema, parent, parent_columns, *actions)
        if name == item["name"] and (schema, table) == meaning[:2]:
            if real == meaning:
                return None
            return (
                f"is another key: {', '.join(own)} to {parent_schema}.{parent} "
                f"({', '.join(parent_columns)}), on delete {actions[0]}, on update {actions[1]}"
            )
        if found is None and real == meaning:
            return f"is there as {name}"
    if found is not None:
        return "is no foreign key"
    return None
