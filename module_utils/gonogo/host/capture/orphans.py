"""Processes that a command leaves behind, whatever they have made of their session and environment.

Whose parent has ended is given by the kernel to the nearest process above that asks for it; so what
a command has started is in the end a child of this process.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

__all__ = ["adopted"]

_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.05
_LEAVE_SECONDS = 5.0


@contextmanager
def adopted() -> Iterator[Callable[[], None]]:
    """As long as this lasts, orphans become children of this process; what it yields ends them.

    Nobody else of this process starts one between. Where the kernel is not Linux, none comes.
    """
    if not sys.platform.startswith("linux"):
        yield lambda: None
        return
    kernel, known = ctypes.CDLL(None, use_errno=True), _children()
    kernel.prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)

    def end() -> None:
        deadline = time.monotonic() + _LEAVE_SECONDS
        while _ended(_children() - known) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    try:
        yield end
    finally:
        kernel.prctl(_CHILD_SUBREAPER, 0, 0, 0, 0)


def _ended(children: set[int]) -> bool:
    """Whether there were any: the children of each come next."""
    for child in children:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(child, os.WNOHANG)
    return bool(children)


def _children() -> set[int]:
    own, found = os.getpid(), set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program stands in parentheses, and may have some itself.
            state = place.read_bytes().rpartition(b")")[2].split()
            if int(state[1]) == own:
                found.add(int(place.parent.name))
    return found
