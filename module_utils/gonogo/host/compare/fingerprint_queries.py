# ruff: noqa: S608 - names are quoted by the server, the rest are constants of this file
"""The SQL of the fingerprint of a database. No psycopg here.

`SETTINGS` pins the search path: every name is one of pg_catalog, or qualified. A value becomes
text by the output function of its type and never by a cast: a cast can be replaced, and does not
say what a dump says. No query over rows has a condition or an order that an index could answer,
and each asks for `ctid`, which no index holds: so the table itself is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...contract.schemas import OF_USERS
from ...contract.session_settings import PINNED, PLANNING
from ..session.copied import CALLING
from ..session.quoting import literal

__all__ = [
    "LARGE_OBJECTS",
    "LARGE_OBJECT_CHUNK",
    "SEQUENCES",
    "SETTINGS",
    "TABLES",
    "Table",
    "chunk",
    "fingerprint",
    "literal",
    "sequence",
]

# What the text of a value depends on, and what would let the planner read something else than the
# table. Money is written as the locale says.
SETTINGS = {
    # Names are read as the session was told to (`connection`).
    **{key: value for key, value in PINNED.items() if key != "client_encoding"},
    **PLANNING,
    "lc_monetary": "C",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
}

# How a value is hashed, by the OID of its type: of these the server's hash is of all of the value,
# and of nothing but it. {0} is the value, {1} the seed of its column. The server folds 64 bits into
# 32 before it hashes them: of a bigint the upper half is hashed first, and is the seed of both; a
# time goes by the bytes it is sent as. The hash of a numeric leaves out its sign.
_BYTES = "hashtextextended(encode({0}, 'hex') COLLATE \"C\", {1})"
_HASHES = {
    16: "hashint4extended({0}::integer, {1})",  # boolean
    18: "hashcharextended({0}, {1})",  # "char"
    19: 'hashnameextended({0} COLLATE "C", {1})',
    20: "hashint8extended({0}, hashint4extended(({0} >> 32)::integer, {1}))",
    21: "hashint2extended({0}, {1})",
    23: "hashint4extended({0}, {1})",
    25: 'hashtextextended({0} COLLATE "C", {1})',
    26: "hashoidextended({0}, {1})",
    1043: 'hashtextextended({0} COLLATE "C", {1})',  # varchar
    # A date has no function of its own, and an infinite one no number.
    1082: "CASE WHEN isfinite({0}) THEN hashint4extended({0} - DATE '2000-01-01', {1})"
    ' ELSE hashtextextended(concat({0}) COLLATE "C", {1}) END',
    1083: _BYTES.format("time_send({0})", "{1}"),
    1114: _BYTES.format("timestamp_send({0})", "{1}"),
    1184: _BYTES.format("timestamptz_send({0})", "{1}"),
    2950: "uuid_hash_extended({0}, {1})",
    869: "hashinetextended({0}, {1})",
    650: "hashinetextended({0}, {1})",  # cidr
}
# Blanks at its end are no part of a value whose type says how long it is.
_CHAR_WITH_LENGTH = 'hashbpcharextended({0} COLLATE "C", {1})'
_OPEN_CHAR = 'hashtextextended(textin(bpcharout({0})) COLLATE "C", {1})'
_CHAR = 1042
# An odd number whose multiples lie far apart.
_GOLDEN = 0x9E3779B97F4A7C15
# `concat` asks the output function. It makes an empty text of what is no value; a row of nothing
# but nulls is a value, though IS NULL says otherwise.
_TEXT = (
    'CASE WHEN {0} IS DISTINCT FROM NULL THEN hashtextextended(concat({0}) COLLATE "C", {1}) END'
)

_NOT_OF_EXTENSION = """NOT EXISTS (
        SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
            AND e.classid = 'pg_class'::regclass AND e.objid = c.oid)"""

# What an extension has asked to have dumped with the user's own: relation, and the condition that
# its rows must meet. Extensions of initdb are in no dump.
_CONFIGURATION = """
SELECT k.relation, k.condition FROM pg_extension AS x
CROSS JOIN LATERAL unnest(x.extconfig, x.extcondition) AS k (relation, condition)
WHERE x.oid >= 16384"""


# The columns of every table, as `fingerprint` wants them: a JSON array in the order of their names,
# each with name, OID of its type (of what a domain is made of) and whether the type says how long
# it is. What is computed when it is read is no column: a dump has nothing of it.
#
# Made once for all tables, as is the number of indexes: without index scans, a question asked of
# the catalog for each table would read all of it each time.
_COLUMNS = """
SELECT a.attrelid, json_agg(json_build_array(quote_ident(a.attname),
    CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END::bigint,
    CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END <> -1)
    ORDER BY a.attname COLLATE "C") AS columns,
    json_agg(quote_ident(a.attname) ORDER BY a.attname COLLATE "C")
        FILTER (WHERE a.attgenerated = '') AS given
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
GROUP BY a.attrelid"""
_INDEXES = "SELECT i.indrelid, count(*) AS number FROM pg_index AS i GROUP BY i.indrelid"


@dataclass(frozen=True)
class Table:
    """A row of `TABLES`.

    `condition` begins with WHERE, or is empty; `locks` is how many locks a query of it takes;
    `calling` says whether planning it would call functions of somebody; `given` are the columns
    that are not computed. `root` is the partitioned table it belongs to, or itself.
    """

    name: str
    alias: str
    oid: int
    root: str
    bytes: int
    locks: int
    condition: str
    calling: bool
    given: Sequence[str]
    columns: Sequence[tuple[str, int, bool]]


# What pg_dump writes the rows of: every table of a user, and what extensions want to have saved;
# no other server's.
TABLES = f"""
SELECT concat(json_agg(json_build_object(
    'name', format('%I.%I', n.nspname, c.relname),
    'alias', quote_ident(c.relname),
    'oid', c.oid::bigint,
    'root', CASE WHEN c.relispartition THEN format('%s', pg_partition_root(c.oid))
        ELSE format('%I.%I', n.nspname, c.relname) END,
    'bytes', c.relpages::bigint * current_setting('block_size')::bigint,
    'locks', 1 + coalesce(indexes.number, 0),
    'condition', coalesce(saved.condition, ''),
    'calling', {CALLING},
    'given', coalesce(those.given, '[]'),
    'columns', coalesce(those.columns, '[]'))))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN ({_CONFIGURATION}) AS saved ON saved.relation = c.oid
LEFT JOIN ({_COLUMNS}) AS those ON those.attrelid = c.oid
LEFT JOIN ({_INDEXES}) AS indexes ON indexes.indrelid = c.oid
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND (saved.relation IS NOT NULL OR {OF_USERS} AND {_NOT_OF_EXTENSION})
"""

SEQUENCES = f"""
SELECT format('%I.%I', n.nspname, c.relname), n.nspname::text, c.relname::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN ({_CONFIGURATION}) AS saved ON saved.relation = c.oid
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
    AND (saved.relation IS NOT NULL OR {OF_USERS} AND {_NOT_OF_EXTENSION})
"""

# How many bytes of a large object are read at once.
LARGE_OBJECT_CHUNK = 1 << 18
# The next large objects behind an OID.
LARGE_OBJECTS = (
    "SELECT m.oid::bigint FROM pg_largeobject_metadata AS m"
    " WHERE m.oid::bigint > {after} ORDER BY 1 LIMIT {count}"
)


def chunk(numbers: Sequence[int], position: int) -> str:
    """Query for OID, bytes and hash of this piece of large objects, read as a dump reads them.

    By their privileges, not by those of the catalog; a hole is as many zeros as a dump has of it.
    """
    offset = position * LARGE_OBJECT_CHUNK
    comment = "coalesce(obj_description(o.oid::oid, 'pg_largeobject'), '')"
    return (
        "SELECT o.oid, octet_length(o.data), concat(hashtextextended("
        f"""concat(o.oid, ' ', {offset}, ' ', o.data) COLLATE "C","""
        f""" hashtextextended({comment} COLLATE "C", 0)))"""
        f" FROM (SELECT w.oid, lo_get(w.oid::oid, {offset}, {LARGE_OBJECT_CHUNK}) AS data"
        f" FROM unnest(ARRAY[{', '.join(map(str, numbers))}]::bigint[]) AS w (oid) OFFSET 0) AS o"
    )


def fingerprint(table: Table) -> str:
    """Query for name, rows and hash of a table."""
    if table.condition:
        # As pg_dump writes it, which lets the condition name the table; there is no index on what
        # has been read already.
        source = (
            f"(WITH read AS MATERIALIZED (SELECT r.ctid AS row_id, r.* FROM ONLY {table.name}"
            f" AS r) SELECT * FROM read AS {table.alias} {table.condition})"
        )
        counted = "row_id"
    else:
        source, counted = f"ONLY {table.name}", "ctid"
    return (
        f"SELECT {literal(table.name)}, count(t.{counted}),"
        f" concat(coalesce(sum({_row_hash(table.columns)}), 0)) FROM {source} AS t"
    )


def _row_hash(columns: Sequence[tuple[str, int, bool]]) -> str:
    """Expression for the hash of a row of `t`, of these columns (see `_COLUMNS`).

    It is made of those of its columns, each with a seed of its own, so that no two columns can
    exchange their values. Summed over the rows it would not notice that two rows have exchanged
    the values of a column; so it is hashed once more, whole, as the seed of a constant.
    """
    hashes = " # ".join(
        f"coalesce({_hash(column, seed)}, {_null(seed)})"
        for seed, column in enumerate(columns, start=1)
    )
    return f"hashint4extended(0, {hashes or 0})"


def _hash(column: tuple[str, int, bool], seed: int) -> str:
    name, base, has_length = column
    if base == _CHAR:
        template = _CHAR_WITH_LENGTH if has_length else _OPEN_CHAR
    else:
        template = _HASHES.get(base, _TEXT)
    return template.format(f"t.{name}", seed)


def _null(seed: int) -> str:
    """What stands for no value in this column: nothing that a hash is likely to be."""
    scattered = seed * _GOLDEN & (1 << 64) - 1
    return f"'{scattered - (1 << 63)}'::bigint"


def sequence(name: str) -> str:
    """Query for name, last value and whether it was given out."""
    return f"SELECT {literal(name)}, last_value, is_called FROM {name}"
