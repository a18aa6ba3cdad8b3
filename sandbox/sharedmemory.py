"""The one thing a killed server leaves outside its directories.

A server keeps a small System V shared memory segment as the lock on its data directory and
removes it when it ends, unless it is killed with SIGKILL. The next server on the same data
directory would remove it, but here there is none.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_LIST = Path("/proc/sysvipc/shm")
_WAIT_SECONDS = 5
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class _Segment:
    key: str
    identifier: str
    creator: str
    users: int


def release(data_directory: Path) -> None:
    """Remove the segment of the ended server on ``data_directory``, if it is still there.

    ``postmaster.pid`` names it, and only a segment that this very server made counts. Its
    backends notice its end within moments; where they do not, the segment stays.
    """
    try:
        lines = (data_directory / "postmaster.pid").read_text().split("\n")
        key, identifier = lines[6].split()
    except (OSError, IndexError, ValueError):
        return
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        users = [
            segment.users
            for segment in _segments()
            if (segment.key, segment.identifier, segment.creator) == (key, identifier, lines[0])
        ]
        if not users:
            return
        if users == [0]:
            command = ["/usr/bin/ipcrm", "-m", identifier]
            # Minimal systems may lack the program; then 56 bytes stay until the next boot.
            with contextlib.suppress(FileNotFoundError):
                subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a number
            return
        time.sleep(_POLL_SECONDS)


def _segments() -> list[_Segment]:
    """All segments of the machine; none where the kernel does not list them."""
    try:
        rows = [line.split() for line in _LIST.read_text().splitlines()[1:]]
    except OSError:
        return []
    # Columns: key shmid perms size cpid lpid nattch ...
    return [_Segment(row[0], row[1], row[4], int(row[6])) for row in rows]
