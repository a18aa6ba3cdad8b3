"""A moment in which a time says something of the statement, and not of its neighbours.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["alone"]

# In the kernel's own name space (Linux): no file is left, and the name is free when we are gone.
_NAME = "\0pg-gonogo measures a migration"
_STAT = Path("/proc/stat")
_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0
# Of one processor: more than that is free.
_FREE = 0.9
# Of the time: for less than that somebody may have waited for a processor.
_WAITED = 0.1
_PRESSURE = Path("/proc/pressure/cpu")
_SHORT_TICKS = 20


@dataclass
class Quiet:
    """Whether a processor was free: before, and to the end once that has come."""

    is_so: bool


@contextlib.contextmanager
def alone() -> Iterator[Quiet]:
    """Wait until nobody else of this project measures on this host and a processor is free.

    Yields whether that came in time; behind it, whether nothing else was in the way meanwhile,
    either. It goes on all the same: a busy host may never be another.
    """
    until = time.monotonic() + _WAIT_SECONDS
    with contextlib.ExitStack() as kept:
        first = _first(kept, until)
        quiet = Quiet(first and _a_processor_is_free(until))
        before, waited, begun = _used(), _waited(), time.monotonic()
        yield quiet
        free = _was_free(before, _used())
        if waited is not None:
            free = _nobody_waited(waited, _waited(), time.monotonic() - begun)
        quiet.is_so = quiet.is_so and free


def _first(kept: contextlib.ExitStack, until: float) -> bool:
    while True:
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(_NAME)
        except OSError:
            mark.close()
        else:
            kept.enter_context(mark)
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)


def _a_processor_is_free(until: float) -> bool:
    before = _used()
    while before:
        time.sleep(_LOOK_SECONDS)
        now = _used()
        if _share(before, now) >= _FREE:
            return True
        if time.monotonic() > until:
            return False
        before = now
    return False


def _nobody_waited(before: int, now: int | None, seconds: float) -> bool:
    """Whether hardly anybody has waited for a processor, of microseconds that somebody has."""
    return now is not None and now - before <= _WAITED * max(seconds, _LOOK_SECONDS) * 1e6


def _was_free(before: tuple[int, int], now: tuple[int, int]) -> bool:
    """Whether a processor had nothing to do beside the one that the measurement has kept busy.

    For a kernel that does not say who has waited. With one processor it cannot be told, nor in a
    time too short for the system's clock: then the beginning counts.
    """
    if not before or not now or os.cpu_count() == 1 or now[1] - before[1] < _SHORT_TICKS:
        return True
    return _share(before, now) >= _FREE


def _share(before: tuple[int, int], now: tuple[int, int]) -> float:
    """How many processors had nothing to do, on average."""
    idle, every = (second - first for first, second in zip(before, now))
    return idle * (os.cpu_count() or 1) / every if every > 0 else 0.0


def _used() -> tuple[int, int]:
    """How long the processors had nothing to do, or what gives way to us; and all of the time.

    What is nice to others gives way to us where we are not nice ourselves.

    In ticks since the system was started; nothing where it does not say so.
    """
    try:
        ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return ()  # type: ignore[return-value]
    _user, nice, _system, idle, *_ = ticks
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    return idle + (nice if ours <= 0 else 0), sum(ticks)


def _waited() -> int | None:
    """For how many microseconds anybody has waited for a processor, since the system was started;
    None where it does not say so."""
    try:
        found = re.search(r"^some .*\btotal=(\d+)", _PRESSURE.read_text())
    except OSError:
        return None
    return int(found[1]) if found else None
