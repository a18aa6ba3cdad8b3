"""A line of ledger.jsonl: a row the run may leave behind.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["LedgerRow"]


@dataclass(frozen=True)
class LedgerRow(FileRecord):
    """`table` is schema.name, `key` column → value."""

    FILE: ClassVar[str] = "ledger.jsonl"

    table: str
    key: Mapping[str, object]
    label: str
    phase: str
