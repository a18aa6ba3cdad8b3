"""SQL files without a tool: nobody keeps a record of them, the schema says what is applied.

Python 3.9, standard library only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .....contract.canonical import sha256
from ..folder import Claim, Folder
from ..interface import APPLIED, PER_FILE, Entry, History, Migration
from ..reading import sql_files, text_of

__all__ = ["Plain"]


class Plain(History):
    """The files `*.sql` of one folder, in the order of their names, byte by byte."""

    name = "plain SQL"
    transaction = PER_FILE
    late = APPLIED
    digest = "SHA-256"
    divides = True

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        if not folder.texts or folder.in_pairs:
            return None
        return Claim(next(iter(folder.texts)), sure=False)

    def files(self, folder: Path) -> list[Migration]:
        return [
            Migration(path.name, path.name, text_of(path), self.checksums(path.read_bytes()))
            for path in sql_files(folder)
        ]

    def checksums(self, content: bytes) -> tuple[str, ...]:
        return (sha256(content),)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return ()

    def entries(self, connection: Any) -> list[Entry] | None:
        del connection
        return None

    def record(self, connection: Any, migration: Migration) -> None:
        """Nothing: there is no record."""

    def unrecord(self, connection: Any, migration: Migration) -> None:
        """Nothing: there is no record."""

    def stamp(self, name: str) -> str | None:
        del name
        return None

    def unstamp(self, entry: Entry) -> str | None:
        del entry
        return None
