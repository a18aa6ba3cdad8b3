"""What several hosts ask for alike, looked at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from ...contract.errors import InputError

__all__ = ["Remembered"]

_Value = TypeVar("_Value")


class Remembered:
    """What came of a question, by the question; a fault is one of the answers."""

    def __init__(self) -> None:
        self._known: dict[Hashable, object] = {}

    def of(self, question: Hashable, answer: Callable[[], _Value]) -> _Value:
        """The answer, asked for where it is not known. Raises the InputError that it was."""
        if question not in self._known:
            try:
                self._known[question] = answer()
            except InputError as error:
                self._known[question] = error
        known = self._known[question]
        if isinstance(known, InputError):
            raise known.with_traceback(None)
        return cast("_Value", known)
