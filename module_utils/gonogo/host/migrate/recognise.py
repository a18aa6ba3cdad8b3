"""Whether a migration is applied: by its objects in the real schema, never by anybody's record.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...contract.records.deployment import ObjectState
from ...contract.records.migration import Column, SchemaObject
from . import columns
from .names import resolved

__all__ = ["Recognised", "described", "recognise"]

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
# Per kind: what is joined to a wanted object when it exists. Each wanted object is looked up
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


@dataclass(frozen=True)
class Recognised:
    """`state` is absent, applied or partial."""

    state: str
    objects: tuple[ObjectState, ...]


@dataclass(frozen=True)
class _Catalog:
    """What the database says of the wanted objects.

    `details` is number of an object → what its join answers, for those that exist; `keys` are the
    foreign keys, `types` the types of columns as the server reads them.
    """

    details: Mapping[int, Any]
    keys: Sequence[Sequence[Any]]
    types: Mapping[str, columns.Type]


def recognise(
    connection: Any, objects: Sequence[SchemaObject], settings: Mapping[str, str] | None = None
) -> Recognised:
    """Compare the objects a migration is known by with the schema.

    `settings` are those of `Plan.session`: under them the server says what names without a schema
    mean.
    """
    if settings is not None:
        objects = resolved(connection, objects, settings)
    catalog = _Catalog(
        _details(connection, objects),
        connection.execute(_KEYS).fetchall() if any(o.foreign_key for o in objects) else [],
        columns.types(connection, _types(objects)),
    )
    results = tuple(
        _compared(connection, number, item, catalog) for number, item in enumerate(objects)
    )
    return Recognised(_state(results), results)


def _details(connection: Any, objects: Sequence[SchemaObject]) -> dict[int, Any]:
    details: dict[int, Any] = {}
    for kind in {item.kind for item in objects}:
        numbers = [n for n, item in enumerate(objects) if item.kind == kind]
        joins, detail = _JOINS[kind]
        wanted = [
            [objects[n].schema or "" for n in numbers],
            [objects[n].table or "" for n in numbers],
            [objects[n].name for n in numbers],
            [_arguments(objects[n]) for n in numbers],
        ]
        query = _LOOK.format(joins=joins, detail=detail)
        for number, found in connection.execute(query, wanted).fetchall():
            details[numbers[number - 1]] = found
    return details


def _compared(connection: Any, number: int, item: SchemaObject, catalog: _Catalog) -> ObjectState:
    exists = number in catalog.details
    found = catalog.details.get(number)
    difference = _difference(item, found, catalog.keys) if item.expected else None
    if exists and item.expected and not difference:
        difference = _columns(connection, item, found, catalog.types)
    return ObjectState(
        object=described(item),
        file=item.file,
        line=item.line,
        expected=item.expected,
        conclusive=item.conclusive,
        exists=exists,
        matches=exists == item.expected and not difference,
        difference=difference,
        # It may exist in another form, and is then as if it did not.
        replaces=item.replaces,
    )


def _wanted(item: SchemaObject) -> Mapping[str, Column]:
    """Name → what the migration says of a column, of a column or of those of a table."""
    if item.kind == "column":
        return {item.name: item.column or Column()}
    return item.columns or {}


def _types(objects: Sequence[SchemaObject]) -> Iterator[str]:
    for item in objects:
        for column in _wanted(item).values():
            if column.type:
                yield column.type


def _columns(
    connection: Any, item: SchemaObject, found: Any, known: Mapping[str, columns.Type]
) -> str | None:
    """In what the columns of an object that exists are others."""
    differences = []
    for name, wanted in _wanted(item).items():
        real = columns.Found(**(found if item.kind == "column" else found[name]))
        difference = columns.difference(connection, wanted, real, known)
        if difference:
            own = item.kind == "column"
            differences.append(difference if own else f"column {name} {difference}")
    return ", ".join(differences) or None


def _arguments(item: SchemaObject) -> str | None:
    return None if item.arguments is None else json.dumps(item.arguments)


def described(item: SchemaObject) -> str:
    """`constraint fk_x on public.y`, `function public.f(integer)`."""
    if item.kind == "unnamed":
        return f"unnamed {_UNNAMED[item.name[0]]}{item.name[1:]} on {_table(item)}"
    if item.kind == "value":
        return f"value {item.name} of type {_table(item)}"
    called = "" if item.arguments is None else f"({', '.join(item.arguments)})"
    own = f"{item.schema}." if item.schema and not item.table else ""
    on = f" on {_table(item)}" if item.table else ""
    kind = "validation of constraint" if item.kind == "validated" else item.kind
    return f"{kind} {own}{item.name}{called}{on}"


def _table(item: SchemaObject) -> str:
    return f"{item.schema}.{item.table}"


def _state(results: Sequence[ObjectState]) -> str:
    if all(result.matches for result in results):
        return "applied"
    conclusive = [result for result in results if result.conclusive]
    # That something is gone may only mean that it never was; what is made tells more.
    telling = [result for result in conclusive if result.expected] or conclusive
    touched = [
        r
        for r in telling
        if r.matches or (r.expected and not r.replaces and (r.exists or r.difference))
    ]
    return "partial" if touched else "absent"


def _difference(item: SchemaObject, found: Any, keys: Sequence[Sequence[Any]]) -> str | None:
    """In what an object is not the wanted one, or where else the wanted one is; None if neither."""
    if item.kind == "index" and found is False:
        return "is invalid: it was built CONCURRENTLY, and that failed"
    if item.kind in {"trigger", "rule"} and found is False:
        return "is disabled"
    if item.kind == "function" and found is not None and item.body not in (None, found):
        return "has another body"
    if item.kind == "table" and found is not None:
        lacking = sorted(set(item.columns or ()) - set(found))
        return f"lacks the columns {', '.join(lacking)}" if lacking else None
    return _other_key(item, found, keys) if item.foreign_key else None


def _other_key(item: SchemaObject, found: Any, keys: Sequence[Sequence[Any]]) -> str | None:
    wanted = item.foreign_key
    assert wanted is not None  # by `_difference`
    meaning = (
        item.schema,
        item.table,
        list(wanted.columns),
        wanted.parent_schema,
        wanted.parent,
        list(wanted.parent_columns),
        wanted.on_delete,
        wanted.on_update,
    )
    for schema, table, name, own, parent_schema, parent, parent_columns, gone, new in keys:
        actions = (_ACTION[gone], _ACTION[new])
        real = (schema, table, own, parent_schema, parent, parent_columns, *actions)
        if name == item.name and (schema, table) == meaning[:2]:
            if real == meaning:
                return None
            return (
                f"is another key: {', '.join(own)} to {parent_schema}.{parent} "
                f"({', '.join(parent_columns)}), on delete {actions[0]}, on update {actions[1]}"
            )
        if found is None and real == meaning:
            return f"is there as {name}"
    return None if found is None else "is no foreign key"
