"""A line of events.jsonl: what happened, sealed with the hash of the line before.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["FORMAT", "Event"]

# The form of a directory of evidence, as its first event says it; without a word it is 1.
FORMAT = 1


@dataclass(frozen=True)
class Event(FileRecord):
    """`data` differs by event."""

    FILE: ClassVar[str] = "events.jsonl"

    seq: int
    at: str
    stage: str
    event: str
    data: Mapping[str, object]
    prev: str
    hash: str
