"""For what an application may have to wait while a statement runs, as far as its text says it.

`lock` of a footprint is

=========  ==================================================================================
`none`     it takes no lock for which an application waits
`rows`     it locks rows of `tables` against their writers
`tables`   it may lock `tables`, or what belongs to them, against writers or readers
`unknown`  its text does not say it: it may lock everything
=========  ==================================================================================

A form that is not in this file is unknown. So is what runs code that the text does not show: a
query may read a view, and a row that is inserted fires triggers; a function of a user's in what is
executed (a default of a new column, a USING, the expression of an index) may do anything. What a
statement really locks is measured, on the twin and while it is deployed; see host/migrate/trace.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from ...contract.records.migration import BY_PATH
from .reader import Reader
from .statements import Piece

__all__ = ["Footprint", "footprint"]

Name = list[str]

NONE, ROWS, TABLES, UNKNOWN = "none", "rows", "tables", "unknown"

# Statements that lock nothing an application waits for.
_HARMLESS = {"ANALYZE", "COMMENT", "GRANT", "LISTEN", "NOTIFY", "RESET", "REVOKE", "SECURITY"}
_HARMLESS |= {"SET", "SHOW", "UNLISTEN"}
# Objects that no application locks: to make, to change and to drop them makes nobody wait, as long
# as nothing that belongs to others goes with them.
_FREE = {"ACCESS", "AGGREGATE", "CAST", "COLLATION", "CONVERSION", "DEFAULT", "EVENT", "FUNCTION"}
_FREE |= {"GROUP", "LANGUAGE", "OPERATOR", "PROCEDURE", "PUBLICATION", "ROLE", "ROUTINE"}
_FREE |= {"SERVER", "STATISTICS", "TEXT", "TRANSFORM", "USER", "SCHEMA", "DATABASE", "TABLESPACE"}
_NOISE = {"OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL"}
_NOISE |= {"CONSTRAINT", "RECURSIVE", "TRUSTED", "PROCEDURAL"}
# What stands ON a table, and belongs to it.
_ON_A_TABLE = {"INDEX", "TRIGGER", "RULE", "POLICY"}
_RELATIONS = {"TABLE", "VIEW", "SEQUENCE", "INDEX"}
# Words behind which a name before a parenthesis is that of a table, or not called now.
_NO_CALL = {"CONSTRAINT", "EXISTS", "FUNCTION", "INTO", "PROCEDURE", "REFERENCES", "TABLE"}
# Words before a parenthesis that call nothing of a user's, by whatever path.
_NO_FUNCTION = {
    "AND",
    "ANY",
    "BETWEEN",
    "BIT",
    "CASE",
    "CAST",
    "CHAR",
    "CHARACTER",
    "CHECK",
    "COALESCE",
}
_NO_FUNCTION |= {"COUNT", "DEC", "DECIMAL", "DEFAULT", "ELSE", "EXCLUDE", "FLOAT", "GREATEST", "IN"}
_NO_FUNCTION |= {
    "INCLUDE",
    "INTERVAL",
    "KEY",
    "LEAST",
    "LIKE",
    "LOWER",
    "MATERIALIZED",
    "NOT",
    "NOW",
}
_NO_FUNCTION |= {"NULLIF", "NUMERIC", "OR", "OVER", "SELECT", "SET", "SOME", "THEN", "TIME"}
_NO_FUNCTION |= {"TIMESTAMP", "TIMESTAMPTZ", "TRIM", "UNIQUE", "UPPER", "VALUES", "VARCHAR"}
_NO_FUNCTION |= {"VARYING", "WHEN", "WHERE", "WITH"}


@dataclass(frozen=True)
class Footprint:
    """`tables` are schema (or `BY_PATH`) and name: of tables, views, sequences and indexes that are
    named."""

    lock: str
    tables: tuple[tuple[str, str], ...]


class _UnreadError(Exception):
    """The text is of no form that is known here."""


def footprint(piece: Piece, *, qualified: bool = True) -> Footprint:
    """What the text says. Never raises: what cannot be read is unknown, and so is a name without
    its schema where all have to be `qualified`."""
    reader = Reader(piece)
    verb = reader.word
    reader.at += 1
    try:
        if verb in _HARMLESS:
            return Footprint(NONE, ())
        lock, names = _READERS[verb](reader) if verb in _READERS else (UNKNOWN, [])
    except _UnreadError:
        lock, names = UNKNOWN, []
    if lock in {ROWS, TABLES} and _executes(reader) and _calls(reader, qualified=qualified):
        lock = UNKNOWN
    if lock != NONE:
        names += _after(piece, "REFERENCES")
    if not qualified:
        names = [[BY_PATH, *name] if len(name) == 1 else name for name in names]
    tables = tuple(dict.fromkeys((name[0], name[1]) for name in names if len(name) == 2))
    whole = all(len(name) == 2 for name in names)
    if lock in {ROWS, TABLES} and not (tables and whole):
        lock = UNKNOWN
    return Footprint(lock, tables)


def _created(reader: Reader) -> tuple[str, list[Name]]:
    replaced = {"OR", "REPLACE"} <= {token.text for token in reader.tokens[1:3]}
    while reader.word in _NOISE:
        reader.at += 1
    what = reader.word
    reader.at += 1
    if what in {"MATERIALIZED", "TABLE"} and _is_queried(reader):
        raise _UnreadError
    if what == "MATERIALIZED" or (what == "VIEW" and not replaced) or what == "SEQUENCE":
        return NONE, []
    if what == "VIEW":
        return TABLES, [reader.name()]
    if what in _ON_A_TABLE:
        names = _after(reader.piece, "ON")[:1]
        # CREATE RULE … AS ON event TO table.
        return TABLES, _after(reader.piece, "TO")[:1] if what == "RULE" else names
    if what == "TABLE":
        return _created_table(reader)
    if what == "SCHEMA":
        # Its elements are statements of their own.
        elements = {token.text for token in reader.tokens if token.kind == "word"}
        return (UNKNOWN if {"TABLE", "INDEX", "TRIGGER"} & elements else NONE), []
    return (NONE if what in _FREE | {"TYPE", "DOMAIN"} else UNKNOWN), []


def _created_table(reader: Reader) -> tuple[str, list[Name]]:
    """A new table makes nobody wait, but for what it refers to and what it becomes a part of."""
    reader.take("IF", "NOT", "EXISTS")
    reader.name()
    words = [token.text for token in reader.tokens if token.kind == "word"]
    if reader.take("PARTITION", "OF"):
        return TABLES, [reader.name()]
    if "INHERITS" in words:
        # The names stand in parentheses, behind the columns.
        return UNKNOWN, []
    return (TABLES, []) if "REFERENCES" in words else (NONE, [])


def _altered(reader: Reader) -> tuple[str, list[Name]]:
    reader.take("MATERIALIZED")
    if reader.take("FOREIGN") and reader.word != "TABLE":
        raise _UnreadError
    what = reader.word
    reader.at += 1
    if what in _RELATIONS:
        if reader.take("ALL"):
            raise _UnreadError
        reader.take("IF", "EXISTS")
        reader.take("ONLY")
        names = [reader.name()]
        reader.take("*")
        if what == "TABLE" and _only_validates(reader):
            return NONE, []
        for word in ("PARTITION", "INHERIT"):
            names += [name for name in _after(reader.piece, word) if len(name) == 2]
        return TABLES, names
    if what in _ON_A_TABLE:
        return TABLES, _after(reader.piece, "ON")[:1]
    if what == "TYPE":
        values = {"ADD VALUE", "RENAME VALUE"}
        reader.name()
        return (NONE if f"{reader.word} {_second(reader)}" in values else UNKNOWN), []
    return (NONE if what in _FREE else UNKNOWN), []


def _only_validates(reader: Reader) -> bool:
    """Whether all that an ALTER TABLE does is VALIDATE CONSTRAINT, which stops nobody."""
    while reader.at < len(reader.tokens) and reader.word != ";":
        if not reader.take("VALIDATE", "CONSTRAINT"):
            return False
        reader.name()
        if not reader.take(","):
            break
    return reader.word in {";", ""}


def _dropped(reader: Reader) -> tuple[str, list[Name]]:
    cascades = "CASCADE" in {token.text for token in reader.tokens if token.kind == "word"}
    reader.take("MATERIALIZED")
    if reader.take("FOREIGN") and reader.word != "TABLE":
        raise _UnreadError
    what = reader.word
    reader.at += 1
    if what in _RELATIONS:
        reader.take("CONCURRENTLY")
        reader.take("IF", "EXISTS")
        return TABLES, _listed(reader)
    if what in _ON_A_TABLE:
        return TABLES, _after(reader.piece, "ON")[:1]
    # With CASCADE, anything may go with it.
    free = what in _FREE | {"TYPE", "DOMAIN"} and not cascades
    return (NONE if free else UNKNOWN), []


def _many(*optional: str) -> Callable[[Reader], tuple[str, list[Name]]]:
    """For a statement that has a list of tables behind its verb."""

    def read(reader: Reader) -> tuple[str, list[Name]]:
        for word in optional:
            reader.take(word)
        return TABLES, _listed(reader)

    return read


def _clustered(reader: Reader) -> tuple[str, list[Name]]:
    if reader.word == "(":
        reader.skip_parentheses()
    reader.take("VERBOSE")
    return TABLES, [reader.name()]


def _reindexed(reader: Reader) -> tuple[str, list[Name]]:
    if reader.word == "(":
        reader.skip_parentheses()
    if not (reader.take("INDEX") or reader.take("TABLE")):
        raise _UnreadError
    reader.take("CONCURRENTLY")
    return TABLES, [reader.name()]


def _refreshed(reader: Reader) -> tuple[str, list[Name]]:
    """What its query does is not told."""
    if not reader.take("MATERIALIZED", "VIEW"):
        raise _UnreadError
    reader.take("CONCURRENTLY")
    return UNKNOWN, [reader.name()]


def _vacuumed(reader: Reader) -> tuple[str, list[Name]]:
    """Plain VACUUM stops nobody but for a moment; VACUUM FULL writes the table anew."""
    full = "FULL" in {token.text for token in reader.tokens if token.kind == "word"}
    return (UNKNOWN if full else NONE), []


def _written(reader: Reader) -> tuple[str, list[Name]]:
    """Anything that changes rows which are there, itself or in a WITH."""
    reader.at = 0
    names: list[Name] = []
    writes = False
    for position, token in enumerate(reader.tokens):
        before = reader.tokens[position - 1].text if position else "("
        if token.kind != "word" or before not in {"(", ")"}:
            continue
        reader.at = position
        if reader.take("UPDATE") or reader.take("DELETE", "FROM") or reader.take("MERGE", "INTO"):
            writes = True
            reader.take("ONLY")
            names.append(reader.name())
    if not writes:
        raise _UnreadError
    return ROWS, names


def _is_queried(reader: Reader) -> bool:
    """Whether a new table or materialized view is filled by a query: what that does is not told."""
    words = [token.text for token in reader.tokens if token.kind == "word"]
    without_data = words[-3:] == ["WITH", "NO", "DATA"]
    depth = 0
    for token in reader.tokens:
        sign = token.text if token.kind == "sign" else ""
        depth += (sign == "(") - (sign == ")")
        if not depth and token.kind == "word" and token.text == "AS":
            return not without_data
    return False


def _calls(reader: Reader, *, qualified: bool) -> bool:
    """Whether the text calls something that may be a user's: a function with its schema, or without
    where a path leads to schemas of users; an operator with its schema."""
    tokens = reader.tokens
    words = [token.text for token in tokens]
    indexed = _behind_on(words) if words[0] == "CREATE" else None
    for position, token in enumerate(tokens[:-1]):
        if token.kind not in {"word", "quoted"} or tokens[position + 1].text != "(":
            continue
        if token.kind == "word" and token.text == "OPERATOR":
            return True
        first = position
        while first >= 2 and tokens[first - 1].text == ".":
            first -= 2
        if (first and tokens[first - 1].text in _NO_CALL) or first == indexed:
            continue
        if first < position and tokens[first].name != "pg_catalog":
            return True
        if first == position and not qualified and token.text not in _NO_FUNCTION:
            return True
    return False


def _executes(reader: Reader) -> bool:
    """Whether expressions of the statement are executed at once, and not when somebody uses it."""
    verb, *following = [token.text for token in reader.tokens[:3]]
    kind = {"ALTER": "TABLE", "CREATE": "INDEX"}.get(verb)
    return kind in following if kind else verb in {"DELETE", "INSERT", "MERGE", "UPDATE", "WITH"}


def _behind_on(words: list[str]) -> int | None:
    """Where the table of an index stands; columns follow in parentheses."""
    if "ON" not in words:
        return None
    place = words.index("ON") + 1
    return place + (words[place : place + 1] == ["ONLY"])


def _inserted(reader: Reader) -> tuple[str, list[Name]]:
    if not reader.take("INTO"):
        raise _UnreadError
    name = reader.name()
    words = [token.text for token in reader.tokens if token.kind == "word"]
    pairs = set(itertools.pairwise(words))
    return (ROWS if ("DO", "UPDATE") in pairs else UNKNOWN), [name]


def _listed(reader: Reader) -> list[Name]:
    """Names with commas between them, each perhaps with ONLY before it or * behind it."""
    names: list[Name] = []
    while True:
        reader.take("ONLY")
        names.append(reader.name())
        reader.take("*")
        if not reader.take(","):
            return names


def _after(piece: Piece, word: str) -> list[Name]:
    """The names behind each of such words."""
    reader = Reader(piece)
    names = []
    for position, token in enumerate(piece.tokens):
        if token.kind == "word" and token.text == word:
            reader.at = position + 1
            reader.take("ONLY")
            names.append(reader.name())
    return names


def _second(reader: Reader) -> str:
    at = reader.at + 1
    return reader.tokens[at].text if at < len(reader.tokens) else ""


_READERS: dict[str, Callable[[Reader], tuple[str, list[Name]]]] = {
    "ALTER": _altered,
    "CLUSTER": _clustered,
    "CREATE": _created,
    "DELETE": _written,
    "DROP": _dropped,
    "INSERT": _inserted,
    "LOCK": _many("TABLE"),
    "MERGE": _written,
    "REFRESH": _refreshed,
    "REINDEX": _reindexed,
    "TRUNCATE": _many("TABLE"),
    "UPDATE": _written,
    "VACUUM": _vacuumed,
    "WITH": _written,
}
