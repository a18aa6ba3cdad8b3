"""An error that nobody has foreseen is a fault of this project, and is told as nothing else.

What is expected to go wrong is a GonogoError. Whatever else is raised says nothing about a
database, a file or a host: it is told by its kind and place, without its words, which may hold
contents of rows. The traceback is for -vvv.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import traceback

from .errors import GonogoError, visible
from .redaction import redacted

__all__ = ["FaultError", "told"]

_PACKAGE = "gonogo"
_HINT = (
    "It says nothing about the database. Report it to those who maintain this project, with the "
    "output of the same command with -vvv."
)


class FaultError(GonogoError):
    """This project has failed. `traceback` is for those who maintain it."""

    def __init__(self, primary: str, *, detail: str | None, traceback: str) -> None:
        super().__init__(primary, detail=detail, hint=_HINT)
        self.traceback = "\n".join(map(visible, redacted(traceback).split("\n")))


def told(error: BaseException, *, doing: str) -> FaultError:
    """The error that says where `error` was raised; `doing` is what was done, as "stage backup"."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _PACKAGE in frame.filename]
    at = (ours or list(frames))[-1:]
    places = [f"{_short(frame.filename)}, line {frame.lineno}, in {frame.name}" for frame in at]
    return FaultError(
        f"{doing} has failed through a fault of this project ({type(error).__name__})",
        detail="".join(f"It was raised in {place}." for place in places) or None,
        traceback="".join(traceback.format_exception(type(error), error, error.__traceback__)),
    )


def _short(filename: str) -> str:
    """The path from the package on, whichever bundle or directory it was imported from."""
    parts = filename.split("/")
    if _PACKAGE not in parts:
        return parts[-1]
    return "/".join(parts[parts.index(_PACKAGE) :])
