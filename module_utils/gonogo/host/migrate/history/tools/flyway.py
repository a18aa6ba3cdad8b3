"""Flyway's record: a row for each time that something was applied, by rank.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, PER_FILE, REFUSED, UNDONE, Entry, Migration
from ..reading import Table, bare, inside, literal, quoted, text_of, unique

__all__ = ["Flyway"]

_TABLE = "flyway_schema_history"
_VERSIONED = re.compile(r"([VUB])(\d+(?:[._]\d+)*)(?:__(.*))?\.(?i:sql)", re.ASCII)
_REPEATABLE = re.compile(r"R__(.*)\.(?i:sql)", re.ASCII)
_PLACEHOLDER = re.compile(r"\$\{[^}\n]+\}")
# "Flyway", as a number.
_MAGIC = int.from_bytes(b"Flyway", "big")
_BASELINES = frozenset({"BASELINE", "SQL_BASELINE"})
_REPEAT, _BASE = "R__", "B"
# Statements that Flyway itself runs outside of a transaction, and their file with them.
_ALONE = re.compile(
    r"(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER SYSTEM\b"
    r"|(?:CREATE|DROP)(?: UNIQUE)? INDEX CONCURRENTLY\b"
    r"|REINDEX(?: VERBOSE)? (?:SCHEMA|DATABASE|SYSTEM)\b|VACUUM\b|DISCARD ALL\b",
    re.IGNORECASE,
)
_SETTINGS = frozenset(
    {"executeInTransaction", "encoding", "placeholderReplacement", "shouldExecute"}
)
_ENTRIES = """
SELECT version, description, type, checksum, success FROM {table}
WHERE type <> 'SCHEMA' ORDER BY installed_rank
"""
_RECORD = """
INSERT INTO {table} (installed_rank, version, description, type, script, checksum, installed_by,
    execution_time, success)
SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, %s, %s, %s, current_user, 0, true FROM {table}
"""
_UNRECORD = "DELETE FROM {table} WHERE type = %s AND version IS NOT DISTINCT FROM %s"


class Flyway(Advisory):
    """Flyway 9 to 13: V (versioned), U (takes one back), B (baseline) and R (repeatable).

    A name is the version; that of a baseline begins with B, that of a repeatable with R__.
    """

    name = "Flyway"
    transaction = PER_FILE
    late = REFUSED
    names_itself = True
    digest = "CRC-32"
    failed_means = "Flyway does nothing more until it is repaired"

    def __init__(self, schema: str) -> None:
        self._table = Table(schema, _TABLE, "installed_rank", "version", "script")
        self._number = _MAGIC + _java_hash(f"{quoted(schema)}.{quoted(_TABLE)}")
        self.lock_name = str(self._number)
        super().__init__(schema)

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        names = (path.rsplit("/", 1)[-1] for path in folder.nested)
        for name in names:
            versioned = _VERSIONED.fullmatch(name)
            if (versioned and versioned[3] is not None) or _REPEATABLE.fullmatch(name):
                return Claim(name)
        return None

    def files(self, folder: Path) -> list[Migration]:
        inside(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        versioned = [(found, path) for path in paths if (found := _VERSIONED.fullmatch(path.name))]
        down = {
            _version(found[2]): (text, path.relative_to(folder).as_posix())
            for found, path in versioned
            if found[1] == "U" and not _PLACEHOLDER.search(text := text_of(path))
        }
        applied = [
            self._read(folder, path, f"{'' if found[1] in 'Vv' else _BASE}{_version(found[2])}")
            for found, path in versioned
            if found[1] != "U"
        ]
        repeated = [
            self._read(folder, path, f"{_REPEAT}{found[1].replace('_', ' ')}")
            for path in paths
            if (found := _REPEATABLE.fullmatch(path.name))
        ]
        ordered = sorted((*applied, *repeated), key=lambda one: self.rank(one.name))
        return unique((one.with_down(down.get(one.name)) for one in ordered), folder)

    def checksums(self, content: bytes) -> tuple[str, ...]:
        """Of the lines, without what ends them."""
        lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"").replace(b"\n", b"")
        number = zlib.crc32(lines)
        return (str(number - 2**32 if number >= 2**31 else number),)

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        """The newest of each name."""
        if not self._table.is_there(connection):
            return None
        newest: dict[str, Entry] = {}
        for row in self._table.execute(connection, _ENTRIES, ()).fetchall():
            entry = _entry(*row)
            newest.pop(entry.name, None)
            newest[entry.name] = entry
        return [*newest.values()]

    def applied(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """With what a baseline stands for."""
        names = super().applied(files, entries)
        base = self._baseline(entries)
        below = [
            one.name
            for one in files
            if base is not None and _kind(one.name) != _REPEAT and self.rank(one.name)[1] <= base
        ]
        return [*dict.fromkeys([*names, *below])]

    def pending(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        left = {one.name for one in super().pending(files, entries)}
        bases = [one for one in files if _kind(one.name) == _BASE]
        first = bases[-1:] if not entries else []
        start = self.rank(first[0].name)[1] if first else None
        outdated = self._outdated(files, entries)
        return [
            one
            for one in files
            if one in first
            or one in outdated
            or (_kind(one.name) == _REPEAT and one.name in left)
            or (
                not _kind(one.name)
                and one.name in left
                and (start is None or self.rank(one.name)[1] > start)
            )
        ]

    def out_of_order(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """Of those with a version."""
        versioned = [one for one in files if not _kind(one.name)]
        return super().out_of_order(versioned, entries)

    def changed(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """A repeatable one that was edited is pending instead, and below a baseline none is."""
        repeated = self._outdated(files, entries)
        return [one for one in super().changed(files, entries) if one not in repeated]

    def missing(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        marks = {entry.name for entry in entries if entry.details.get("type") == "BASELINE"}
        return [name for name in super().missing(files, entries) if name not in marks]

    def rank(self, name: str) -> tuple[int, tuple[int, ...], str]:
        kind = _kind(name)
        if kind == _REPEAT:
            return 1, (), name
        version = name[len(kind) :]
        return 0, tuple(int(part) for part in version.split(".") if part.isdecimal()), kind

    def record(self, connection: Any, migration: Migration) -> None:
        version, words, kind = _recorded(migration)
        checksum = int(migration.checksums[0]) if migration.checksums else None
        row = (version, words, kind, migration.file, checksum)
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        version, words, kind = _recorded(migration)
        query = f"{_UNRECORD} AND description = %s"
        self._table.execute(connection, query, (kind, version, words))

    def stamp(self, name: str) -> str | None:
        target = "" if _kind(name) == _REPEAT else f" -target={name[len(_kind(name)) :]}"
        return f"flyway migrate -skipExecutingMigrations=true{target}"

    def unstamp(self, entry: Entry) -> str | None:
        if entry.state == FAILED:
            return "flyway repair"
        kind = _kind(entry.name)
        column = "description" if kind == _REPEAT else "version"
        value = literal(entry.name[len(kind) :])
        return f"DELETE FROM {self._table.plain} WHERE {column} = {value};"  # noqa: S608 - for a person

    def keys(self, connection: Any) -> tuple[int, ...]:
        del connection
        return (self._number,)

    def _baseline(self, entries: Sequence[Entry]) -> tuple[int, ...] | None:
        versions = [
            self.rank(entry.name)[1]
            for entry in entries
            if entry.state == APPLIED and entry.details.get("type") in _BASELINES
        ]
        return max(versions, default=None)

    def _outdated(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        repeated = [one for one in files if _kind(one.name) == _REPEAT]
        return super().changed(repeated, entries)

    def _read(self, folder: Path, path: Path, name: str) -> Migration:
        text = text_of(path)
        settings = _settings(path.with_name(f"{path.name}.conf"))
        replaced = settings.get("placeholderReplacement", "true") == "true"
        unknown = replaced and _PLACEHOLDER.search(text) is not None
        sums = self.checksums(path.read_bytes())
        said = settings.get("executeInTransaction")
        return Migration(
            name,
            path.relative_to(folder).as_posix(),
            None if unknown else text,
            # Of a repeatable one it is that of the text with the values in it.
            () if unknown and _kind(name) == _REPEAT else sums,
            transaction=said == "true" if said else not any(_alone(text)),
        )


def _entry(
    version: str | None, words: str, kind: str, checksum: int | None, success: bool
) -> Entry:
    base = _BASE if kind == "SQL_BASELINE" else ""
    name = f"{_REPEAT}{words}" if version is None else f"{base}{_version(version)}"
    # One whose file was removed counts as if it had never been.
    taken = kind.startswith("UNDO") or kind == "DELETE"
    state = UNDONE if taken else APPLIED if success else FAILED
    return Entry(name, state, None if checksum is None else str(checksum), {"type": kind})


def _kind(name: str) -> str:
    return _REPEAT if name.startswith(_REPEAT) else _BASE if name.startswith(_BASE) else ""


def _version(text: str) -> str:
    """1_02.0 is 1.2: what Flyway takes for the same has one name."""
    parts = [str(int(part)) if part.isdecimal() else part for part in re.split("[._]", text)]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def _recorded(migration: Migration) -> tuple[str | None, str, str]:
    """Version, description and type, as they are in the table."""
    file = Path(migration.file).name
    repeated = _REPEATABLE.fullmatch(file)
    if repeated:
        return None, repeated[1].replace("_", " "), "SQL"
    versioned = _VERSIONED.fullmatch(file)
    if not versioned:
        raise InputError(f"{file} is no migration of Flyway's", file=migration.file)
    kind = "SQL" if versioned[1] == "V" else "SQL_BASELINE"
    return versioned[2].replace("_", "."), (versioned[3] or "").replace("_", " "), kind


def _settings(file: Path) -> dict[str, str]:
    """Those of one file. Raises InputError for one that Flyway would not take."""
    if not file.is_file():
        return {}
    found = dict(_pairs(text_of(file).splitlines()))
    for key in found:
        if key not in _SETTINGS:
            raise InputError(
                f"{file.name} has a setting {key}, which is none of one file's",
                file=str(file),
                hint=f"These are: {', '.join(sorted(_SETTINGS))}.",
            )
    for key in ("executeInTransaction", "placeholderReplacement"):
        if key in found and found[key] not in {"true", "false"}:
            raise InputError(f"{key} in {file.name} is neither true nor false", file=str(file))
    return found


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            yield key.strip().removeprefix("flyway."), value.strip()


def _alone(text: str) -> Iterator[str]:
    """The statements that cannot be in a transaction."""
    for statement in bare(text).split(";"):
        if _ALONE.match(" ".join(statement.split())):
            yield statement


def _java_hash(text: str) -> int:
    """As Java's hashCode()."""
    units = text.encode("utf-16-be")
    found = 0
    for place in range(0, len(units), 2):
        found = (31 * found + int.from_bytes(units[place : place + 2], "big")) % 2**32
    return found - 2**32 if found >= 2**31 else found
