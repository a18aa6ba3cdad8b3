"""A moment in which a time says something of the statement, and not of its neighbours.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
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


@contextlib.contextmanager
def alone() -> Iterator[bool]:
    """Wait until nobody else of this project measures on this host and a processor is free.

    Yields whether that came in time. It goes on all the same: a busy host may never be another.
    """
    until = time.monotonic() + _WAIT_SECONDS
    with contextlib.ExitStack() as kept:
        first = _first(kept, until)
        yield first and _a_processor_is_free(until)


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
        idle, every = (second - first for first, second in zip(before, now))
        if idle * (os.cpu_count() or 1) >= _FREE * every:
            return True
        if time.monotonic() > until:
            return False
        before = now
    return False


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
