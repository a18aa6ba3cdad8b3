"""pg_restore, and the archive seen to be the one that was sealed.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import clients
from ..backup import SOURCE, digests, seal
from ..errors import GonogoError
from .errors import UnprovenError
from .proof import Archived

__all__ = ["Archive", "UnrestorableError", "data_of", "read_source", "run", "sealed"]

# A line of the table of contents about data. Data of a table names the OID of the table in the
# source. A definition has the number of its catalog where data has a zero, so no name can be taken
# for one of these words.
_DATA = re.compile(
    r"^\d+; 0 (?P<oid>\d+) (?P<kind>TABLE DATA|SEQUENCE SET) (?P<name>.*)$", re.MULTILINE
)

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
)

# What the session of one owner may not do: code of his that needs the rights of another, or of the
# owner elsewhere on the server. That is nothing against the archive either.
_OF_RIGHTS = (
    "permission denied for ",
    "permission denied to ",
    "must be owner of ",
    "must be superuser",
)

# It says so to every server, and only those from 17 on know it.
_NEWER_SETTING = 'unrecognized configuration parameter "transaction_timeout"'


class UnrestorableError(GonogoError):
    """The server has refused what is in the archive, or pg_restore could not read it."""


def sealed(archive: Path, sha256: str) -> str | None:
    """None when the files of the archive are those that were sealed; else what is wrong."""
    try:
        found = seal(digests(archive))
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return None if found == sha256 else f"SHA-256 of its files: sealed {sha256}, now {found}"


def read_source(archive: Path) -> dict[str, Any]:
    """What the source was like at the moment of the dump."""
    try:
        return dict(json.loads((archive / SOURCE).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise GonogoError(
            f"the archive does not say what its source was like: {archive / SOURCE}",
            detail=str(error),
        ) from error


@dataclass(frozen=True)
class Archive:
    """An archive, the pg_restore that reads it, and how many sessions it may use."""

    directory: Path
    pg_restore: str
    jobs: int


def data_of(archive: Archive) -> Archived:
    """What the archive has data of, as its table of contents says."""
    listed = clients.run(
        [archive.pg_restore, "--list", str(archive.directory)],
        environment=os.environ,
        what="listing the archive (pg_restore)",
    )
    found = list(_DATA.finditer(listed))
    return Archived(
        tables={int(one["oid"]): one["name"] for one in found if one["kind"] == "TABLE DATA"},
        sequences=[one["name"] for one in found if one["kind"] == "SEQUENCE SET"],
    )


def run(
    archive: Archive,
    *,
    conninfo: str,
    environment: Mapping[str, str],
    server_version: int,
    ids: Sequence[int] | None = None,
    options: Sequence[str] = (),
) -> None:
    """Run pg_restore for these entries, or for all. Raises GonogoError at the first error,
    UnrestorableError where it is the archive's, UnprovenError where the session's rights do not do.

    Subscriptions stay out: nothing here may speak with another server.
    """
    lenient = clients.major(clients.version(archive.pg_restore)) >= 17 > server_version // 10000
    command = [
        archive.pg_restore,
        *(() if lenient else ("--exit-on-error",)),
        f"--jobs={archive.jobs}",
        "--no-tablespaces",
        "--no-subscriptions",
        "--no-password",
        *options,
        f"--dbname={conninfo}",
    ]
    if ids is not None:
        command.append("--use-list=/dev/stdin")
    done = subprocess.run(  # noqa: S603 - a list, and its program was looked up by us
        [*command, str(archive.directory)],
        env=dict(environment),
        input="".join(f"{number};\n" for number in ids or ()).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    errors = [line for line in said if ": error: " in line]
    if lenient:
        errors = [line for line in errors if _NEWER_SETTING not in line]
    if errors or (done.returncode != 0 and not (lenient and done.returncode == 1)):
        ended = (
            f"signal {-done.returncode}"
            if done.returncode < 0
            else f"exit status {done.returncode}"
        )
        words = "\n".join(errors[:3] or said[-5:])
        of_the_archive = errors and not any(hint in words for hint in _OF_THE_HOST)
        kind: type[GonogoError] = UnrestorableError if of_the_archive else GonogoError
        if any(hint in words for hint in _OF_RIGHTS):
            kind = UnprovenError
        raise kind(
            f"the backup cannot be restored: pg_restore failed ({ended})", detail=words or None
        )
