"""A line of ledger.jsonl: a row the run may leave behind.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["LedgerRow", "LedgerTable"]


@dataclass(frozen=True)
class LedgerRow(FileRecord):
    """`table` is schema.name, `key` column → value."""

    FILE: ClassVar[str] = "ledger.jsonl"

    table: str
    key: Mapping[str, object]
    label: str
    phase: str


@dataclass(frozen=True)
class LedgerTable:
    """The rows of a ledger that are in one table, as a cleanup takes them; `table` is its schema
    and its name, `ids` are texts."""

    table: Sequence[str]
    ids: Sequence[str]
