"""Asks how far a stage is while it works, in a thread beside the one that waits for its answer.

Asking is somebody else's: it has a way to the target host, and may raise anything. The stage comes
to its end whatever becomes of it, and takes the thread along.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .words import Words

__all__ = ["Watch", "watched"]

# A way that fails so often one after the other is none.
_FAILURES = 3
_LEAVE_SECONDS = 2.0


@dataclass(frozen=True)
class Watch:
    """`ask` returns what the host has written, empty where there is nothing; `say` prints a line.

    Asked is each so many `seconds`, and at first when these have gone by: a short call is never
    asked.
    """

    ask: Callable[[], str]
    say: Callable[[str], None]
    words: Words
    seconds: float
    began: float

    def until(self, ended: threading.Event) -> None:
        failures = 0
        while failures < _FAILURES and not ended.wait(self.seconds):
            try:
                text = self.ask()
                failures = 0
            except Exception:  # noqa: BLE001 - it is not worth an error, whatever it is
                failures += 1
                continue
            line = self.words.line(text, seconds=time.monotonic() - self.began)
            if line and not ended.is_set():
                self.say(line)


@contextlib.contextmanager
def watched(watch: Watch | None) -> Iterator[None]:
    """Say how far it is, as long as this lasts."""
    if watch is None:
        yield
        return
    ended = threading.Event()
    # What Ansible knows of the task at hand goes by the context.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_quietly, watch, ended), daemon=True)
    with contextlib.suppress(RuntimeError):
        thread.start()
    try:
        yield
    finally:
        ended.set()
        _leave(thread)


def _quietly(watch: Watch, ended: threading.Event) -> None:
    with contextlib.suppress(Exception):
        watch.until(ended)


def _leave(thread: threading.Thread) -> None:
    """Wait for an answer that is on its way; one that does not come is ended."""
    if thread.ident is None:
        return
    thread.join(_LEAVE_SECONDS)
    if thread.is_alive():
        _end_children(thread.native_id)
        thread.join(_LEAVE_SECONDS)


def _end_children(thread: int | None) -> None:
    """End what this thread has started and waits for (Linux says what that is)."""
    with contextlib.suppress(OSError, ValueError):
        children = Path(f"/proc/self/task/{thread}/children").read_text(encoding="ascii")
        for child in map(int, children.split()):
            os.kill(child, signal.SIGTERM)
