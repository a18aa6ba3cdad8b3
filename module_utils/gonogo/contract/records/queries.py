"""queries.json: the queries of the application that pg_stat_statements has seen.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["QueriesRecord", "RecordedQuery"]


@dataclass(frozen=True)
class RecordedQuery:
    """A query as it is kept: without its values, which are `$1` and so on."""

    queryid: str
    text: str


@dataclass(frozen=True)
class QueriesRecord(FileRecord):
    """`queries` in the order of how often they were called. `reason` says why there are none, or
    None; `hidden` is how many of them the login is not allowed to read."""

    FILE: ClassVar[str] = "queries.json"

    queries: Sequence[RecordedQuery]
    hidden: int
    reason: str | None
