"""backup.json: the archive that was made, read back and sealed.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["ArchiveFile", "BackupRecord", "BackupSeconds"]


@dataclass(frozen=True)
class ArchiveFile:
    size: int
    sha256: str


@dataclass(frozen=True)
class BackupSeconds:
    """`fingerprint` is what that of the source took longer than the dump beside it."""

    dump: float
    fingerprint: float
    read_back: float


@dataclass(frozen=True)
class BackupRecord(FileRecord):
    """`sha256` is that of the list of `files`, as `sha256sum` prints it."""

    FILE: ClassVar[str] = "backup.json"

    run_id: str
    database: str
    environment: str | None
    system_identifier: str
    server_version: str
    pg_dump: str
    file: str
    files: Mapping[str, ArchiveFile]
    size: int
    sha256: str
    tables: Sequence[str]
    read_back: bool
    compress: str
    jobs: int
    seconds: BackupSeconds
