"""Lists in a message: what is cut says how much more there is.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MOST", "listed"]

# So many items of a list are told.
MOST = 20


def listed(items: Sequence[str], *, most: int = MOST, joint: str = ", ") -> str:
    """The first items, and how many more there are."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return joint.join([*items[:most], *more])
