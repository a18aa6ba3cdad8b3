"""Where a restored sequence may stand: between two readings of its source, made around the dump.

A sequence takes part in no snapshot, so what the dump says of it lies somewhere between them. One
that begins anew at its end goes round: from the first reading to the second it may have passed its
end. It can have gone all the way round only where it has few values, or where much time has passed;
then every position is a possible one.

Pure; knows neither psycopg nor files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["State", "cycles", "possible"]

# Last value, and whether it was given out.
State = Sequence[object]

# More values than any server gives out in a second.
_A_SECOND = 10_000_000
# What its owner has named is behind that.
_OWNED = ", owned by "
_CYCLES = ", cycle"
_BOUNDS = re.compile(r", increment (-?\d+), from (-?\d+), to (-?\d+), cache (\d+)(?:,|$)")


def cycles(definition: str) -> bool:
    """Whether a sequence of this definition (`schema_catalog`) begins anew at its end."""
    return _CYCLES in definition.partition(_OWNED)[0]


def possible(
    state: State, before: State, after: State, *, definition: str, seconds: float | None
) -> bool:
    """Whether a dump between the two readings, so many `seconds` apart, can have found `state`."""
    now, first, last = (_Position.of(one) for one in (state, before, after))
    if not cycles(definition):
        first, last = sorted((first, last))
        return first <= now <= last
    ring = _Ring.of(definition)
    if ring is None or seconds is None or not ring.is_longer_than(seconds):
        return True
    return ring.has_passed(now, first, last)


@dataclass(frozen=True, order=True)
class _Position:
    value: int
    called: bool

    @classmethod
    def of(cls, state: State) -> _Position:
        value, called = state
        return cls(int(str(value)), bool(called))

    def backwards(self) -> _Position:
        return _Position(-self.value, self.called)


@dataclass(frozen=True)
class _Ring:
    """The values of a sequence that begins anew at its end."""

    increment: int
    low: int
    high: int
    cache: int

    @classmethod
    def of(cls, definition: str) -> _Ring | None:
        found = _BOUNDS.search(definition.partition(_OWNED)[0])
        return cls(*map(int, found.groups())) if found else None

    def is_longer_than(self, seconds: float) -> bool:
        """Whether going all the way round takes longer. A session takes `cache` values at once."""
        values = (self.high - self.low) // abs(self.increment) + 1
        return values // self.cache > seconds * _A_SECOND

    def has_passed(self, now: _Position, first: _Position, last: _Position) -> bool:
        """Whether it comes by `now` on its way from the first to the last."""
        if self.increment < 0:
            now, first, last = now.backwards(), first.backwards(), last.backwards()
        if first <= last:
            return first <= now <= last
        return now >= first or now <= last
