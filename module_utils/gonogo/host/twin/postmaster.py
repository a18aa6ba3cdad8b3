"""The server that still runs on a data directory whose supervisor is gone.

`postmaster.pid` lies in a directory of the server's account, so it is a hint and no proof. A
process counts as the server only where the kernel confirms it: its working directory is the
data directory, its account is the directory's owner, and it was started as we start it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..files import removal

__all__ = ["Noted", "noted", "quit_server"]

_FILE = "postmaster.pid"
_PROGRAM = b"postgres"
_LARGEST_PID = (1 << 22) + 1


@dataclass(frozen=True)
class Noted:
    """What `postmaster.pid` says: the server's process, and key and identifier of its shared
    memory where it has any.

    `owner` and `inode` are those of the data directory, from the file system itself.
    """

    pid: int
    segment: Optional[tuple[int, int]]  # noqa: UP045 - evaluated by dataclasses on Python 3.9
    owner: int
    inode: int


def noted(data: Path) -> Noted | None:
    """Read the note of the server of a data directory; None where there is none."""
    try:
        with removal.opened(data) as directory:
            about = os.fstat(directory)
            lines = removal.read_small(directory, _FILE).split("\n")
        pid = int(lines[0]) if len(lines[0]) <= len(str(_LARGEST_PID)) else 0
    except (OSError, ValueError):
        return None
    if not 1 < pid <= _LARGEST_PID:
        return None
    segment = _segment(lines[6].split() if len(lines) > 6 else [])
    return Noted(pid=pid, segment=segment, owner=about.st_uid, inode=about.st_ino)


def _segment(words: list[str]) -> tuple[int, int] | None:
    if len(words) != 2 or not all(word.isdecimal() and len(word) <= 20 for word in words):
        return None
    key, identifier = (int(word) for word in words)
    return (key % (1 << 32), identifier) if identifier < 1 << 31 else None


def quit_server(data: Path) -> bool:
    """Have the server on this data directory end at once. Whether one is there."""
    found = noted(data)
    if found is None:
        return False
    try:
        # From here on the descriptor is that process; its number may become another's.
        process = os.pidfd_open(found.pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        process = -1
    try:
        if not _is_server(found, data):
            return False
        if process >= 0:
            signal.pidfd_send_signal(process, signal.SIGQUIT)
        else:
            os.kill(found.pid, signal.SIGQUIT)
    except OSError:
        return False
    finally:
        if process >= 0:
            os.close(process)
    return True


def _is_server(found: Noted, data: Path) -> bool:
    """Raises OSError where the process is gone, or nobody may look at it."""
    process = Path(f"/proc/{found.pid}")
    words = (process / "cmdline").read_bytes().split(b"\0")
    directory, where = data.stat(), (process / "cwd").stat()
    accounts = [
        line.split()[1:]
        for line in (process / "status").read_text(errors="replace").splitlines()
        if line.startswith("Uid:")
    ]
    return (
        os.path.basename(words[0]) == _PROGRAM  # noqa: PTH119 - of bytes
        and words[1:3] == [b"-D", os.fsencode(data)]
        and (where.st_dev, where.st_ino) == (directory.st_dev, directory.st_ino)
        and accounts == [[str(found.owner)] * 4]
    )
