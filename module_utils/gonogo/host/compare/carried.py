"""What of a schema a dump does not carry: that it is not restored is no fault of the archive.

A pure function over a difference and both schemas; it knows neither psycopg nor files. What is
lost and has a meaning for the application (rows, constraints, privileges) is in none of these
rules.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Callable, NamedTuple

from .schema_catalog import Difference

__all__ = ["is_carried"]

Schema = Mapping[str, str]


def _always(_one: Difference, _source: Schema, _twin: Schema) -> bool:
    return True


def _is_invalid(one: Difference, _source: Schema, _twin: Schema) -> bool:
    """One that could not be built is left out of every dump."""
    return (one.first or "").startswith("invalid, ")


def _of_invalid(one: Difference, source: Schema, _twin: Schema) -> bool:
    index = one.name[len("comment on ") :]
    return source.get(index, "").startswith("invalid, ")


def _of_another_version(one: Difference, source: Schema, twin: Schema) -> bool:
    extension = one.name[len("table of extension ") :].split(": ", 1)[0]
    version = f"version of extension {extension}"
    return source.get(version) != twin.get(version)


_ENDS = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_SEQUENCE = re.compile(
    r"(?P<type>\w+), (?P<start>start -?\d+, increment -?\d+), from (?P<first>-?\d+),"
    r" to (?P<last>-?\d+)(?P<rest>, .*owned by (?P<column>.*))\Z",
    re.DOTALL,
)


def _has_type_of_column(one: Difference, source: Schema, twin: Schema) -> bool:
    """The sequence of an identity column, made by LIKE, is of another type than the column. A dump
    names no type for it, so it gets the column's; its limits stay as they are.
    """
    before, after = (_SEQUENCE.match(text or "") for text in (one.first, one.second))
    if not before or not after:
        return False
    kept = ("start", "first", "last", "rest")
    column = twin.get(f"column {after['column']}", "").split(" ")
    return (
        all(before[key] == after[key] for key in kept)
        and after["type"] in column[:2]
        and "identity" in source.get(f"column {before['column']}", "").split(" ")
        and _ENDS[after["type"]][0] <= int(after["first"])
        and int(after["last"]) <= _ENDS[after["type"]][1]
    )


class _Gap(NamedTuple):
    name: str
    kinds: Collection[str]
    holds: Callable[[Difference, Schema, Schema], bool] = _always


_ANY = ("missing", "extra", "different")
_GAPS = (
    # The host's version of it is installed.
    _Gap("version of extension ", _ANY),
    # Where the disks are, is the host's.
    _Gap("tablespace of ", _ANY),
    _Gap("index ", ("missing",), _is_invalid),
    _Gap("comment on index ", ("missing",), _of_invalid),
    # On a trigger, a constraint or a type that follows from another: none is dumped by itself.
    _Gap("comment on derived ", ("missing",)),
    # An extension is made with the comment that its control file has, the schema public with the
    # one of every new database.
    _Gap("comment on extension ", ("extra",)),
    _Gap("comment on schema public", ("extra",)),
    _Gap("table of extension ", _ANY, _of_another_version),
    # Every new database has it.
    _Gap("extension plpgsql", ("extra",)),
    # DISABLE TRIGGER ALL; a dump knows the states of a user's own triggers.
    _Gap("triggers of constraint ", ("missing",)),
    # They would speak with another server.
    _Gap("subscription ", ("missing",)),
    _Gap("sequence ", ("different",), _has_type_of_column),
)


def is_carried(difference: Difference, source: Schema, twin: Schema) -> bool:
    """Whether a dump carries what differs, so that the difference is a fault."""
    return not any(
        difference.name.startswith(gap.name)
        and difference.kind in gap.kinds
        and gap.holds(difference, source, twin)
        for gap in _GAPS
    )
