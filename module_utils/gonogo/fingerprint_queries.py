# ruff: noqa: S608 - names are quoted by the server, the rest are constants of this file
"""The SQL of the fingerprint of a database. No psycopg here.

All names are qualified by an empty search_path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

# How a value is hashed, by the OID of its type: of these the server's hash is of all of the value,
# and of nothing but it. {0} is the value, {1} the seed of its column.
_HASHES = {
    16: "hashint4extended({0}::integer, {1})",  # boolean
    18: "hashcharextended({0}, {1})",  # "char"
    19: 'hashnameextended({0} COLLATE "C", {1})',
    20: "hashint8extended({0}, {1})",
    21: "hashint2extended({0}, {1})",
    23: "hashint4extended({0}, {1})",
    25: 'hashtextextended({0} COLLATE "C", {1})',
    26: "hashoidextended({0}, {1})",
    1043: 'hashtextextended({0} COLLATE "C", {1})',  # varchar
    # A date has no function of its own, and an infinite one no number.
    1082: "CASE WHEN isfinite({0}) THEN hashint4extended({0} - DATE '2000-01-01', {1})"
    ' ELSE hashtextextended({0}::text COLLATE "C", {1}) END',
    1083: "time_hash_extended({0}, {1})",
    1114: "timestamp_hash_extended({0}, {1})",
    1184: "timestamp_hash_extended(timezone(INTERVAL '0', {0}), {1})",  # timestamptz
    2950: "uuid_hash_extended({0}, {1})",
    869: "hashinetextended({0}, {1})",
    650: "hashinetextended({0}, {1})",  # cidr
}
# Of these too where the type says how long the value is and how large its scale.
_HASHES_WITH_LENGTH = {
    1042: 'hashbpcharextended({0} COLLATE "C", {1})',
    # The seed of zero would come out next to that of NaN, and so of the next column.
    1700: "hashint4extended({1}, hash_numeric_extended({0}, 0))",
}
_OPEN_CHAR = 'hashtextextended(textin(bpcharout({0})) COLLATE "C", {1})'
_CHAR = 1042
# An odd number whose multiples lie far apart.
_GOLDEN = 0x9E3779B97F4A7C15
_TEXT = 'hashtextextended({0}::text COLLATE "C", {1})'

_NOT_OF_EXTENSION = """NOT EXISTS (
        SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
            AND e.classid = 'pg_class'::regclass AND e.objid = c.oid)"""
_USERS = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

# What pg_dump writes the rows of: every table that is neither an extension's nor another
# server's. `columns` are in the order of their names: name, OID of its type (of what a domain is
# made of), and whether the type says how long it is.
TABLES = f"""
SELECT json_agg(json_build_object(
    'name', format('%I.%I', n.nspname, c.relname),
    'root', CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::regclass::text
        ELSE format('%I.%I', n.nspname, c.relname) END,
    'bytes', c.relpages::bigint * current_setting('block_size')::bigint,
    'columns', columns.columns))::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND {_USERS}
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(quote_ident(a.attname),
        CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END::bigint,
        CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END <> -1)
        ORDER BY a.attname COLLATE "C"), '[]') AS columns
    FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
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


def fingerprint(table: Mapping[str, Any]) -> str:
    """Query for name, rows and hash of a table that `TABLES` has named.

    The hash of a row is made of those of its columns, each with a seed of its own, so that no two
    columns can exchange their values. Summed over the rows it would not notice that two rows have
    exchanged the values of a column; so it is hashed once more, whole, as the seed of a constant.
    """
    hashes = " # ".join(
        f"coalesce({_hash(column, seed)}, {_null(seed)})"
        for seed, column in enumerate(table["columns"], start=1)
    )
    return (
        f"SELECT {literal(table['name'])}, count(*),"
        f" coalesce(sum(hashint4extended(0, {hashes or 0})), 0)::text"
        f" FROM ONLY {table['name']} AS t"
    )


def _hash(column: Sequence[Any], seed: int) -> str:
    name, base, has_length = column
    template = _HASHES.get(base) or (_HASHES_WITH_LENGTH.get(base) if has_length else None)
    if template is None:
        template = _OPEN_CHAR if base == _CHAR else _TEXT
    return template.format(f"t.{name}", seed)


def _null(seed: int) -> str:
    """What stands for no value in this column: nothing that a hash is likely to be."""
    scattered = seed * _GOLDEN & (1 << 64) - 1
    return f"'{scattered - (1 << 63)}'::bigint"


def sequence(name: str) -> str:
    """Query for name, last value and whether it was given out."""
    return f"SELECT {literal(name)}, last_value, is_called FROM {name}"


def literal(text: str) -> str:
    """The text as an SQL literal, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
