"""captured.json: what the command of a migration tool has said to copies of the database.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["CapturedRecord", "CommandRun", "RecordTable", "Said"]


@dataclass(frozen=True)
class Said:
    """Statements that a session has sent at once, with the values that it has sent beside them.

    `session` and `number` say whose they are, and in which order they were done; those of one
    `group` are one transaction where none was open. `inside` is whether one was. `values` are SQL
    for $1, $2 and so on; `tags` is what the server has said of each statement. `failed` is whether
    it has refused one. `copied` is whether rows were streamed behind it, `call` whether it is a
    function that was called without SQL.
    """

    session: int
    number: int
    group: int
    inside: bool
    text: str
    values: Sequence[str]
    tags: Sequence[str]
    failed: bool
    copied: bool
    call: bool


@dataclass(frozen=True)
class RecordTable:
    """A table in which a migration tool keeps its record, and the digest of its rows: None where
    there was no such table."""

    schema: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class CommandRun:
    """One run of the command on a copy.

    `changed` is what it has changed of the copy's schema: object → definition, None of one that is
    gone. `settings` are those that each session began with. `acting` are the names of functions
    that may change something. `confined` is whether the kernel took the network from it, and
    writing to files that are not its own; `unconfined` says why not.
    """

    said: Sequence[Said]
    settings: Sequence[Mapping[str, str]]
    acting: Sequence[str]
    tables: Sequence[RecordTable]
    changed: Mapping[str, str | None]
    confined: bool
    unconfined: str | None
    seconds: float


@dataclass(frozen=True)
class CapturedRecord(FileRecord):
    """`text` is what was captured, as one migration; `own` are the places where both runs differ,
    in the rows of the tool's own record."""

    FILE: ClassVar[str] = "captured.json"

    command: Sequence[str]
    text: str
    sha256: str
    statements: int
    own: Sequence[str]
    tables: Sequence[RecordTable]
    confined: bool
    unconfined: str | None
    seconds: Sequence[float]
