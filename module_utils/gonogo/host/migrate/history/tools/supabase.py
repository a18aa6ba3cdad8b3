"""Supabase's record: the versions, with the statements that were run.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from ..folder import Claim, Folder
from ..interface import APPLIED, IMPLICIT, REFUSED, Entry, History, Migration
from ..reading import Table, sql_files, text_of, unique

__all__ = ["Supabase"]

_FILE = re.compile(r"([0-9]+)_(.*)\.sql")
_STAMPED = re.compile(r"[0-9]{14}_.*\.sql")
# The first file, as an old version of the program wrote it; it is not applied.
_OLD = re.compile(r"([0-9]{14})_init\.sql")
_NEWER = 20211209000000
_STATEMENTS = "statements"
_RECORD = "INSERT INTO {table} (version, name, statements) VALUES (%s, %s, %s)"


class Supabase(History):
    """Supabase's command: `supabase/migrations/<version>_<name>.sql`."""

    name = "Supabase"
    transaction = IMPLICIT
    late = REFUSED
    names_itself = True
    own_schema = "supabase_migrations"

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "schema_migrations", "version", "name", "statements")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = [name for name in folder.files if _STAMPED.fullmatch(name)]
        if not found:
            return None
        parent = folder.path.resolve().parent
        if parent.name == "supabase":
            return Claim("the folder supabase around it")
        unknown = folder.around is None and not folder.in_pairs
        return Claim(found[0], sure=False) if unknown else None

    def files(self, folder: Path) -> list[Migration]:
        found = []
        for place, path in enumerate(sql_files(folder)):
            named, old = _FILE.fullmatch(path.name), _OLD.fullmatch(path.name)
            if not named or (place == 0 and old and int(old[1]) < _NEWER):
                continue
            text = text_of(path)
            statements = [text.strip().rstrip(";").rstrip()]
            found.append(Migration(named[1], path.name, text, details={_STATEMENTS: statements}))
        return unique(found, folder)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key, (self.schema, "seed_files"))

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version FROM {table} ORDER BY version"
        return [Entry(version, APPLIED) for (version,) in self._table.rows(connection, query)]

    def record(self, connection: Any, migration: Migration) -> None:
        named = _FILE.fullmatch(Path(migration.file).name)
        row = (migration.name, named[2] if named else "", migration.details.get(_STATEMENTS))
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE version = %s"
        self._table.execute(connection, query, (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"supabase migration repair --status applied {shlex.quote(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        return f"supabase migration repair --status reverted {shlex.quote(entry.name)}"
