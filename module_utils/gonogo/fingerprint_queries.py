# ruff: noqa: S608 - names are quoted by the server, the rest are constants of this file
"""The SQL of the fingerprint of a database. No psycopg here.

All names are qualified by an empty search_path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "COUNT_LARGE_OBJECTS",
    "LARGE_OBJECTS",
    "MAY_READ_LARGE_OBJECTS",
    "SEQUENCES",
    "TABLES",
    "fingerprint",
    "sequence",
]

# Types whose own hash is of all of the value, and of nothing but it: bool, "char", name, int8,
# int2, int4, text, oid, varchar, date, time, timestamp, timestamptz, uuid, inet, cidr. char(n)
# and numeric(p, s) are too, where the type says how long the value and how large its scale is.
_HASHED = "16, 18, 19, 20, 21, 23, 25, 26, 1043, 1082, 1083, 1114, 1184, 2950, 869, 650"
_HASHED_WITH_LENGTH = "1042, 1700"
_COLLATED = "25, 1042, 1043"

_NOT_OF_EXTENSION = """NOT EXISTS (
        SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
            AND e.classid = 'pg_class'::regclass AND e.objid = c.oid)"""
_USERS = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

# What pg_dump writes the rows of: every table that is neither an extension's nor another
# server's. `values` is how a column goes into the hash of the record; `names` are just that.
TABLES = f"""
SELECT json_agg(json_build_object(
    'name', format('%I.%I', n.nspname, c.relname),
    'root', CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::regclass::text
        ELSE format('%I.%I', n.nspname, c.relname) END,
    'bytes', c.relpages::bigint * current_setting('block_size')::bigint,
    'names', columns.names, 'values', columns.values))::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND {_USERS}
CROSS JOIN LATERAL (
    SELECT
        coalesce(json_agg('t.' || name ORDER BY column_name), '[]') AS names,
        coalesce(json_agg(CASE
            WHEN hashed AND base IN ({_COLLATED}) THEN 't.' || name || ' COLLATE "C"'
            WHEN hashed THEN 't.' || name
            WHEN base = 1042 THEN 'textin(bpcharout(t.' || name || ')) COLLATE "C"'
            ELSE 't.' || name || '::text COLLATE "C"' END ORDER BY column_name), '[]') AS values
    FROM (
        SELECT quote_ident(a.attname) AS name, a.attname COLLATE "C" AS column_name, base,
            base IN ({_HASHED}) OR base IN ({_HASHED_WITH_LENGTH}) AND modifier <> -1 AS hashed
        FROM pg_attribute AS a
        JOIN pg_type AS t ON t.oid = a.atttypid
        CROSS JOIN LATERAL (SELECT
            CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END::bigint AS base,
            CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier) AS plain
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS each
) AS columns
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {_NOT_OF_EXTENSION}
"""

SEQUENCES = f"""
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND {_USERS}
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {_NOT_OF_EXTENSION}
"""

MAY_READ_LARGE_OBJECTS = "SELECT has_table_privilege('pg_largeobject', 'SELECT')"
COUNT_LARGE_OBJECTS = "SELECT count(*), NULL FROM pg_largeobject_metadata"
LARGE_OBJECTS = """
SELECT (SELECT count(*) FROM pg_largeobject_metadata), coalesce(sum(hashtextextended(
    concat_ws(' ', loid, pageno, data) COLLATE "C", 0)), 0)::text
FROM pg_largeobject
"""


def fingerprint(table: Mapping[str, Any], *, method: str) -> str:
    """Query for name, rows and hash of a table that `TABLES` has named.

    The hash of a record is a weighted sum of those of its columns. Summed over the rows, it would
    not notice that two rows have exchanged the values of a column; so it is hashed once more,
    whole, as the seed of a constant.
    """
    if method == "record":
        values = ", ".join(table["values"])
        row = f"hashint4extended(0, hash_record_extended(ROW({values}), 0))"
    else:
        row = f'hashtextextended(ROW({", ".join(table["names"])})::text COLLATE "C", 0)'
    if not table["names"]:
        row = "0"
    name = literal(table["name"])
    return (
        f"SELECT {name}, count(*), coalesce(sum({row}::bigint), 0)::text"
        f" FROM ONLY {table['name']} AS t"
    )


def sequence(name: str) -> str:
    """Query for name, last value and whether it was given out."""
    return f"SELECT {literal(name)}, last_value, is_called FROM {name}"


def literal(text: str) -> str:
    """The text as an SQL literal, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
