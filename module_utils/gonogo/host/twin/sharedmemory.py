"""The shared memory segment: all that a killed server leaves outside its directories.

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

from . import postmaster

__all__ = ["release"]

_LIST = Path("/proc/sysvipc/shm")
_REMOVE = 0  # IPC_RMID
_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.02
# The kernel's keys are numbers with a sign, the server's file writes them without one.
_KEY_SPACE = 1 << 32
_KEYS = 1000


class _Segment(NamedTuple):
    key: int
    identifier: int
    creator: int
    users: int
    account: int


def release(data: Path) -> None:
    """Remove the segment of the ended server on this data directory, if it is still there.

    `postmaster.pid` names it, and that alone is no proof: the segment must be of the directory's
    owner, made by that very server, and have the key that a server makes of its data directory.
    The server's backends notice its end within moments; where they do not, the segment stays.
    """
    noted = postmaster.noted(data)
    if noted is None or noted.segment is None:
        return
    key, identifier = noted.segment
    # A server tries the next key where a key is somebody else's.
    if not 0 <= (key - noted.inode) % _KEY_SPACE < _KEYS:
        return
    wanted = (key, identifier, noted.pid, noted.owner)
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        users = [
            segment.users
            for segment in _segments()
            if (segment.key, segment.identifier, segment.creator, segment.account) == wanted
        ]
        if not users:
            return
        if users == [0]:
            ctypes.CDLL(None).shmctl(identifier, _REMOVE, None)
            return
        time.sleep(_POLL_SECONDS)


def _segments() -> list[_Segment]:
    """All segments of the machine; none where the kernel does not list them."""
    try:
        rows = [line.split() for line in _LIST.read_text().splitlines()[1:]]
    except OSError:
        return []
    # Columns: key shmid perms size cpid lpid nattch uid gid cuid ...
    return [
        _Segment(
            key=int(row[0]) % _KEY_SPACE,
            identifier=int(row[1]),
            creator=int(row[4]),
            users=int(row[6]),
            account=int(row[9]),
        )
        for row in rows
    ]
