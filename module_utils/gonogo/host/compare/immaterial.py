"""What of a schema is not as it was, and has no meaning for rows, constraints and rights.

A column that is made anew stands behind the others of its table. Without its comment, or without
what the planner and the storage go by, it is the same column to an application. Such a difference
is named and is no fault. It is one where a migration has changed these of what stays: then its way
back has to change them, too.

Pure; Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .object_names import parsed, subject_of
from .schema_catalog import Difference

__all__ = ["Sifted", "sifted", "unplaced"]

_COLUMN = "column "
_TABLES = ("table ", "foreign table ")
_COMMENT = "comment on "
_POSITION = re.compile(r"\A\d+ ")
_LAST_PART = re.compile(r'\.(?:"(?:[^"]|"")*"|[^".]+)\Z')
# They stand behind the default, which cannot end like this.
_SETTINGS = re.compile(
    r"(?: storage \w)?(?: compression \w)?(?: statistics \d+)?(?: with n_distinct[\w=., -]*)?\Z"
)


@dataclass(frozen=True)
class Sifted:
    """`real` are the differences that have a meaning, `told` the names of the others."""

    real: Sequence[Difference]
    told: Sequence[str]


def sifted(
    found: Iterable[Difference], schema: Mapping[str, str], *, made: Collection[str] = ()
) -> Sifted:
    """Tell the differences of two schemas apart: `schema` is the second, `made` are the names of
    what of it was made anew."""
    real: list[Difference] = []
    told: dict[str, None] = {}
    tables = {parsed(name).parts for name in schema if name.startswith(_TABLES)}
    grown = {_LAST_PART.sub("", one[len(_COLUMN) :]) for one in made if one.startswith(_COLUMN)}
    for one in found:
        if one.name.startswith(_COMMENT) and subject_of(one.name) in made:
            told[one.name] = None
            continue
        if one.kind != "different" or not one.name.startswith(_COLUMN):
            real.append(one)
            continue
        left = one
        if parsed(one.name).table in tables:
            left = replace(one, first=unplaced(one.first or ""), second=unplaced(one.second or ""))
            table = _LAST_PART.sub("", one.name[len(_COLUMN) :])
            if left != one and table in grown:
                told[f"order of columns of {table}"] = None
        if left.first == left.second:
            continue
        if one.name in made and _bare(left.first) == _bare(left.second):
            told[f"settings of {one.name}"] = None
            continue
        real.append(left)
    return Sifted(real, list(told))


def unplaced(definition: str) -> str:
    """The definition of a column without its place among the others."""
    return _POSITION.sub("", definition)


def _bare(definition: str | None) -> str:
    return _SETTINGS.sub("", definition or "", count=1)
