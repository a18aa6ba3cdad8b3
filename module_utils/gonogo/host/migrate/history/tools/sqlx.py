"""sqlx's record: a row for each version, with the digest of its file.

Python 3.9, standard library only.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..advisory import Advisory, crc32_of_database
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, PER_FILE, Entry, Migration
from ..reading import Table, sql_files, text_of, unique

__all__ = ["Sqlx"]

_ALONE = "-- no-transaction"
_RECORD = """
INSERT INTO {table} (version, description, success, checksum, execution_time)
VALUES (%s, %s, true, %s, 0)
"""


class Sqlx(Advisory):
    """sqlx 0.8: `<version>_<description>.sql`, or such a pair of `.up.sql` and `.down.sql`."""

    name = "sqlx"
    transaction = PER_FILE
    late = APPLIED
    names_itself = True
    digest = "SHA-384"
    failed_means = "sqlx calls it dirty and does nothing more"
    lock_name = "advisory lock named by the database"

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "_sqlx_migrations", "version", "checksum", "success")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = folder.with_line(_ALONE)
        if found:
            return Claim(f"{found} has {_ALONE}")
        named = [one for one in folder.files if _version(one) and one.endswith(".sql")]
        if not named or not folder.may_be("Cargo.toml", ".sqlx"):
            return None
        return Claim(named[0], sure=folder.around is not None and ".sqlx" in folder.around)

    def files(self, folder: Path) -> list[Migration]:
        up: list[Migration] = []
        down: dict[str, tuple[str, str]] = {}
        for path in sql_files(folder):
            if "_" not in path.name:
                continue
            version = _version(path.name)
            if version is None:
                raise InputError(
                    f"{path.name} does not begin with a version",
                    file=str(path),
                    hint="sqlx refuses it: a name is a number, a low line and words.",
                )
            text = text_of(path)
            if path.name.endswith(".down.sql"):
                down[version] = text, path.name
                continue
            sums = self.checksums(path.read_bytes())
            alone = text.startswith(_ALONE)
            up.append(Migration(version, path.name, text, sums, transaction=not alone))
        ordered = sorted(up, key=lambda one: int(one.name))
        return unique((one.with_down(down.get(one.name)) for one in ordered), folder)

    def checksums(self, content: bytes) -> tuple[str, ...]:
        return (hashlib.sha384(content).hexdigest(),)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version, success, encode(checksum, 'hex') FROM {table} ORDER BY version"
        return [
            Entry(str(version), APPLIED if success else FAILED, checksum)
            for version, success, checksum in self._table.rows(connection, query)
        ]

    def rank(self, name: str) -> int:
        return int(name)

    def record(self, connection: Any, migration: Migration) -> None:
        checksum = bytes.fromhex(migration.checksums[0])
        row = (int(migration.name), _description(migration.file), checksum)
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE version = %s"
        self._table.execute(connection, query, (int(migration.name),))

    def stamp(self, name: str) -> str | None:
        """Its own command would run the file; the row needs the digest."""
        return (
            f"INSERT INTO {self._table.plain} "  # noqa: S608 - for a person
            "(version, description, success, checksum, execution_time) "
            f"VALUES ({int(name)}, '', true, decode('SHA-384 of the file', 'hex'), 0) "
            "ON CONFLICT (version) DO UPDATE SET success = true;"
        )

    def unstamp(self, entry: Entry) -> str | None:
        return (
            f"DELETE FROM {self._table.plain} "  # noqa: S608 - for a person
            f"WHERE version = {int(entry.name)};"
        )

    def keys(self, connection: Any) -> tuple[int, ...]:
        return (0x3D32AD9E * crc32_of_database(connection),)


def _version(name: str) -> str | None:
    digits = name.split("_", 1)[0]
    return str(int(digits)) if digits.isascii() and digits.isdigit() else None


def _description(file: str) -> str:
    words = Path(file).name.split("_", 1)[1]
    suffix = ".up.sql" if words.endswith(".up.sql") else ".sql"
    while words.endswith(suffix):
        words = words[: -len(suffix)]
    return words.replace("_", " ")
