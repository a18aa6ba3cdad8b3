"""What came of breaking a twin: sabotage.json.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = ["Sabotage"]


@dataclass(frozen=True)
class Sabotage(FileRecord):
    """`changes` is how many were made, `unnoticed` are those that change no answer, `impossible`
    those the server has refused, with its words. `noticed` is check → changes by which it came to
    fail; not all of them, once it is known that it can. The controller adds `never_failed`: the
    checks that none has made fail.
    """

    FILE: ClassVar[str] = "sabotage.json"

    changes: int
    unnoticed: Sequence[str]
    impossible: Sequence[str]
    noticed: Mapping[str, Sequence[str]]
    never_failed: Sequence[str] | None = None
