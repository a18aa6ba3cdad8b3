"""A line of checks.jsonl: what came of one check.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["CheckResult"]


@dataclass(frozen=True)
class CheckResult(FileRecord):
    """`samples` are keys or names, never contents of rows; a race has a `transcript`."""

    FILE: ClassVar[str] = "checks.jsonl"

    check_id: str
    status: str
    examined: int | None
    expected: str | None
    observed: str | None
    samples: Sequence[str]
    seconds: float
    phase: str
    transcript: Sequence[Mapping[str, str]] | None = None

    @property
    def applies(self) -> bool:
        """Whether it has looked at anything, or says something all the same."""
        return self.status != "pass" or self.examined != 0
