"""The trace of a statement: what applying it has cost, see host/migrate/trace.py.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Lock", "StatementTrace", "Wait"]


@dataclass(frozen=True)
class Lock:
    """`existing` is whether the relation existed before the transaction."""

    relation: str
    mode: str
    existing: bool


@dataclass(frozen=True)
class Wait:
    """`blocks` is `writes` or `reads and writes`, `seconds` until the end of the transaction."""

    relation: str
    blocks: str
    seconds: float


@dataclass(frozen=True)
class StatementTrace:
    """What a statement that was committed has cost.

    `rows` is None but for INSERT, UPDATE and DELETE; `wal_bytes` are the whole server's meanwhile.
    `rewritten` are tables and indexes with a new file. `held_seconds` is the time from the first
    lock that made the application wait to the end of this statement, `rewritten_tables` and
    `rewritten_bytes` what was rewritten up to here in its transaction. `scanned` is the table that
    was there before → rows that were read of it from its beginning on, without an index.
    """

    file: str
    line: int
    statement: str
    seconds: float
    rows: int | None
    wal_bytes: int
    size_bytes: int
    locks: Sequence[Lock]
    rewritten: Sequence[str]
    held_seconds: float
    rewritten_tables: Sequence[str]
    rewritten_bytes: int
    waits: Sequence[Wait]
    scanned: Mapping[str, int] = field(default_factory=dict)
