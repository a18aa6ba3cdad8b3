"""A backup that can be trusted to be complete: dumped aside, read back in full, then sealed.

`pg_restore --list` reads the table of contents only and accepts a truncated archive; only
reading all of it proves that it can be read. The digest then says that it stayed that way.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import clients
from .canonical import dumps
from .errors import GonogoError
from .files import make_private

__all__ = ["take"]

_BLOCK = 1 << 20


def take(
    *,
    directory: Path,
    name: str,
    pg_dump: str,
    pg_restore: str,
    environment: Mapping[str, str],
    lock_wait_ms: int,
    compress: str,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Dump the database of `environment` to `directory/name.dump`; return the sealed record.

    The archive keeps a temporary name until it has been read back, so neither a failure nor a
    crash leaves something that looks like a backup, and an earlier one is never touched.
    Returns file, size (bytes), sha256, seconds (of dump and read-back), tables, versions, and
    `about`. Raises GonogoError and leaves nothing behind when anything fails.
    """
    make_private(directory)
    target = directory / f"{name}.dump"
    record_file = directory / f"{name}.json"
    partial = directory / f".{name}.partial"
    if target.exists() or record_file.exists():
        raise GonogoError(f"a backup of this name exists already: {target}")
    # Created by us first: the mode must not depend on pg_dump or the umask.
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    try:
        started = time.monotonic()
        clients.run(
            [
                pg_dump,
                "--format=custom",
                f"--compress={compress}",
                f"--lock-wait-timeout={lock_wait_ms}",
                "--no-password",
                f"--file={partial}",
            ],
            environment=environment,
            what="pg_dump",
        )
        dumped = time.monotonic()
        digest, size = _digest(partial)
        _read_back(pg_restore, partial, environment)
        tables = _tables(pg_restore, partial, environment)
        _unchanged(partial, digest, size)
        record = {
            **about,
            "file": str(target),
            "size": size,
            "sha256": digest,
            "tables": tables,
            "read_back": True,
            "seconds": {
                "dump": round(dumped - started, 3),
                "read_back": round(time.monotonic() - dumped, 3),
            },
        }
        _sync(partial)
        partial.replace(target)
        _write_new(record_file, dumps(record))
        _sync(directory)
    except BaseException:
        # None of the three was there before; without its record an archive is no backup.
        for file in (partial, target, record_file):
            file.unlink(missing_ok=True)
        raise
    return record


def _read_back(pg_restore: str, archive: Path, environment: Mapping[str, str]) -> None:
    clients.run(
        [pg_restore, f"--file={os.devnull}", str(archive)],
        environment=environment,
        what="reading the archive back (pg_restore)",
    )


def _tables(pg_restore: str, archive: Path, environment: Mapping[str, str]) -> list[str]:
    """Tables whose rows are in the archive, as schema.name, sorted."""
    listed = clients.run(
        [pg_restore, "--list", str(archive)],
        environment=environment,
        what="listing the archive (pg_restore)",
    )
    found = re.findall(r"^\d+; \d+ \d+ TABLE DATA (\S+) (.+) \S+$", listed, re.MULTILINE)
    return sorted(f"{schema}.{table}" for schema, table in found)


def _unchanged(archive: Path, digest: str, size: int) -> None:
    if _digest(archive) != (digest, size):
        raise GonogoError("the archive changed while it was read back", detail=str(archive))


def _digest(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
