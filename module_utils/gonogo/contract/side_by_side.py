"""How many sessions do a piece of work side by side.

Python 3.9, standard library only.
"""

from __future__ import annotations

import os

__all__ = ["sessions"]

_MOST = 8


def sessions(wanted: int = 0) -> int:
    """As many as are wanted; for 0, one for each processor of this host, at most eight."""
    return wanted or max(1, min(_MOST, os.cpu_count() or 1))
