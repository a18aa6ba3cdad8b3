"""Diesel's record: the versions, and when each was run.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..folder import Claim, Folder
from ..interface import APPLIED, PER_FILE, Entry, History, Migration
from ..reading import Table, inside, literal, text_of, unique

__all__ = ["Diesel"]

_UP = "up.sql"
_DOWN = "down.sql"
_METADATA = "metadata.toml"
_KEY = re.compile(r"^\s*run_in_transaction\s*=\s*true\s*(?:#.*)?$", re.MULTILINE)


class Diesel(History):
    """Diesel 2: a folder for each migration, with `up.sql` and mostly `down.sql`."""

    name = "Diesel"
    transaction = PER_FILE
    late = APPLIED
    names_itself = True

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "__diesel_schema_migrations", "version", "run_on")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = next((name for name, files in folder.folders.items() if _UP in files), None)
        return Claim(f"{found}/{_UP}") if found else None

    def files(self, folder: Path) -> list[Migration]:
        found = [
            _read(directory)
            for directory in inside(folder)
            if directory.is_dir() and not directory.name.startswith(".")
            if any(directory.iterdir())
        ]
        return unique(sorted(found, key=lambda one: one.name), folder)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version FROM {table} ORDER BY run_on, version"
        return [Entry(version, APPLIED) for (version,) in self._table.rows(connection, query)]

    def record(self, connection: Any, migration: Migration) -> None:
        query = "INSERT INTO {table} (version) VALUES (%s)"
        self._table.execute(connection, query, (migration.name,))

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE version = %s"
        self._table.execute(connection, query, (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"INSERT INTO {self._table.plain} (version) VALUES ({literal(name)});"  # noqa: S608 - for a person

    def unstamp(self, entry: Entry) -> str | None:
        return f"DELETE FROM {self._table.plain} WHERE version = {literal(entry.name)};"  # noqa: S608 - for a person


def _read(directory: Path) -> Migration:
    up, down = directory / _UP, directory / _DOWN
    if not up.is_file():
        raise InputError(
            f"the migration {directory.name} has no {_UP}",
            file=str(directory),
            hint="Diesel refuses such a folder: remove it, or bring the file back.",
        )
    found = Migration(
        directory.name.split("_", 1)[0].replace("-", ""),
        f"{directory.name}/{_UP}",
        text_of(up),
        transaction=_in_transaction(directory / _METADATA),
    )
    return found.with_down((text_of(down), f"{directory.name}/{_DOWN}") if down.is_file() else None)


def _in_transaction(metadata: Path) -> bool:
    """Where there is such a file, only what it says; a file that says nothing says no."""
    return not metadata.is_file() or _KEY.search(text_of(metadata)) is not None
