"""In what a column that exists differs from the one that a migration makes.

Types are compared as the server reads them, so that two spellings of one are the same. A default is
compared where it is a plain constant; of any other it is only asked whether there is one.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...contract.records.migration import Column
from ..session.connection import DatabaseError

__all__ = ["DETAIL", "DETAILS", "Found", "Type", "difference", "types"]

# Of a column `a` of the table `c`.
DETAIL = """pg_catalog.jsonb_build_object(
    'type', a.atttypid::bigint, 'modifier', a.atttypmod,
    'words', pg_catalog.format_type(a.atttypid, a.atttypmod),
    'required', a.attnotnull,
    'in_key', EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)),
    'default', (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = c.oid AND d.adnum = a.attnum),
    'identity', a.attidentity <> '', 'generated', a.attgenerated <> '')"""

# Name → the same, of all columns of the table.
DETAILS = (
    "(SELECT coalesce(pg_catalog.jsonb_object_agg(a.attname, "  # noqa: S608 - constants of here
    + DETAIL
    + "), '{}') FROM pg_catalog.pg_attribute AS a"
    " WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"
)

_KNOWN = "SELECT pg_catalog.to_regtype(%s)::oid::bigint"
_WORDS = "SELECT pg_catalog.format_type(%s::bigint::oid, %s::integer)"
# Types of which a constant is what it says, whenever it is read: 'now' is no such text.
_PLAIN = frozenset({16, 20, 21, 23, 25, 700, 701, 1042, 1043, 1700, 2950, 3802})
_NOTHING = re.compile(r"NULL(::.+)?")
_CONSTANT = re.compile(r"'((?:[^'\\]|'')*)'(?:::[^()']+(?:\([0-9,]+\))?)?|(-?[0-9.]+|true|false)")
_COMPUTED = {
    "identity": ("is an identity column", "is no identity column"),
    "generated": ("is generated", "is not generated"),
}
_SAME = "SELECT %s::{0} OPERATOR(pg_catalog.=) %s::{0}"


@dataclass(frozen=True)
class Found:
    """A column of the database, as `DETAIL` has it."""

    type: int
    modifier: int
    words: str
    required: bool
    in_key: bool
    default: str | None
    identity: bool
    generated: bool


@dataclass(frozen=True)
class Type:
    """As the server knows it; `modifier` is None where its type alone counts."""

    oid: int
    modifier: int | None
    words: str


def types(connection: Any, written: Iterable[str]) -> dict[str, Type]:
    """What the server reads these as, but for those that it does not know."""
    found = {}
    for text in set(written):
        # Where a text is none, only this question fails.
        try:
            with connection.transaction():
                read = _read(connection, text)
        except DatabaseError:
            continue
        if read:
            found[text] = read
    return found


def _read(connection: Any, text: str) -> Type | None:
    (oid,) = connection.execute(_KNOWN, [text]).fetchone()
    if oid is None:
        return None
    # A text that to_regtype takes is a type and nothing else; the answer says its modifier.
    answer = connection.execute(f"SELECT NULL::{text}".encode()).pgresult
    modifier = answer.fmod(0) if answer.ftype(0) == oid else None
    (words,) = connection.execute(_WORDS, [oid, -1 if modifier is None else modifier]).fetchone()
    return Type(oid, modifier, words)


def difference(
    connection: Any, wanted: Column, found: Found, known: Mapping[str, Type]
) -> str | None:
    """In what the column that was found is not the wanted one; None where nothing differs."""
    kind = known.get(wanted.type or "")
    if kind and not _is(kind, found):
        return f"has the type {found.words}, not {kind.words}"
    for key, (yes, no) in _COMPUTED.items():
        expected, real = getattr(wanted, key), getattr(found, key)
        if expected is not None and expected != real:
            return yes if real else no
    if wanted.has_default is not None and not (found.identity or found.generated):
        differs = _default(connection, wanted, found)
        if differs:
            return differs
    if wanted.required and not found.required:
        return "may be empty"
    if wanted.required is False and found.required and not found.in_key:
        return "may not be empty"
    return None


def _is(kind: Type, found: Found) -> bool:
    same = kind.oid == found.type
    return same and (kind.modifier is None or kind.modifier == found.modifier)


def _default(connection: Any, wanted: Column, found: Found) -> str | None:
    printed = found.default
    if printed is None or _NOTHING.fullmatch(printed):
        return "has no default" if wanted.has_default else None
    if not wanted.has_default:
        return f"has the default {printed}, not none"
    value = wanted.default
    constant = _CONSTANT.fullmatch(printed)
    if value is None or constant is None or found.type not in _PLAIN:
        return None
    text = constant[2] if constant[1] is None else constant[1].replace("''", "'")
    same = value == text
    if not same:
        try:
            with connection.transaction():
                query = _SAME.format(found.words)
                (same,) = connection.execute(query.encode(), [value, text]).fetchone()
        except DatabaseError:
            return None
    return None if same else f"has the default {printed}, not {value}"
