"""The file that says how far a call is, and the thread that writes it while a step is at work.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Callable

from ...contract.home import expanded
from ...contract.ownership import obstacle
from ...contract.records.progress import Count, Progress, StepProgress, Touched
from ...contract.records.reading import plain

__all__ = ["Session", "Step", "lending", "lent", "step", "telling"]

# How long a step waits at its end for a look that is under way.
_LEAVE_SECONDS = 5.0
# Files of processes that were killed are removed by a later one.
_OLD_SECONDS = 86_400.0
_NAMES = 2
# As the controller names the file of a call.
_NAME = re.compile(r"[0-9a-f]{32}\.json(\.new)?")

# Opens or lends a session of the run that has nothing else to do at the time.
Session = Callable[[], AbstractContextManager[Any]]


class Step:
    """A step at work: what is counted of it, and what it works on.

    `look` is called before the step is written down, in another thread; it may raise anything.
    """

    def __init__(self, number: int, name: str, look: Callable[[Step], None] | None = None) -> None:
        self.number = number
        self.name = name
        self._look = look
        self._began = time.monotonic()
        self._counts: dict[str, Count] = {}
        self._now: Sequence[Touched] = ()
        self._lock = threading.Lock()

    def count(self, unit: str, done: int, of: int | None = None, *, about: bool = False) -> None:
        """So many are done by now. The unit that is counted first says how far the step is."""
        with self._lock:
            self._counts[unit] = Count(unit, max(int(done), 0), of, about)

    def add(self, unit: str, more: int = 1) -> None:
        """More of a unit is done."""
        with self._lock:
            before = self._counts.get(unit) or Count(unit, 0)
            self._counts[unit] = Count(unit, before.done + more, before.of, before.about)

    def touch(self, now: Sequence[Touched]) -> None:
        """It is at work on these."""
        self._now = tuple(now)[:_NAMES]

    def seen(self) -> StepProgress:
        """How far it is."""
        if self._look is not None:
            with contextlib.suppress(Exception):
                self._look(self)
        with self._lock:
            counts = tuple(self._counts.values())
        seconds = round(time.monotonic() - self._began, 3)
        return StepProgress(self.number, self.name, seconds, counts, self._now)


class _Telling:
    """Writes the steps that are at work to a file, as long as there are any."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._file = file
        self._seconds = seconds
        # Of many short steps one is written down as often as of a long one.
        self._due = time.monotonic() + seconds
        self._steps: list[Step] = []
        self._written = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, one: Step) -> None:
        with self._lock:
            self._steps.append(one)
            if self._thread is None:
                self._ended = threading.Event()
                thread = threading.Thread(target=self._write_on, args=(self._ended,), daemon=True)
                # A host that has no room for another thread says nothing.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread

    def end(self, one: Step) -> None:
        """No thread is left behind the last step: who forks has one thread only."""
        with self._lock:
            self._steps.remove(one)
            thread = None if self._steps else self._thread
            if thread is None:
                return
            self._thread = None
            self._ended.set()
        thread.join(_LEAVE_SECONDS)

    def remove(self) -> None:
        for file in (self._file, self._new) if self._written else ():
            with contextlib.suppress(OSError):
                file.unlink()

    @property
    def _new(self) -> Path:
        return self._file.with_name(f"{self._file.name}.new")

    def _write_on(self, ended: threading.Event) -> None:
        while not ended.wait(max(self._due - time.monotonic(), 0.0)):
            self._due = time.monotonic() + self._seconds
            # Whatever hinders it, another time it may not.
            with contextlib.suppress(Exception):
                self._write(ended)

    def _prepare(self) -> bool:
        """Whether there is a place of our own for the file."""
        directory = self._file.parent
        with contextlib.suppress(OSError):
            directory.mkdir(mode=0o700, exist_ok=True)
            if obstacle(directory):
                return False
            for file in directory.iterdir():
                _remove_old(file)
            return True
        return False

    def _write(self, ended: threading.Event) -> None:
        with self._lock:
            steps = list(self._steps)
        told = Progress(self._written, [one.seen() for one in steps])
        if ended.is_set() or not (self._written or self._prepare()):
            return
        text = json.dumps(plain(told))
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self._new, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        # From here on there is something to remove.
        self._written += 1
        self._new.replace(self._file)


def _remove_old(file: Path) -> None:
    """Of what a call has written, and nothing else: the directory may be somebody's own."""
    with contextlib.suppress(OSError):
        about = file.lstat()
        old = time.time() - about.st_mtime > _OLD_SECONDS
        if old and stat.S_ISREG(about.st_mode) and _NAME.fullmatch(file.name):
            file.unlink()


_numbers = itertools.count(1)
# Who lends a session to the steps at work.
_lender: Session | None = None
# Of the call that this process answers.
_telling: _Telling | None = None


@contextlib.contextmanager
def telling(file: str | None, seconds: float = 1.0) -> Iterator[None]:
    """While this lasts, steps are written to the file, each so many seconds.

    The directory of the file is made, the one above it has to be there. Without a file, or where
    its home is not known, nobody is told anything.
    """
    global _telling  # noqa: PLW0603 - a process answers one call
    found = None
    if file:
        with contextlib.suppress(Exception):
            place = expanded(file)
            found = _Telling(place, seconds) if place.is_absolute() and "\0" not in file else None
    _telling = found
    try:
        yield
    finally:
        _telling = None
        if found is not None:
            found.remove()


@contextlib.contextmanager
def step(name: str, look: Callable[[Step], None] | None = None) -> Iterator[Step]:
    """A step of the call at work, as long as this lasts."""
    told, one = _telling, Step(next(_numbers), name, look)
    if told is None:
        yield one
        return
    told.begin(one)
    try:
        yield one
    finally:
        told.end(one)


@contextlib.contextmanager
def lending(session: Session) -> Iterator[None]:
    """While this lasts, a step that asks the server does it in such a session."""
    global _lender  # noqa: PLW0603 - as above
    before, _lender = _lender, session
    try:
        yield
    finally:
        _lender = before


def lent() -> AbstractContextManager[Any]:
    """A session to ask the server in. Raises LookupError where nobody lends one."""
    if _lender is None:
        raise LookupError("no session")
    return _lender()
