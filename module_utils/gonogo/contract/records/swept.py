"""What nobody finished or keeps any more, and was removed on the target host.

Python 3.9, standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stayed", "Swept"]


@dataclass(frozen=True)
class Swept:
    """Its path, and how many bytes it had."""

    file: str
    size: int


@dataclass(frozen=True)
class Stayed:
    """The path of what was to be removed, and why it was not."""

    file: str
    why: str
