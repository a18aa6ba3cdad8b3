"""A line of checks.jsonl: what came of one check.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["CheckResult", "came_to"]


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


def came_to(results: Sequence[CheckResult]) -> str:
    """How many have passed, of how many; one that does not apply is none of them."""
    passed = sum(one.status == "pass" and one.applies for one in results)
    empty = sum(not one.applies for one in results)
    more = f", {empty} {'do' if empty != 1 else 'does'} not apply" if empty else ""
    return f"{passed} of {len(results)} passed{more}"
