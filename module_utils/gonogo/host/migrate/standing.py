"""What of a migration and of its manifest exists when a run ends, whatever its checks have asked.

Constraints, indexes and triggers of the manifest's tables may have other names than the manifest's
where there are as many: whether they mean the same is for the checks to say.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...contract.records.deployment import ObjectState
from ...contract.records.migration import BY_PATH, SchemaObject
from ...contract.records.standing import Required, Standing
from .names import resolved
from .recognise import recognise

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


def standing(connection: Any, required: Sequence[Required]) -> Standing:
    """Compare what should exist with the catalog."""
    objects = [one.object for one in required]
    if any(item.schema == BY_PATH for item in objects):
        # It means what it means in a session of the login's own.
        objects = [*resolved(connection, objects, {})]
    found = recognise(connection, objects).objects
    wrong = [number for number, one in enumerate(found) if not one.matches]
    renamed = _under_other_names(
        connection, objects, [n for n in wrong if _may_have_another_name(required[n])]
    )
    renamed |= {
        number
        for number in wrong
        if objects[number].kind == "validated"
        and required[number].covered
        and any(_same(objects[number], objects[other]) for other in renamed)
    }
    wrong = [
        number
        for number in wrong
        if number not in renamed and not (found[number].difference or "").startswith("is there as ")
    ]
    own = [
        number
        for number, one in enumerate(required)
        if one.migration and one.object.expected and one.object.conclusive
    ]
    return Standing(
        missing=tuple(_told(found[n]) for n in wrong if not required[n].plain),
        plain=tuple(_told(found[n]) for n in wrong if required[n].plain),
        none=bool(own) and not any(found[number].matches for number in own),
    )


def _may_have_another_name(one: Required) -> bool:
    return one.object.expected and one.covered and one.object.kind in _RENAMED


def _same(one: SchemaObject, other: SchemaObject) -> bool:
    where = (other.schema, other.table, other.name)
    return other.kind == "constraint" and where == (one.schema, one.table, one.name)


def _under_other_names(
    connection: Any, objects: Sequence[SchemaObject], numbers: Sequence[int]
) -> set[int]:
    """Those for which the table has another object of the kind, whose name nobody has declared."""
    tables = sorted({f"{objects[n].schema}.{objects[n].table}" for n in numbers})
    if not tables:
        return set()
    declared = {(o.schema, o.table, _kind(o), o.name) for o in objects}
    spare: dict[tuple[str | None, str | None, str], int] = {}
    for schema, table, kind, name in connection.execute(_NAMES, [tables]).fetchall():
        if (schema, table, kind, name) not in declared:
            spare[(schema, table, kind)] = spare.get((schema, table, kind), 0) + 1
    wanted: dict[tuple[str | None, str | None, str], set[int]] = {}
    for number in numbers:
        item = objects[number]
        wanted.setdefault((item.schema, item.table, _kind(item)), set()).add(number)
    return {
        number
        for key, missing in wanted.items()
        if len(missing) <= spare.get(key, 0)
        for number in missing
    }


def _kind(item: SchemaObject) -> str:
    """A primary key has no other constraint in its place; it is known by the usual name."""
    primary = item.kind == "constraint" and item.name.endswith("_pkey")
    return "primary" if primary else item.kind


def _told(one: ObjectState) -> str:
    words = one.difference or ("is missing" if one.expected else "is still there")
    # In a manifest the name is place enough.
    place = f"{one.file}:{one.line}" if one.line else one.file
    return f"{one.object} {words} ({place})"
