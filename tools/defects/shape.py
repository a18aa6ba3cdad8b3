"""What the defects are about: tables, columns and keys of an application, with rows in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from sandbox.logins import APPLICATION

__all__ = ["names"]

_ENOUGH = 5
# Columns of tables with a key of one column, which stand in no index, key, CHECK or view.
_FREE = """
SELECT c.oid::regclass::text, format('%I', k.attname),
       pg_catalog.format_type(k.atttypid, k.atttypmod), format('%I', a.attname), y.typname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary AND i.indnatts = 1
JOIN pg_catalog.pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = ''
JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                  WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 16 = 16)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
                    AND d.refobjsubid = a.attnum AND d.deptype <> 'i'
                    AND d.classid <> 'pg_catalog.pg_attrdef'::regclass)
ORDER BY 1, 4
"""
_KEYS = """
SELECT c.oid::regclass::text, format('%I', a.attname), p.oid::regclass::text,
       format('%I', b.attname), pg_catalog.format_type(b.atttypid, b.atttypmod), NOT a.attnotnull,
       k.confdeltype::text
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid AND i.indisprimary
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND c.oid <> p.oid
ORDER BY 1, 2
"""
_TEXTS = ("text", "varchar")
_NUMBERS = ("numeric", "float8")
_TIMES = ("timestamp", "timestamptz")


def names(connection: psycopg.Connection[Any], besides: Sequence[str]) -> dict[str, str]:
    """Placeholder → name, of what there is; `besides` are tables that do not count."""
    found = {"role": APPLICATION}
    free = [row for row in connection.execute(_FREE).fetchall() if row[0] not in besides]
    for prefix, column, types in (
        ("t", "text", _TEXTS),
        ("f", "number", _NUMBERS),
        ("s", "at", _TIMES),
    ):
        for table, key, key_type, name, kind in free:
            if kind in types and _rows(connection, table, name) >= _ENOUGH:
                found |= {prefix: table, f"{prefix}_id": key, f"{prefix}_{column}": name}
                found |= {f"{prefix}_type": key_type}
                break
    for child, column, parent, key, kind, optional, action in connection.execute(_KEYS).fetchall():
        if min(_rows(connection, child, column), _rows(connection, parent, key)) < _ENOUGH:
            continue
        if "p" not in found and parent != found.get("t"):
            found |= {"p": parent, "p_id": key, "p_type": kind}
        if "c" not in found and optional and child != found.get("t"):
            found |= {"c": child, "c_fk": column}
        if "cc" not in found and action == "c":
            found |= {"cc": child, "cc_fk": column, "cp": parent, "cp_id": key}
    return found


def _rows(connection: psycopg.Connection[Any], table: str, column: str) -> int:
    """How many have a value. The names are spelled by the server."""
    asked = f"SELECT count({column}) FROM {table}"  # noqa: S608
    row = connection.execute(asked.encode()).fetchone()
    return int(row[0]) if row else 0
