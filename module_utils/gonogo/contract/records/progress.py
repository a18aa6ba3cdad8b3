"""How far a stage is, as its process on the target host writes it down for whoever waits.

It is no evidence, and nothing is decided by it.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MAX_BYTES", "Count", "Progress", "StepProgress", "Touched"]

# A longer file is not read.
MAX_BYTES = 8192


@dataclass(frozen=True)
class Count:
    """So many are `done`, `of` so many where that is known; `about` where it is an estimate."""

    unit: str
    done: int
    of: int | None = None
    about: bool = False


@dataclass(frozen=True)
class Touched:
    """An object that is worked on, and the share of it that is done in per cent."""

    name: str
    percent: int | None = None


@dataclass(frozen=True)
class StepProgress:
    """A step of a stage, `number` by number; the first of its `counts` says how far it is."""

    number: int
    name: str
    seconds: float
    counts: Sequence[Count] = ()
    now: Sequence[Touched] = ()


@dataclass(frozen=True)
class Progress:
    """The steps that are at work. `written` is how often the file was written before."""

    written: int
    steps: Sequence[StepProgress]
