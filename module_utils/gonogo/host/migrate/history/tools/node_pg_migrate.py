"""node-pg-migrate's record: the names of the files, without their extension.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, REFUSED, WHOLE_RUN, Entry, Migration
from ..reading import Table, inside, literal, text_of, unique, within

__all__ = ["NodePgMigrate"]

_MARK = "-- Up Migration"
_UP, _DOWN = (
    re.compile(rf"^\s*--[\s-]*{way}\s+migration", re.IGNORECASE | re.MULTILINE)
    for way in ("up", "down")
)
_PROGRAMS = frozenset({".js", ".ts", ".cjs", ".mjs", ".cts", ".mts"})
_UTC = "%Y%m%d%H%M%S%f"


class NodePgMigrate(Advisory):
    """node-pg-migrate 8 and 9: SQL files with both ways in them; other files are programs."""

    name = "node-pg-migrate"
    transaction = WHOLE_RUN
    late = REFUSED
    names_itself = True
    key = 7241865325823964

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "pgmigrations", "name", "run_on")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = next((name for name, text in folder.texts.items() if _UP.search(text)), None)
        return Claim(f"{found} has {_MARK}") if found else None

    def files(self, folder: Path) -> list[Migration]:
        found = [
            _read(path)
            for path in inside(folder)
            if path.is_file() and not path.name.startswith(".")
            if path.suffix == ".sql" or path.suffix in _PROGRAMS
        ]
        return unique(sorted(found, key=lambda one: self.rank(one.name)), folder)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT name FROM {table} ORDER BY run_on, id"
        return [Entry(name, APPLIED) for (name,) in self._table.rows(connection, query)]

    def rank(self, name: str) -> tuple[int, str]:
        return _number(name), name

    def record(self, connection: Any, migration: Migration) -> None:
        query = "INSERT INTO {table} (name, run_on) VALUES (%s, now())"
        self._table.execute(connection, query, (migration.name,))

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE name = %s"
        self._table.execute(connection, query, (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"INSERT INTO {self._table.plain} (name, run_on) VALUES ({literal(name)}, now());"  # noqa: S608 - for a person

    def unstamp(self, entry: Entry) -> str | None:
        return f"DELETE FROM {self._table.plain} WHERE name = {literal(entry.name)};"  # noqa: S608 - for a person


def _number(name: str) -> int:
    """The digits at its begin; seventeen are a moment of UTC, of which the milliseconds count."""
    found = re.match(r"\d*", name, re.ASCII)
    digits = found[0] if found else ""
    if len(digits) != len("20200513070724505"):
        return int(digits or -1)
    try:
        moment = datetime.strptime(f"{digits}000", _UTC).replace(tzinfo=timezone.utc)
    except ValueError:
        return int(digits)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _read(path: Path) -> Migration:
    if not path.name[0].isdigit():
        raise InputError(
            f"{path.name} does not begin with a number",
            file=str(path),
            hint="node-pg-migrate refuses the folder: number the file, or keep it elsewhere.",
        )
    if path.suffix in _PROGRAMS:
        return Migration(path.stem, path.name)
    text = text_of(path)
    up, down = _UP.search(text), _DOWN.search(text)
    # Without a mark of its own the whole file applies it, the other half too.
    applies = _span(text, up.start(), down) if up else (0, len(text))
    takes_back = within(text, [_span(text, down.start(), up)]) if down else None
    return Migration(path.stem, path.name, within(text, [applies]), down=takes_back)


def _span(text: str, start: int, other: re.Match[str] | None) -> tuple[int, int]:
    """From a mark to the other one, where that comes later."""
    return start, other.start() if other and other.start() > start else len(text)
