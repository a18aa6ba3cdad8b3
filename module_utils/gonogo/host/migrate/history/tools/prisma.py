"""Prisma's record of a migration, kept as Prisma itself would keep it.

Prisma never looks at the schema: a name counts as applied if one of its rows is not rolled back,
and a row that is not finished stops every later deployment (P3009).

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .....contract.canonical import sha256
from .....contract.errors import InputError
from ..interface import (
    APPLIED,
    FAILED,
    IMPLICIT,
    SESSION,
    UNDONE,
    Entry,
    History,
    Migration,
)
from ..reading import inside, literal, quoted, text_of

__all__ = ["Prisma"]

_TABLE = "_prisma_migrations"
_FILE = "migration.sql"
# What Prisma's own deployments hold, for the whole of their session.
_LOCK = 72707369

_KEPT = """
SELECT FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r'
"""
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


class Prisma(History):
    """Prisma 6 and 7: a folder for each migration, a row for each time that it was tried."""

    name = "Prisma"
    transaction = IMPLICIT
    late = APPLIED
    digest = "SHA-256"
    failed_means = "every later deployment of Prisma's stops there (P3009)"
    lock_scope = SESSION
    lock_name = str(_LOCK)

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
        return ((self.schema, _TABLE),)

    def entries(self, connection: Any) -> list[Entry] | None:
        if connection.execute(_KEPT, (self.schema, _TABLE)).fetchone() is None:
            return None
        return [
            Entry(
                name,
                UNDONE if rolled_back else APPLIED if finished else FAILED,
                checksum,
                {"finished": finished, "steps": steps, "logs": logs},
            )
            for name, checksum, finished, rolled_back, steps, logs in connection.execute(
                self._query(_ENTRIES), ()
            ).fetchall()
        ]

    def record(self, connection: Any, migration: Migration) -> None:
        row = (str(uuid.uuid4()), migration.checksums[0], migration.name)
        connection.execute(self._query(_RECORD), row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        connection.execute(self._query(_UNRECORD), (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"npx prisma migrate resolve --applied {shlex.quote(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        if entry.state == FAILED:
            return f"npx prisma migrate resolve --rolled-back {shlex.quote(entry.name)}"
        # Prisma has no command for this.
        return (
            f"UPDATE {_plainly(self.schema)}.{_TABLE} "  # noqa: S608 - for a person
            f"SET rolled_back_at = now() WHERE migration_name = {literal(entry.name)}; "
            "-- then deploy again"
        )

    def take(self, connection: Any) -> bool:
        asked = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", (_LOCK,))
        return bool(asked.fetchone()[0])

    def release(self, connection: Any) -> None:
        connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (_LOCK,))

    def _query(self, text: str) -> str:
        """The query on the table, whose name is none of the driver's placeholders."""
        return text.format(table=f"{quoted(self.schema)}.{quoted(_TABLE)}".replace("%", "%%"))


def _plainly(name: str) -> str:
    """An identifier for a person's psql."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)
