"""CPU time, user and system together, of the processes that a run has kept busy.

On the controller: the children of this process that have ended. On the target host: the SSH
server, the database server, and whatever they have started. A process that has left its family
is not counted: the SSH client's, which outlasts the commands, and the one that holds the run lock.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench.figures import Cost

if TYPE_CHECKING:
    from tools.bench.lab import Lab

_TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Measures from its making on."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._before = _used(lab)
        self.started = time.time()
        self._clock = time.monotonic()

    def stop(self) -> Cost:
        """What has been used since."""
        wall = time.monotonic() - self._clock
        used = [now - then for now, then in zip(_used(self._lab), self._before, strict=True)]
        return Cost(wall, *used)


def _used(lab: Lab) -> tuple[float, float, float]:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    families = _Families()
    return (
        ended.ru_utime + ended.ru_stime,
        families.seconds(lab.ssh.process.pid),
        families.seconds(lab.cluster.pid),
    )


class _Families:
    """All processes of this moment and who started whom."""

    def __init__(self) -> None:
        self._own: dict[int, float] = {}
        self._children: dict[int, list[int]] = defaultdict(list)
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # After the command in parentheses: state, parent, ...; 11 to 14 are ticks of the
                # process and of its children that have ended.
                fields = file.read_text().rpartition(")")[2].split()
                pid = int(file.parent.name)
                self._own[pid] = sum(map(int, fields[11:15])) / _TICKS
                self._children[int(fields[1])].append(pid)

    def seconds(self, pid: int) -> float:
        """Of a process and everything below it, ended or not."""
        below = sum(self.seconds(child) for child in self._children[pid])
        return self._own.get(pid, 0.0) + below
