"""dbmate's record: one column with the versions.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..folder import Claim, Folder
from ..interface import APPLIED, PER_FILE, Entry, History, Migration
from ..reading import Table, literal, sql_files, text_of, unique, within

__all__ = ["Dbmate"]

_MARK = "-- migrate:up"
_UP, _DOWN = (
    re.compile(rf"^--\s*migrate:{way}(?:\s*$|\s+\S+)", re.MULTILINE | re.ASCII)
    for way in ("up", "down")
)
_ASIDE = re.compile(r"\s*(?:--.*)?", re.ASCII)


class Dbmate(History):
    """dbmate 2: `<digits>….sql`, cut in two by comments; what stands before the digits' end is
    all that it records."""

    name = "dbmate"
    transaction = PER_FILE
    late = APPLIED
    names_itself = True

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "schema_migrations", "version")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = next((name for name, text in folder.texts.items() if _UP.search(text)), None)
        return Claim(f"{found} has {_MARK}") if found else None

    def files(self, folder: Path) -> list[Migration]:
        named = ((re.match(r"\d+", path.name, re.ASCII), path) for path in sql_files(folder))
        return unique((_read(path, found[0]) for found, path in named if found), folder)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version FROM {table} ORDER BY version"
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


def _read(path: Path, version: str) -> Migration:
    text = text_of(path)
    up, down = [], []
    transaction = True
    for start, middle, end in _sections(path, text):
        up.append((start, middle))
        down.append((middle, end))
        transaction = transaction and _in_transaction(text[start:middle])
    return Migration(
        version, path.name, within(text, up), transaction=transaction, down=within(text, down)
    )


def _sections(path: Path, text: str) -> Iterator[tuple[int, int, int]]:
    """Where each begins, where its second half does, and where it ends."""
    starts = [found.start() for found in _UP.finditer(text)]
    if not starts:
        raise _fault(path, f"has no {_MARK}")
    if not all(_ASIDE.fullmatch(line) for line in text[: starts[0]].split("\n")):
        raise _fault(path, f"has statements before {_MARK}")
    if len(starts) > 1:
        raise _fault(path, f"has {_MARK} twice; dbmate records the version for each and fails")
    for start, end in zip(starts, [*starts[1:], len(text)]):
        downs = [start + found.start() for found in _DOWN.finditer(text[start:end])]
        if len(downs) != 1:
            raise _fault(path, "needs one -- migrate:down after each -- migrate:up")
        yield start, downs[0], end


def _in_transaction(section: str) -> bool:
    options = dict(
        pair.split(":")
        for pair in section.split("\n", 1)[0].split()
        if pair.count(":") == 1 and not pair.startswith("migrate:")
    )
    return options.get("transaction") != "false"


def _fault(path: Path, said: str) -> InputError:
    return InputError(
        f"{path.name} {said}", file=str(path), hint="dbmate refuses the file: correct it."
    )
