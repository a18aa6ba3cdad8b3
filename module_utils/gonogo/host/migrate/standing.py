"""What of a migration and of its manifest is there when a run ends, whatever its checks have asked.

Constraints, indexes and triggers of the manifest's tables may have other names than the manifest's
where there are as many: whether they mean the same is for the checks to say.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .recognise import look

__all__ = ["standing"]

_RENAMED = ("constraint", "index", "trigger")
_NAMES = """
SELECT n.nspname::text, c.relname::text, o.kind, o.name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN (
    SELECT k.conrelid AS oid, CASE k.contype WHEN 'p' THEN 'primary' ELSE 'constraint' END AS kind,
        k.conname::text AS name
    FROM pg_catalog.pg_constraint AS k WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT i.indrelid, 'index', x.relname::text
    FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE NOT i.indisprimary
    UNION ALL
    SELECT g.tgrelid, 'trigger', g.tgname::text
    FROM pg_catalog.pg_trigger AS g WHERE NOT g.tgisinternal
) AS o ON o.oid = c.oid
WHERE n.nspname || '.' || c.relname = ANY (%s::text[])
"""


def standing(connection: Any, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare what should be there with the catalog.

    `objects` are those of `recognise.look`, of the migration and of the manifest, each with
    `covered`: whether the manifest tells about it, and `plain`: whether it is an index that refuses
    no row. Returns `missing`: a line each for what is not as it should be, `plain`: the same for
    such indexes, and `none`: whether nothing is there of what the migration makes.
    """
    found = look(connection, objects)["objects"]
    wrong = [number for number, one in enumerate(found) if not one["done"]]
    renamed = _under_other_names(connection, objects, [n for n in wrong if _may_be(objects[n])])
    renamed |= {
        number
        for number in wrong
        if objects[number]["kind"] == "validated"
        and objects[number]["covered"]
        and any(_same(objects[number], objects[other]) for other in renamed)
    }
    wrong = [
        number
        for number in wrong
        if number not in renamed and not str(found[number]["but"]).startswith("is there as ")
    ]
    made = [n for n, one in enumerate(objects) if one["made"] and one["sure"] and one["migration"]]
    return {
        "missing": [_told(found[number]) for number in wrong if not objects[number]["plain"]],
        "plain": [_told(found[number]) for number in wrong if objects[number]["plain"]],
        "none": bool(made) and not any(found[number]["done"] for number in made),
    }


def _may_be(item: Mapping[str, Any]) -> bool:
    return bool(item["made"] and item["covered"] and item["kind"] in _RENAMED)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("schema", "table", "name")
    return other["kind"] == "constraint" and all(one[key] == other[key] for key in keys)


def _under_other_names(
    connection: Any, objects: Sequence[Mapping[str, Any]], numbers: Sequence[int]
) -> set[int]:
    """Those for which the table has another object of the kind, whose name nobody has declared."""
    tables = sorted({f"{objects[n]['schema']}.{objects[n]['table']}" for n in numbers})
    if not tables:
        return set()
    declared = {(o["schema"], o["table"], _kind(o), o["name"]) for o in objects}
    spare: dict[tuple[str, str, str], int] = {}
    for schema, table, kind, name in connection.execute(_NAMES, [tables]).fetchall():
        if (schema, table, kind, name) not in declared:
            spare[(schema, table, kind)] = spare.get((schema, table, kind), 0) + 1
    wanted: dict[tuple[str, str, str], set[int]] = {}
    for number in numbers:
        item = objects[number]
        wanted.setdefault((item["schema"], item["table"], _kind(item)), set()).add(number)
    return {
        number
        for key, missing in wanted.items()
        if len(missing) <= spare.get(key, 0)
        for number in missing
    }


def _kind(item: Mapping[str, Any]) -> str:
    """A primary key has no other constraint in its place; it is known by the usual name."""
    primary = item["kind"] == "constraint" and item["name"].endswith("_pkey")
    return "primary" if primary else str(item["kind"])


def _told(one: Mapping[str, Any]) -> str:
    words = one["but"] or ("is missing" if one["made"] else "is still there")
    # In a manifest the name is place enough.
    place = f"{one['file']}:{one['line']}" if one["line"] else one["file"]
    return f"{one['object']} {words} ({place})"
