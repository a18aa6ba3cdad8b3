"""Drizzle's record: for each file its digest and the moment at which it was generated.

Of the record it asks for the newest moment alone: whatever the journal has before it is never
applied, and no digest is ever compared.

Python 3.9, standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .....contract.canonical import sha256
from .....contract.errors import InputError
from ..folder import Claim, Folder
from ..interface import APPLIED, IGNORED, WHOLE_RUN, Entry, History, Migration
from ..reading import Table, bare, below, inside, text_of, unique

__all__ = ["Drizzle"]

_JOURNAL = "meta/_journal.json"
_BREAK = "--> statement-breakpoint"
_RECORD = "INSERT INTO {table} (hash, created_at) VALUES (%s, %s)"


class Drizzle(History):
    """Drizzle 0: a journal, and a file for each of its entries."""

    name = "Drizzle"
    transaction = WHOLE_RUN
    late = IGNORED
    names_itself = True
    digest = "SHA-256"
    own_schema = "drizzle"

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "__drizzle_migrations", "hash", "created_at")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        if "_journal.json" in folder.folders.get("meta", ()):
            return Claim(_JOURNAL)
        found = next(
            (
                name
                for name, files in folder.folders.items()
                if {"migration.sql", "snapshot.json"} <= files
            ),
            None,
        )
        return Claim(f"{found}/snapshot.json") if found else None

    def files(self, folder: Path) -> list[Migration]:
        inside(folder)
        found = []
        for when, tag in _journal(folder):
            file = below(folder, f"{tag}.sql")
            text = _with_semicolons(text_of(file))
            found.append(
                Migration(str(when), f"{tag}.sql", text, self.checksums(file.read_bytes()))
            )
        return unique(found, folder)

    def checksums(self, content: bytes) -> tuple[str, ...]:
        return (sha256(content),)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = (
            "SELECT created_at, hash FROM {table} WHERE created_at IS NOT NULL ORDER BY created_at"
        )
        return [
            Entry(str(when), APPLIED, checksum)
            for when, checksum in self._table.rows(connection, query)
        ]

    def rank(self, name: str) -> int:
        return int(name)

    def out_of_order(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """By their moments, whatever their place in the journal."""
        newest = max((self.rank(name) for name in self.applied(files, entries)), default=-1)
        return [one for one in self._left(files, entries) if self.rank(one.name) < newest]

    def record(self, connection: Any, migration: Migration) -> None:
        row = (migration.checksums[0], int(migration.name))
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE created_at = %s"
        self._table.execute(connection, query, (int(migration.name),))

    def stamp(self, name: str) -> str | None:
        return f"INSERT INTO {self._table.plain} (hash, created_at) VALUES ('', {int(name)});"  # noqa: S608 - for a person

    def unstamp(self, entry: Entry) -> str | None:
        return (
            f"DELETE FROM {self._table.plain} "  # noqa: S608 - for a person
            f"WHERE created_at = {int(entry.name)};"
        )


def _journal(folder: Path) -> list[tuple[int, str]]:
    """Moment and tag of each entry, in its order."""
    file = folder / _JOURNAL
    if not file.is_file():
        raise InputError(
            f"there is no {_JOURNAL}",
            file=str(folder),
            detail="Drizzle 1 keeps none; folders of that kind are not read.",
            hint="Name the folder that drizzle-kit writes its files to (`out` in its settings).",
        )
    try:
        found = [(one["when"], one["tag"]) for one in json.loads(text_of(file))["entries"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = [(None, None)]
    if not all(type(when) is int and isinstance(tag, str) for when, tag in found):
        raise InputError(
            f"{_JOURNAL} is no journal of Drizzle's",
            file=str(file),
            hint="It has `entries`, each with a whole number `when` and a text `tag`.",
        )
    return found


def _with_semicolons(text: str) -> str:
    """Drizzle sends what is between two breakpoints; a semicolon is optional there."""
    pieces = text.split(_BREAK)
    return "".join(
        piece if not bare(piece).strip() or bare(piece).rstrip().endswith(";") else f"{piece};"
        for piece in pieces
    )
