"""Whether the controller can still hear what a module will say.

A module without a terminal gets no signal when its SSH connection or its controller ends: it goes
on, though nobody will read its answer. The operating system knows that, at once where an end of the
connection is closed; where only the reader is gone, as soon as something is written. So a module is
*watched*: while it works, an empty line is written now and then, which Ansible ignores. Once the
link is cut, the statements of its sessions are cancelled.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Callable

from ...contract.errors import GonogoError

__all__ = ["go_on", "is_cut", "let_be", "require", "watched"]

_STANDARD_OUTPUT = 1
# How long a reader may be gone before that is noticed.
_BEAT_SECONDS = 0.5
# How often what is begun after the link was cut is cancelled.
_CANCEL_SECONDS = 0.1
_LEAVE_SECONDS = 5.0

_let_be = threading.Event()


def is_cut() -> bool:
    """Whether nobody reads the standard output any more. False where that cannot be known."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    # No event is asked for. That the other end, or ours, is closed is reported all the same.
    poll.register(_STANDARD_OUTPUT, 0)
    return bool(poll.poll(0))


def require() -> None:
    """Raise GonogoError when the link is cut: nobody would learn what became of a new change."""
    if is_cut():
        raise GonogoError("the connection to the controller was lost")


@contextmanager
def watched(cancel: Callable[[], None]) -> Iterator[None]:
    """Call `cancel` again and again once the link is cut, as long as this lasts.

    `cancel` is called in a thread of its own. Nobody else writes to the standard output meanwhile.
    """
    _let_be.clear()
    ending, end = os.pipe()
    watching = threading.Thread(target=_watch, args=(cancel, ending), daemon=True)
    watching.start()
    try:
        yield
    finally:
        os.close(end)
        watching.join(_LEAVE_SECONDS)
        if not watching.is_alive():
            os.close(ending)


def let_be() -> None:
    """Stop cancelling: from here on the work is being undone."""
    _let_be.set()


def go_on() -> None:
    """Go on cancelling: the work is begun anew."""
    _let_be.clear()


def _watch(cancel: Callable[[], None], ending: int) -> None:
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(ending, select.POLLIN)
    poll.register(_STANDARD_OUTPUT, 0)
    while True:
        told = [descriptor for descriptor, _ in poll.poll(round(_BEAT_SECONDS * 1000))]
        if ending in told:
            return
        if not told:
            with suppress(OSError):
                os.write(_STANDARD_OUTPUT, b"\n")
            continue
        if not _let_be.is_set():
            cancel()
        if select.select([ending], [], [], _CANCEL_SECONDS)[0]:
            return
