"""Atlas' record: a revision for each version, with how many of its statements were applied.

Python 3.9, standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .....contract.errors import InputError
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, PER_FILE, REFUSED, Entry, Migration
from ..reading import Table, literal, sql_files, text_of, unique

__all__ = ["Atlas"]

_SUM = "atlas.sum"
_DIRECTIVE = re.compile(r"[ -~]*atlas:(\w+)(?: +(.+))*")
_CHECKPOINT = "checkpoint"
_ENTRIES = """
SELECT version, hash, applied, total, coalesce(error, '') <> '', type FROM {table}
WHERE version <> '.atlas_cloud_identifier' ORDER BY version
"""
# As `atlas migrate set` writes a revision that somebody else has applied.
_RESOLVED = 4
_RECORD = """
INSERT INTO {table} (version, description, type, applied, total, executed_at, execution_time, hash,
    operator_version)
VALUES (%s, %s, %s, 0, 0, now(), 0, %s, 'pg-gonogo')
ON CONFLICT (version) DO UPDATE SET description = EXCLUDED.description, type = EXCLUDED.type,
    applied = 0, total = 0, executed_at = now(), error = NULL, error_stmt = NULL,
    hash = EXCLUDED.hash, partial_hashes = NULL
"""


class Atlas(Advisory):
    """Atlas 1, versioned: `<version>_<description>.sql`, and `atlas.sum` over all of them."""

    name = "Atlas"
    transaction = PER_FILE
    late = REFUSED
    names_itself = True
    digest = "SHA-256"
    failed_means = "Atlas goes on with the statement that failed"
    own_schema = "atlas_schema_revisions"
    # FNV-1 of "atlas_migrate_execute".
    key = 2686470616

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._table = Table(schema, "atlas_schema_revisions", "version", "applied", "total")

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        return Claim(_SUM) if _SUM in folder.files else None

    def files(self, folder: Path) -> list[Migration]:
        contents = [(path.name, text_of(path), path.read_bytes()) for path in sql_files(folder)]
        sums = _sums([(name, content) for name, _, content in contents])
        _check(folder, sums)
        return unique(
            (_read(folder / name, text, sums.get(name)) for name, text, _ in contents), folder
        )

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return (self._table.key,)

    def entries(self, connection: Any) -> list[Entry] | None:
        if not self._table.is_there(connection):
            return None
        found = self._table.execute(connection, _ENTRIES, ()).fetchall()
        return [
            Entry(
                version,
                FAILED if wrong or applied < total else APPLIED,
                (checksum or "").removeprefix("h1:") or None,
                {"applied": applied, "total": total, "type": kind},
            )
            for version, checksum, applied, total, wrong, kind in found
        ]

    def applied(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """What is older than the first revision was applied before there were any."""
        names = super().applied(files, entries)
        first = min((entry.name for entry in entries), default="")
        return [*(one.name for one in files if one.name < first), *names]

    def pending(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """A checkpoint stands for all before it, in an empty database; elsewhere it is nothing."""
        left = super().pending(files, entries)
        places = [place for place, one in enumerate(files) if _CHECKPOINT in one.details]
        if entries or not places:
            return [one for one in left if _CHECKPOINT not in one.details]
        return list(files[places[-1] :])

    def changed(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """Each digest is over all files up to there, so only the first difference says which."""
        known = {*self.applied(files, entries)}
        for one in files:
            if one.name not in known:
                return []
            if super().changed([one], entries):
                return [one]
        return []

    def record(self, connection: Any, migration: Migration) -> None:
        words = Path(migration.file).stem.partition("_")[2]
        checksum = migration.checksums[0] if migration.checksums else ""
        row = (migration.name, words, _RESOLVED, checksum)
        self._table.execute(connection, _RECORD, row)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        query = "DELETE FROM {table} WHERE version = %s"
        self._table.execute(connection, query, (migration.name,))

    def stamp(self, name: str) -> str | None:
        return f"atlas migrate set {literal(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        return f"DELETE FROM {self._table.plain} WHERE version = {literal(entry.name)};"  # noqa: S608 - for a person


def _read(file: Path, text: str, checksum: str | None) -> Migration:
    said = _directives(text)
    mode = said.get("txmode", "file")
    if mode not in {"file", "none"}:
        raise InputError(
            f"{file.name} has a transaction mode that Atlas refuses in a file",
            file=str(file),
            hint="It is `file` or `none`.",
        )
    return Migration(
        file.stem.split("_", 1)[0],
        file.name,
        # One with a delimiter of its own, or in an archive, is not SQL as it stands.
        None if {"delimiter", "txtar"} & {*said} else text,
        (checksum,) if checksum else (),
        transaction=mode != "none",
        details={_CHECKPOINT: said[_CHECKPOINT]} if _CHECKPOINT in said else {},
    )


def _directives(text: str) -> dict[str, str]:
    """Those at the top of a file, which an empty line parts from its statements."""
    comments = []
    rest = text
    while rest.startswith(("#", "--")):
        line, _, rest = rest.partition("\n")
        comments.append(line.strip())
    if rest and not rest.lstrip(" \t").startswith("\n"):
        return {}
    found = map(_DIRECTIVE.match, comments)
    return {one[1]: one[2] or "" for one in found if one}


def _sums(contents: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Name → digest of all names and contents so far; a file may ask to be left out."""
    digest = hashlib.sha256()
    found = {}
    for name, content in contents:
        digest.update(name.encode())
        directive = _DIRECTIVE.match(content.decode())
        if directive and directive[1] == "sum" and directive[2] == "ignore":
            continue
        digest.update(content)
        found[name] = base64.b64encode(digest.digest()).decode()
    return found


def _check(folder: Path, sums: dict[str, str]) -> None:
    """Atlas works with no folder whose list of digests is not that of its files."""
    file = folder / _SUM
    hint = "Run `atlas migrate hash` where you know why."
    if not file.is_file():
        if sums:
            raise InputError(f"there is no {_SUM}", file=str(folder), hint=hint)
        return
    pairs = [(name, f"h1:{checksum}") for name, checksum in sums.items()]
    whole = hashlib.sha256("".join(f"{n}{h[3:]}" for n, h in pairs).encode()).digest()
    wanted = [f"h1:{base64.b64encode(whole).decode()}", *(f"{n} {h}" for n, h in pairs)]
    there = text_of(file).split("\n")
    if [line.strip() for line in there if line.strip()] != wanted:
        known = {*there}
        wrong = next((name for name, h in pairs if f"{name} {h}" not in known), None)
        raise InputError(
            f"{_SUM} is not that of the files",
            file=str(file),
            detail=f"{wrong} is the first that differs." if wrong else None,
            hint=hint,
        )
