"""The owners of the functions that restoring an archive would run.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from ...contract.errors import GonogoError
from ..archive.toc import Entry

__all__ = ["refuse_foreign_code"]

_CODE = frozenset({"AGGREGATE", "FUNCTION", "PROCEDURE"})


def refuse_foreign_code(
    entries: Iterable[Entry], *, login: str, written: Callable[[str], str]
) -> None:
    """Raise GonogoError where restoring all of an archive as this login, who is no superuser, would
    run functions of somebody else.

    `login` is as the archive's database reads it, `written` says how a message has such a name.
    """
    for entry in entries:
        if entry.kind in _CODE and entry.owner not in {"", login}:
            owner = written(entry.owner)
            raise GonogoError(
                f"the login {written(login)!r} would run code of {owner!r} with its own rights",
                detail=f"{entry.name} belongs to {owner!r}. Only a superuser can restore "
                "what belongs to each owner in a session of its own.",
                hint="Log in as a superuser, or as the owner of everything in the database.",
            )
