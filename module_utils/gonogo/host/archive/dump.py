"""A backup that can be trusted to be complete: dumped aside, read back in full, then sealed.

`pg_restore --list` reads the table of contents only and accepts a truncated archive; only
reading all of it proves that it can be read. The digests then say that it stayed that way.

The archive is a directory, because only that format can be written by several sessions at once.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

from ...contract.canonical import dumps, sha256
from ...contract.errors import GonogoError
from ...contract.records.backup import ArchiveFile, BackupRecord, BackupSeconds
from ...contract.records.reading import plain
from ...contract.records.run import Identity
from ..files.private import make_private
from ..files.unfinished import discard, made
from ..progress import Step, step
from ..progress.dumping import Dumping
from ..session.snapshot import no_room_for_locks
from . import clients, toc

__all__ = ["SOURCE", "digests", "seal", "take"]

# The file of an archive that says what the source was like at the moment of the dump. pg_restore
# reads only the files that its table of contents names.
SOURCE = "source.json"

_BLOCK = 1 << 20
# The first major version of pg_dump that knows more than gzip.
_MORE_THAN_GZIP = 16
_GZIP = "1"


def take(
    *,
    directory: Path,
    name: str,
    pg_dump: str,
    pg_restore: str,
    conninfo: str,
    environment: Mapping[str, str],
    lock_wait_ms: int,
    compress: str,
    jobs: int,
    run_id: str,
    observed: Identity,
    confirm: Callable[[], None],
    snapshot: str | None = None,
    source: Callable[[threading.Event], Callable[[], str]] | None = None,
) -> BackupRecord:
    """Dump the database of `conninfo` to `directory/name.dump`; return the sealed record.

    The archive keeps a temporary name until it has been read back, so neither a failure nor a
    crash leaves something that looks like a backup, and an earlier one is never touched.
    `compress` is pg_dump's option or `auto`; `jobs` is the number of sessions that dump tables.
    `confirm` is asked at the end and raises when nobody is waiting for this backup any more.
    `snapshot` is an exported one that the dump joins. `source` is called in a thread while the
    dump is made, and comes back soon after its event is set; what it returns is called after the
    dump, and says what becomes the file `source.json` of the archive.
    Raises GonogoError and leaves nothing behind when anything fails.
    """
    make_private(directory)
    target = directory / f"{name}.dump"
    record_file = directory / f"{name}.json"
    if target.exists() or record_file.exists():
        raise GonogoError(
            f"a backup of this name exists already: {target}",
            hint="Start a new run: each has an id, and a backup, of its own.",
        )
    # Made by us first: the mode must not depend on pg_dump or the umask.
    with made(directory, name) as partial:
        made_here, recorded = partial.stat(), False
        try:
            started = time.monotonic()
            arguments: list[str | bytes] = [
                pg_dump,
                *([f"--snapshot={snapshot}"] if snapshot else []),
                "--format=directory",
                f"--jobs={jobs}",
                f"--lock-wait-timeout={lock_wait_ms}",
                "--no-password",
                # We send it to the disk ourselves, while it is read back.
                "--no-sync",
                f"--file={partial}",
                clients.to(conninfo),
            ]
            stop = threading.Event()
            with ThreadPoolExecutor(max_workers=1) as pool:
                told = pool.submit(source, stop) if source else None
                try:
                    with step("dump", Dumping(partial)):
                        compress = _dump(arguments, compress, environment)
                except BaseException:
                    # With the session that keeps the moment the snapshot is gone, so pg_dump fails
                    # after it, for a reason that is none.
                    cause = told.exception() if told and told.done() else None
                    stop.set()
                    if cause:
                        raise cause from None
                    raise
                dumped = time.monotonic()
                if told:
                    _write_new(partial / SOURCE, told.result()())
            seen = time.monotonic()
            _make_files_private(partial)
            before = _stamps(partial)
            # One is another process, one waits for the disk: they really run side by side.
            with ThreadPoolExecutor(max_workers=2) as pool:
                others = (
                    pool.submit(_read_back, pg_restore, partial, environment),
                    pool.submit(_sync_archive, partial),
                )
                with step("sealing the archive") as sealing:
                    sealing.count("bytes", 0, sum(size for _, size, _ in before.values()))
                    files = digests(partial, sealing)
                with step("reading the archive back"):
                    for other in others:
                        other.result()
            tables = _tables(partial)
            _refuse_change(partial, before)
            record = BackupRecord(
                run_id=run_id,
                database=observed.database,
                environment=observed.environment,
                system_identifier=observed.system_identifier,
                server_version=observed.server_version,
                pg_dump=clients.version(pg_dump),
                file=str(target),
                files=files,
                size=sum(file.size for file in files.values()),
                sha256=seal(files),
                tables=tables,
                read_back=True,
                compress=compress,
                jobs=jobs,
                seconds=BackupSeconds(
                    dump=round(dumped - started, 3),
                    fingerprint=round(seen - dumped, 3),
                    read_back=round(time.monotonic() - seen, 3),
                ),
            )
            confirm()
            # The record comes first: what has the name of a backup has one.
            _write_new(record_file, dumps(plain(record)))
            recorded = True
            partial.rename(target)
            _sync(directory)
        except BaseException:
            # Only what was made here; without its record an archive is no backup.
            for folder in (partial, target):
                discard(folder, made_here)
            # What could not be removed keeps its record: it says what that is.
            if recorded and not target.exists():
                record_file.unlink(missing_ok=True)
            raise
    return record


def _dump(arguments: Sequence[str | bytes], compress: str, environment: Mapping[str, str]) -> str:
    """Dump, with the cheapest compression that this pg_dump has; returns which it was.

    lz4 keeps up with the server, gzip takes several times as long as the dump itself.
    """
    wanted, pg_dump = [compress], str(arguments[0])
    if compress == "auto":
        major = clients.major(clients.version(pg_dump))
        wanted = ["lz4", _GZIP] if major >= _MORE_THAN_GZIP else [_GZIP]
    for method in wanted:
        try:
            clients.run(
                [*arguments, f"--compress={method}"], environment=environment, what="pg_dump"
            )
        except GonogoError as error:
            if full := no_room_for_locks(error.detail):
                raise full from error
            # It says so before it connects.
            if method == wanted[-1] or "does not support compression" not in (error.detail or ""):
                raise
            continue
        return method
    raise AssertionError(wanted)


def _make_files_private(directory: Path) -> None:
    for file in directory.iterdir():
        file.chmod(0o600)


def _stamps(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of change of each file: it is the one that was read, or it is not."""
    found = {file.name: file.stat() for file in sorted(directory.iterdir())}
    return {name: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


def _refuse_change(directory: Path, before: Mapping[str, tuple[int, int, int]]) -> None:
    if _stamps(directory) != before:
        raise GonogoError(
            "the archive changed while it was read back",
            detail=str(directory),
            hint="Find out what else writes into that directory, then run the playbook again.",
        )


def digests(directory: Path, counted: Step | None = None) -> dict[str, ArchiveFile]:
    """Size and SHA-256 of every file of an archive, by name; the bytes are counted."""
    return {file.name: _digest(file, counted) for file in sorted(directory.iterdir())}


def seal(files: Mapping[str, ArchiveFile]) -> str:
    """SHA-256 of the list of files, as `sha256sum` prints it."""
    return sha256("".join(f"{file.sha256}  {name}\n" for name, file in files.items()))


def _read_back(pg_restore: str, archive: Path, environment: Mapping[str, str]) -> None:
    clients.run(
        [pg_restore, f"--file={os.devnull}", str(archive)],
        environment=environment,
        what="reading the archive back (pg_restore)",
    )


def _tables(archive: Path) -> list[str]:
    """Tables whose rows are in the archive, as SQL names them, sorted."""
    return sorted(entry.table for entry in toc.read(archive) if entry.kind == "TABLE DATA")


def _digest(path: Path, counted: Step | None = None) -> ArchiveFile:
    digest = hashlib.sha256()
    size = 0
    # What lies behind a link is somebody else's to change, and a pipe would never be read.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            size += len(block)
            if counted:
                counted.add("bytes", len(block))
    return ArchiveFile(size=size, sha256=digest.hexdigest())


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # It was not there before, and is not whole.
        path.unlink(missing_ok=True)
        raise


def _sync_archive(directory: Path) -> None:
    for file in directory.iterdir():
        _sync(file)
    _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
