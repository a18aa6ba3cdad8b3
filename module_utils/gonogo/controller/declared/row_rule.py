"""A rule about rows, as a manifest declares it under `row_rules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["RowCondition", "RowRule", "Same", "Some"]


@dataclass(frozen=True)
class RowCondition:
    """What the value at the end of `path` has to be: one of the other fields says it."""

    path: Sequence[str]
    holds: Sequence[object] | None = None
    lacks: Sequence[object] | None = None
    empty: bool | None = None
    above: Sequence[str] | None = None
    below: Sequence[str] | None = None
    equals: Sequence[str] | None = None


@dataclass(frozen=True)
class Same:
    """The value of `path` in the other row is that of `as_` in the row itself."""

    path: Sequence[str]
    as_: Sequence[str]


@dataclass(frozen=True)
class Some:
    """At least one row of `table` that names the row in its column `by` has to meet `where`."""

    table: str
    by: str
    where: Sequence[RowCondition]
    same: Same | None = None


@dataclass(frozen=True)
class RowRule:
    """Which rows it is about (`given`), and one of `agree`, `order`, `past`, `never`, `some`: see
    `render.row_rules`."""

    name: str
    check: str
    table: str
    words: str
    given: Sequence[RowCondition] | None = None
    agree: Sequence[Sequence[str]] | None = None
    order: Sequence[Sequence[str]] | None = None
    past: Sequence[Sequence[str]] | None = None
    never: Sequence[RowCondition] | None = None
    some: Some | None = None
    profiles: Sequence[str] | None = None
