"""Identity of operating system processes.

A pid alone names a process only until it ends; the same number may belong to somebody else
afterwards. Together with the time of its start it names one process for ever.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal

_POLL_SECONDS = 0.01
_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()


@dataclass(frozen=True)
class Process:
    """One process: ``started`` is opaque text, equal only for the same start."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Whether this very process runs. A zombie does not."""
        return find(self.pid) == self

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to it, or to its process group, unless it has ended."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False when it still runs after ``seconds``."""
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        self._reap()
        return True

    def _reap(self) -> None:
        """Collect its exit status if it is a child of ours."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


def find(pid: int) -> Process | None:
    """The process that now has this pid, or None."""
    if pid <= 0:
        return None
    return _find_in_proc(pid) if _HAS_PROC else _find_with_ps(pid)


def command(pid: int) -> str:
    """The command line of a process, or nothing."""
    if not _HAS_PROC:
        return _ps(pid, "command=")
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ")
    return ""


def _find_in_proc(pid: int) -> Process | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The time of the start counts from the boot, so the boot belongs to it where it has a name.
    boot = ""
    with contextlib.suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    # The second field, the command in parentheses, may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else Process(pid, f"{boot}:{start_ticks}")


def _find_with_ps(pid: int) -> Process | None:
    state, _, started = _ps(pid, "state=,lstart=").partition(" ")
    return Process(pid, started.strip()) if state and not state.startswith("Z") else None


def _ps(pid: int, columns: str) -> str:
    """What ps says about a process; for systems without /proc."""
    result = subprocess.run(  # noqa: S603 - a number is all that varies
        ["/bin/ps", "-p", str(pid), "-o", columns],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )
    return result.stdout.strip()
