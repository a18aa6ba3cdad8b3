"""history.json: the folder of migrations that a run is about, and what their tool has on record.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .deployment import HistoryEntry
from .reading import FileRecord

__all__ = ["HistoryRecord", "MigrationFile"]


@dataclass(frozen=True)
class MigrationFile:
    """A migration: the name that it is recorded by, and its file below the folder."""

    name: str
    file: str


@dataclass(frozen=True)
class HistoryRecord(FileRecord):
    """`files` are in the tool's order. `entries` is None where the tool keeps no record in this
    database. `pending` are the names of what the tool would apply next, in order: what the run
    judges."""

    FILE: ClassVar[str] = "history.json"

    tool: str
    schema: str
    directory: str
    sha256: str
    files: Sequence[MigrationFile]
    entries: Sequence[HistoryEntry] | None
    pending: Sequence[str]
