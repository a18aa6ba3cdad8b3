"""Whether the controller can still hear what a module will say.

A module without a terminal is not told when its SSH connection or its controller ends; it goes
on. But whoever should read its answer is gone, and the system knows that.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import select

from .errors import GonogoError

__all__ = ["is_cut", "require"]

_STANDARD_OUTPUT = 1


def is_cut() -> bool:
    """Whether nobody reads the standard output any more. False where that cannot be told."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(_STANDARD_OUTPUT, 0)
    # Asked for nothing: what is told all the same is that the other end, or ours, is closed.
    return bool(poll.poll(0))


def require() -> None:
    """Raise GonogoError when the link is cut: whatever is begun now, nobody would ever know."""
    if is_cut():
        raise GonogoError("the connection to the controller was lost")
