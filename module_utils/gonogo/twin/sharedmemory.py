"""The one thing a killed server leaves outside its directories.

A server keeps a small System V shared memory segment as the lock on its data directory and
removes it when it ends, unless it is killed with SIGKILL. The next server on the same data
directory would remove it, but here there is none.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["release"]

_LIST = Path("/proc/sysvipc/shm")
_REMOVE = 0  # IPC_RMID
_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.02


class _Segment(NamedTuple):
    key: str
    identifier: str
    creator: str
    users: int


def release(data: Path) -> None:
    """Remove the segment of the ended server on this data directory, if it is still there.

    `postmaster.pid` names it, and only a segment that this very server made counts. Its backends
    notice its end within moments; where they do not, the segment stays.
    """
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
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
            ctypes.CDLL(None).shmctl(int(identifier), _REMOVE, None)
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
