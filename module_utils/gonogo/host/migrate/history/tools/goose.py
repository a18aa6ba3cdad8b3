"""goose's record: a row for each version; an older goose kept a row for each way as well.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from .....contract.errors import InputError, shown
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, PER_FILE, REFUSED, UNDONE, Entry, Migration
from ..reading import Table, inside, text_of, unique, within

__all__ = ["Goose"]

_MARK = "-- +goose"
_WORDS = frozenset(
    {"up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"}
)


class Goose(Advisory):
    """goose 3: `<version>_<name>.sql` with annotations; a `.go` of this kind is a program."""

    name = "goose"
    transaction = PER_FILE
    late = REFUSED
    names_itself = True
    # CRC-32 of "goose"; goose locks only where it is part of a program.
    key = 4097083626

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "goose_db_version", "version_id", "is_applied")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        found = folder.with_line(_MARK)
        return Claim(f"{found} has {_MARK}") if found else None

    def files(self, folder: Path) -> list[Migration]:
        found = [
            migration
            for path in inside(folder)
            if path.suffix in {".sql", ".go"} and path.is_file() and not path.name.startswith(".")
            for migration in _read(path)
        ]
        return unique(sorted(found, key=lambda one: int(one.name)), folder)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        query = "SELECT version_id, is_applied FROM {table} WHERE version_id > 0 ORDER BY id"
        newest: dict[str, bool] = {}
        for version, applied in self._table.rows(connection, query):
            newest.pop(str(version), None)
            newest[str(version)] = applied
        return [Entry(name, APPLIED if there else UNDONE) for name, there in newest.items()]

    def rank(self, name: str) -> int:
        return int(name)

    def record(self, connection: Any, migration: Migration) -> None:
        query = "INSERT INTO {table} (version_id, is_applied) VALUES (%s, true)"
        self._table.execute(connection, query, (int(migration.name),))

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE version_id = %s"
        self._table.execute(connection, query, (int(migration.name),))

    def stamp(self, name: str) -> str | None:
        return (
            f"INSERT INTO {self._table.plain} (version_id, is_applied) "  # noqa: S608 - for a person
            f"VALUES ({int(name)}, true);"
        )

    def unstamp(self, entry: Entry) -> str | None:
        return (
            f"DELETE FROM {self._table.plain} "  # noqa: S608 - for a person
            f"WHERE version_id = {int(entry.name)};"
        )


def _read(path: Path) -> list[Migration]:
    named = re.match(r"0*([1-9]\d*)_", path.name, re.ASCII)
    if path.suffix == ".go":
        if not named or path.name.endswith("_test.go"):
            return []
        return [Migration(named[1], path.name)]
    if not named:
        raise InputError(
            f"{path.name} does not begin with a version",
            file=str(path),
            hint="goose refuses it: a name is digits, a low line and words, like 00001_users.sql.",
        )
    text = text_of(path)
    parts = _Parser(path, text).parts()
    up, down = within(text, parts.up), within(text, parts.down)
    if parts.from_environment:
        return [Migration(named[1], path.name, transaction=parts.transaction)]
    return [
        Migration(
            named[1],
            path.name,
            up,
            transaction=parts.transaction,
            down=down if down.strip() else None,
        )
    ]


class _Parts(NamedTuple):
    up: list[tuple[int, int]]
    down: list[tuple[int, int]]
    transaction: bool
    # Whether goose puts values of its environment into the text.
    from_environment: bool


class _Parser:
    """The parts of a file, by its annotations."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        # Where the two parts begin.
        self._up: int | None = None
        self._down: tuple[int, int] | None = None
        self._in_block = False
        # The line of a statement that is not finished.
        self._open: int | None = None
        self._seen: set[str] = set()

    def parts(self) -> _Parts:
        end = 0
        for number, line in enumerate(self._text.split("\n"), 1):
            start, end = end, end + len(line) + 1
            stripped = line.strip()
            if stripped.startswith("--") and "+goose" in line:
                self._annotation(number, line, start, min(end, len(self._text)))
            elif self._up is None and stripped and not stripped.startswith("--"):
                raise self._fault(number, f"a file begins with {_MARK} Up")
            else:
                self._statement(number, stripped)
        if self._up is None:
            raise self._fault(1, f"there is no {_MARK} Up")
        if self._in_block:
            raise self._fault(number, f"a {_MARK} StatementBegin has no StatementEnd")
        self._finished()
        stop = len(self._text)
        return _Parts(
            [(self._up, self._down[0] if self._down else stop)],
            [(self._down[1], stop)] if self._down else [],
            "no transaction" not in self._seen,
            "envsub on" in self._seen,
        )

    def _statement(self, number: int, stripped: str) -> None:
        if self._in_block or not stripped:
            return
        if self._open is None and stripped.startswith("--"):
            return
        code = re.split(r"(?:^|\s)--", stripped)[0].rstrip()
        if code.endswith(";"):
            self._open = None
        elif self._open is None:
            self._open = number

    def _annotation(self, number: int, line: str, start: int, end: int) -> None:
        word = line.replace("--", "").replace("+goose", "", 1).strip().lower()
        if line[0] in " \t" or word not in _WORDS:
            raise self._fault(number, f"{shown(line.strip())} is no annotation of goose's")
        self._seen.add(word)
        if word == "up":
            if self._up is not None:
                raise self._fault(number, f"there is a second {_MARK} Up")
            self._up = end
        elif word == "down":
            if self._up is None or self._down or self._in_block:
                raise self._fault(number, f"{_MARK} Down is not after {_MARK} Up")
            self._finished()
            self._down = (start, end)
        elif word in {"statementbegin", "statementend"}:
            begins = word == "statementbegin"
            if self._up is None or begins == self._in_block:
                raise self._fault(number, f"{_MARK} StatementBegin and StatementEnd are no pair")
            self._in_block = begins
            self._open = None

    def _finished(self) -> None:
        if self._open is not None:
            raise self._fault(
                self._open,
                "the statement has no semicolon at the end of a line",
                f"Write `{_MARK} StatementBegin` and `StatementEnd` around one that has its own.",
            )

    def _fault(self, number: int, said: str, hint: str | None = None) -> InputError:
        return InputError(
            f"{self._path.name}:{number}: {said}",
            file=str(self._path),
            hint=hint or "goose refuses the file: correct it.",
        )
