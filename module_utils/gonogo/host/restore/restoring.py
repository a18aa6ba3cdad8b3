"""pg_restore, and the proof that an archive is the one that was sealed.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...contract.errors import GonogoError
from ...contract.records.reading import read
from ...contract.records.source import SourceRecord
from ..archive import clients, toc
from ..archive.dump import SOURCE, digests, seal
from ..compare.proof import Archived
from ..progress import restoring as told
from ..progress.restoring import Restoring
from . import failures
from .errors import UnprovenError
from .failures import Failure

__all__ = ["Archive", "UnrestorableError", "data_of", "read_source", "rows_of", "run", "sealed"]

# What a host can lack, or somebody has ended; it says nothing about the archive.
_OF_THE_HOST = (
    "No space left",
    "out of memory",
    "out of shared memory",
    "Cannot allocate",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "shutting down",
    "could not fork",
    "Too many open files",
    "could not extend file",
    "temporary file size exceeds",
)

# What a restore makes of rows, and reads them all for it.
_BEHIND_ROWS = frozenset({"CONSTRAINT", "FK CONSTRAINT", "INDEX", "MATERIALIZED VIEW DATA"})

# What the files of an extension are there for, whoever made it.
_LACKING = ("could not access file", "could not load library", "shared_preload_libraries")

_PACKAGES = (
    "Install the packages of the source's extensions on the host, in its versions; what the source "
    "has in shared_preload_libraries is loaded as far as it is there."
)

# What the session of one owner may not do: code of his that needs the rights of another, or of the
# owner elsewhere on the server. That is nothing against the archive either.
_OF_RIGHTS = (
    "permission denied for ",
    "permission denied to ",
    "must be owner of ",
    "must be superuser",
)


class UnrestorableError(GonogoError):
    """The server has refused what is in the archive, or pg_restore could not read it."""


def sealed(archive: Path, sha256: str) -> str | None:
    """None when the files of the archive are those that were sealed; else what is wrong."""
    try:
        found = seal(digests(archive))
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return None if found == sha256 else f"SHA-256 of its files: sealed {sha256}, now {found}"


def read_source(archive: Path) -> SourceRecord:
    """What the source was like at the moment of the dump. Raises GonogoError where the archive does
    not say it."""
    try:
        found = json.loads((archive / SOURCE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GonogoError(
            f"the archive does not say what its source was like: {archive / SOURCE}",
            detail=str(error),
        ) from error
    return read(SourceRecord, found, file=SOURCE)


@dataclass(frozen=True)
class Archive:
    """An archive, the pg_restore that reads it, and how many sessions it may use."""

    directory: Path
    pg_restore: str
    jobs: int


def data_of(archive: Path) -> Archived:
    """What the archive has data of, as its table of contents says."""
    entries = toc.read(archive)
    return Archived(
        tables={entry.oid: entry.table for entry in entries if entry.kind == "TABLE DATA"},
        sequences=[
            (entry.namespace, entry.tag) for entry in entries if entry.kind == "SEQUENCE SET"
        ],
    )


def rows_of(archive: Path) -> told.Archived:
    """What a restore can count."""
    entries = toc.read(archive)
    counted = read_source(archive).content.tables
    tables = [entry for entry in entries if entry.kind == "TABLE DATA"]
    return told.Archived(
        rows={
            entry.id: counted[entry.table].rows or 0 if entry.table in counted else 0
            for entry in tables
        },
        entries={f"{entry.namespace}.{entry.tag}".encode(): entry.id for entry in tables},
        behind=frozenset(entry.id for entry in entries if entry.kind in _BEHIND_ROWS),
    )


def run(
    archive: Archive,
    *,
    conninfo: str,
    environment: Mapping[str, str],
    server_version: int,
    ids: Sequence[int] | None = None,
    options: Sequence[str] = (),
    heard: Restoring | None = None,
) -> None:
    """Run pg_restore for these entries, or for all; its words are `heard`.

    Raises GonogoError at the first error, UnrestorableError where it is the archive's,
    UnprovenError where the session's rights do not do.

    Subscriptions stay out: nothing here may speak with another server.
    """
    lenient = clients.major(clients.version(archive.pg_restore)) >= 17 > server_version // 10000
    command: list[str | bytes] = [
        archive.pg_restore,
        *(() if lenient else ("--exit-on-error",)),
        f"--jobs={archive.jobs}",
        "--no-tablespaces",
        "--no-subscriptions",
        "--no-password",
        # Without it an error does not say which entry it is about.
        "--verbose",
        *options,
        clients.to(conninfo),
    ]
    if ids is not None:
        command.append("--use-list=/dev/stdin")
    given = "".join(f"{number};\n" for number in ids or ()).encode()
    returncode, said = _said([*command, str(archive.directory)], environment, given, heard)
    found: list[Failure] = []
    if ": error: " in said:
        by_id = {entry.id: entry for entry in toc.read(archive.directory)}
        found = failures.read(said, by_id)
    # The exit status 1 may come from settings that an older server does not know.
    if not found and returncode in ((0, 1) if lenient else (0,)):
        return
    ended = f"signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
    words = "\n".join(map(str, found[:3])) or "\n".join(said.strip().splitlines()[-5:])
    kind = _kind(found)
    what = "cannot be restored" if kind is UnrestorableError else "could not be restored here"
    raise kind(
        f"the backup {what}: pg_restore failed ({ended})",
        detail=words or None,
        hint=_PACKAGES if any(map(_is_lacking, found)) else None,
    )


def _said(
    command: Sequence[str | bytes],
    environment: Mapping[str, str],
    given: bytes,
    heard: Restoring | None,
) -> tuple[int, str]:
    """The exit status of pg_restore, and all that it has said; each line is heard at once."""
    said: list[bytes] = []
    running = subprocess.Popen(  # noqa: S603 - a list, and its program was looked up by us
        command,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with running as process, ThreadPoolExecutor(max_workers=1) as pool:
        assert process.stdin
        assert process.stderr
        try:
            giving = pool.submit(_give, process.stdin, given)
            for line in process.stderr:
                said.append(line)
                if heard:
                    heard.hear(line)
            giving.result()
        except BaseException:
            process.kill()
            raise
    if heard:
        heard.ended()
    return process.returncode, b"".join(said).decode("utf-8", "backslashreplace")


def _give(standard_input: IO[bytes], given: bytes) -> None:
    # One that has ended already reads nothing.
    with contextlib.suppress(BrokenPipeError):
        standard_input.write(given)
    with contextlib.suppress(BrokenPipeError):
        standard_input.close()


def _kind(found: Sequence[Failure]) -> type[GonogoError]:
    """Whose fault a failure is. The words of one of these errors say so; a process that has only
    ended says nothing.
    """
    words = "\n".join(map(_words, found))
    if any(map(_is_lacking, found)) or any(hint in words for hint in _OF_RIGHTS):
        return UnprovenError
    if not found or any(hint in words for hint in _OF_THE_HOST):
        return GonogoError
    return UnrestorableError


def _is_lacking(failure: Failure) -> bool:
    """Whether it is about an extension: its files are the host's."""
    made = failure.entry is not None and failure.entry.kind == "EXTENSION"
    return made or any(hint in _words(failure) for hint in _LACKING)


def _words(failure: Failure) -> str:
    return f"{failure.message}\n{failure.detail or ''}"
