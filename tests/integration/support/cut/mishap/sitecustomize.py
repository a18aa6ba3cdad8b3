"""Lets something happen before a certain change of a file, in every Python of a run.

Python imports this at its start where the directory is in PYTHONPATH, and the environment says
what is wanted (`test_mishaps.py`). The interpreter tells of every file that is about to be opened
for writing, made, renamed or removed; those below certain directories count, in all processes
together. Standard library only, for any Python.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

_WANTED = "GONOGO_MISHAP"
_MAIN = "GONOGO_MISHAP_MAIN"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Event → where in its arguments the paths are that change.
_CHANGES = {
    "open": (0,),
    "os.mkdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.truncate": (0,),
}
_TAKES_ROOM = ("open", "os.mkdir", "os.link", "os.symlink")


class _Mishap:
    def __init__(self, wanted: dict[str, Any], main: int) -> None:
        self._watched = tuple(wanted["watched"])
        self._at = wanted["at"]
        self._what = wanted["what"]
        self._main = main
        self._log = os.open(wanted["log"], os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._clock = Path(wanted["log"] + ".clock")
        self._held, self._go = Path(wanted["log"] + ".held"), Path(wanted["log"] + ".go")
        self._busy = False
        if self._what.startswith("clock "):
            _set_clock(self._clock, datetime.timedelta(seconds=int(self._what.split()[1])))

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._busy or event not in _CHANGES:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
            return
        paths = [arguments[place] for place in _CHANGES[event]]
        names = [_absolute(path) for path in paths if isinstance(path, (str, bytes, os.PathLike))]
        if not any(name.startswith(self._watched) for name in names):
            return
        self._busy = True
        try:
            self._happens(event, names, self._count(event, names))
        finally:
            self._busy = False

    def _count(self, event: str, names: list[str]) -> int:
        """Number of this change, from 1; each is a line of the log."""
        fcntl.flock(self._log, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._log).st_size
            number = os.pread(self._log, size, 0).count(b"\n") + 1
            os.write(self._log, (" ".join([event, *names]) + "\n").encode())
        finally:
            fcntl.flock(self._log, fcntl.LOCK_UN)
        return number

    def _happens(self, event: str, names: list[str], number: int) -> None:
        if number == self._at and self._what in ("SIGKILL", "SIGTERM"):
            os.kill(self._main, getattr(signal, self._what))
            if self._what == "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
        if number == self._at and self._what == "hold":
            self._hold()
        if number == self._at and self._what == "SIGTERM in a message":
            _die_in_a_message(self._main)
        if number == self._at and self._what.startswith("clock "):
            self._clock.touch()
        # Room and rights do not come back by themselves.
        if number >= self._at and (
            self._what == "EACCES" or (self._what == "ENOSPC" and event in _TAKES_ROOM)
        ):
            code = getattr(errno, self._what)
            raise OSError(code, os.strerror(code), names[0])

    def _hold(self) -> None:
        """Wait here until the test says go on."""
        self._held.touch()
        while not self._go.exists():
            time.sleep(0.02)


def _absolute(path: str | bytes | os.PathLike[str]) -> str:
    return str(Path.cwd() / os.fsdecode(path))


def _die_in_a_message(main: int) -> None:
    """Have Ansible end this worker of it while it holds the lock of the queue for all messages."""
    from ansible.utils.display import Display  # noqa: PLC0415 - only a worker has it

    Display()._final_q._wlock.acquire()  # noqa: SLF001 - what is to go wrong is in there
    os.kill(main, signal.SIGTERM)
    while True:
        signal.pause()


def _set_clock(flag: Path, ahead: datetime.timedelta) -> None:
    """Have `datetime.now` say something else from the moment on that the flag is there."""
    real = datetime.datetime

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real.now(tz) + (ahead if flag.exists() else datetime.timedelta())

    vars(datetime)["datetime"] = Clock


if _WANTED in os.environ:
    # The first of all is ansible-playbook itself.
    sys.addaudithook(
        _Mishap(
            json.loads(os.environ[_WANTED]),
            int(os.environ.setdefault(_MAIN, str(os.getpid()))),
        )
    )
