"""Prisma's record of a migration, kept as Prisma itself would keep it.

Prisma never looks at the schema: a name counts as applied if one of its rows is not rolled back,
and a row that is not finished stops every later deployment (P3009).

Python 3.9, standard library only.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .....contract.canonical import sha256
from .....contract.errors import InputError
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, IMPLICIT, UNDONE, Entry, Migration
from ..reading import Table, inside, literal, quoted, text_of

__all__ = ["Prisma"]

_FILE = "migration.sql"
_PROVIDER = "migration_lock.toml"

_ENTRIES = """
SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL,
    applied_steps_count, coalesce(logs, '') <> ''
FROM {table} ORDER BY started_at
"""
# As Prisma does on success.
_RECORD = """
INSERT INTO {table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
VALUES (%s, %s, %s, now(), clock_timestamp(), 1)
"""
_UNRECORD = """
UPDATE {table} SET rolled_back_at = now() WHERE migration_name = %s AND rolled_back_at IS NULL
"""


class Prisma(Advisory):
    """Prisma 6 and 7: a folder for each migration, a row for each time that it was tried."""

    name = "Prisma"
    transaction = IMPLICIT
    late = APPLIED
    digest = "SHA-256"
    failed_means = "every later deployment of Prisma's stops there (P3009)"
    # Prisma's own deployments hold it for the whole of their session.
    key = 72707369

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "_prisma_migrations", "migration_name", "rolled_back_at")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        if _PROVIDER in folder.files:
            return Claim(_PROVIDER)
        found = next(
            (
                name
                for name, files in folder.folders.items()
                if _FILE in files and "snapshot.json" not in files
            ),
            None,
        )
        return Claim(f"{found}/{_FILE}") if found else None

    @property
    def settings(self) -> Mapping[str, str]:
        """The `schema` of the URL, where it is another than that without one."""
        return {} if self.schema == "public" else {"search_path": quoted(self.schema)}

    def files(self, folder: Path) -> list[Migration]:
        found = []
        for directory in filter(Path.is_dir, inside(folder)):
            file = directory / _FILE
            if not file.is_file():
                raise InputError(
                    f"the migration {directory.name} has no {_FILE}",
                    file=str(directory),
                    hint="Prisma refuses such a folder (P3015): remove it, or bring the file back.",
                )
            name = directory.name
            sums = self.checksums(file.read_bytes())
            found.append(Migration(name, f"{name}/{_FILE}", text_of(file), sums))
        return found

    def checksums(self, content: bytes) -> tuple[str, ...]:
        """Of the file as it stands, and with the other kinds of line ends."""
        unix = content.replace(b"\r\n", b"\n")
        variants = (content, unix, unix.replace(b"\n", b"\r\n"))
        return tuple(dict.fromkeys(sha256(text) for text in variants))

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        rows = self._table.rows(connection, _ENTRIES)
        return [
            Entry(
                name,
                UNDONE if rolled_back else APPLIED if finished else FAILED,
                checksum,
                {"finished": finished, "steps": steps, "logs": logs},
            )
            for name, checksum, finished, rolled_back, steps, logs in rows
        ]

    def record(self, connection: Any, migration: Migration) -> None:
        row = (str(uuid.uuid4()), migration.checksums[0], migration.name)
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        self._table.execute(connection, _UNRECORD, (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"npx prisma migrate resolve --applied {shlex.quote(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        if entry.state == FAILED:
            return f"npx prisma migrate resolve --rolled-back {shlex.quote(entry.name)}"
        # Prisma has no command for this.
        return (
            f"UPDATE {self._table.plain} "  # noqa: S608 - for a person
            f"SET rolled_back_at = now() WHERE migration_name = {literal(entry.name)}; "
            "-- then deploy again"
        )
