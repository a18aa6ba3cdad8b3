"""golang-migrate's record: its newest version alone, and whether that was finished.

So a file with a lower number that comes later counts as applied and never is.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .....contract.errors import GonogoError
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, IGNORED, IMPLICIT, Entry, Migration
from ..reading import Table, inside, text_of, unique

__all__ = ["GolangMigrate"]

_FILE = re.compile(r"([0-9]+)_(.*)\.(down|up)\.(.*)")
# As `migrate create -seq` numbers them.
_SEQUENCE = re.compile(r"[0-9]{6}_.*\.up\.sql")
_TABLE = "schema_migrations"
_SALT = 1486364155
# Version of the migration before, None for the first.
_BEFORE = "before"


class GolangMigrate(Advisory):
    """golang-migrate 4: `<version>_<title>.up.sql`, and `.down.sql` beside it."""

    name = "golang-migrate"
    transaction = IMPLICIT
    late = IGNORED
    names_itself = True
    failed_means = "golang-migrate calls it dirty and does nothing more"
    lock_name = "advisory lock named by schema, table and database"

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, _TABLE, "version", "dirty")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = [name for name in folder.files if _FILE.fullmatch(name) and ".up.sql" in name]
        if not found:
            return None
        alone = not folder.may_be("Cargo.toml", ".sqlx")
        return Claim(found[0], sure=alone or any(map(_SEQUENCE.fullmatch, found)))

    def files(self, folder: Path) -> list[Migration]:
        ways: dict[str, list[Migration]] = {"up": [], "down": []}
        for path in inside(folder):
            named = _FILE.fullmatch(path.name)
            if named and path.is_file():
                one = Migration(str(int(named[1])), path.name, text_of(path))
                ways[named[3]].append(one)
        down = {one.name: (one.text or "", one.file) for one in unique(ways["down"], folder)}
        up = sorted(unique(ways["up"], folder), key=lambda one: int(one.name))
        before = [None, *(one.name for one in up)]
        return [
            one.with_down(down.get(one.name))._replace(details={_BEFORE: last})
            for one, last in zip(up, before)
        ]

    def named(self, folder: Path, file: str, name: str) -> Migration:
        # What was before is not told by the folder of a runbook.
        return super().named(folder, file, name)._replace(details={})

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version, dirty FROM {table} WHERE version >= 0"
        return [
            Entry(str(version), FAILED if dirty else APPLIED)
            for version, dirty in self._table.rows(connection, query)
        ]

    def applied(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """All up to the newest."""
        if not entries:
            return []
        newest = max(self.rank(entry.name) for entry in entries)
        told = {*(file.name for file in files), *(entry.name for entry in entries)}
        failed = self.failed(entries)
        names = sorted(told, key=self.rank)
        return [name for name in names if self.rank(name) <= newest and name not in failed]

    def later(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        newest = max((self.rank(one.name) for one in files), default=0)
        return [one.name for one in entries if self.rank(one.name) > newest]

    def rank(self, name: str) -> int:
        return int(name)

    def record(self, connection: Any, migration: Migration) -> None:
        self._set(connection, migration.name)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        """The version before is the newest again."""
        if _BEFORE not in migration.details:
            raise GonogoError(
                f"which version was there before {migration.name} is not known",
                hint="Name the whole folder of migrations.",
            )
        before = migration.details[_BEFORE]
        self._set(connection, None if before is None else str(before))

    def stamp(self, name: str) -> str | None:
        return f"migrate force {int(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        return f"migrate force VERSION, with the version before {int(entry.name)}"

    def keys(self, connection: Any) -> tuple[int, ...]:
        """As a program calls the database, and as the command does, by the path of its URL."""
        name = connection.execute("SELECT pg_catalog.current_database()").fetchone()[0]
        return tuple(_key(self.schema, _TABLE, form) for form in (name, f"/{name}"))

    def _set(self, connection: Any, version: str | None) -> None:
        self._table.execute(connection, "DELETE FROM {table}")
        if version is not None:
            query = "INSERT INTO {table} (version, dirty) VALUES (%s, false)"
            self._table.execute(connection, query, (int(version),))


def _key(*names: str) -> int:
    return zlib.crc32("\0".join(names).encode()) * _SALT % 2**32
