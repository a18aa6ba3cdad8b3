"""The one thing a killed server leaves outside its directories.

A server keeps a small System V shared memory segment as the lock on its data directory and
removes it when it ends, unless it is killed with SIGKILL. The next server on the same data
directory would remove it, but here there is none.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

_SEGMENTS = Path("/proc/sysvipc/shm")
_KEY_LINE = 6


def release(data_directory: Path) -> None:
    """Remove the segment of the ended server on ``data_directory``, if it is still there.

    ``postmaster.pid`` names it; it is removed only if nobody uses it and that server made it.
    """
    with contextlib.suppress(OSError, IndexError, ValueError):
        lines = (data_directory / "postmaster.pid").read_text().split("\n")
        key, identifier = lines[_KEY_LINE].split()
        segments = [line.split() for line in _SEGMENTS.read_text().splitlines()[1:]]
        # Columns: key, shmid, perms, size, cpid (creator), lpid, nattch (users), ...
        unused = [
            segment
            for segment in segments
            if segment[:2] == [key, identifier] and segment[4] == lines[0] and segment[6] == "0"
        ]
        if unused:
            subprocess.run(["/usr/bin/ipcrm", "-m", identifier], check=False, capture_output=True)
