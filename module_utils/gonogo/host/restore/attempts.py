"""A restore that fails is tried once more, in the plainest way there is, before anything is said.

With several sessions, pg_restore relies on the dependencies that pg_dump has noted, and these are
not complete: the trigger of a partition needs that of its parent, a privilege needs the grant
option that it was granted with. A setting of the database may stand in the way, too. One session,
in a new database without settings, restores every archive that can be restored at all.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable, TypeVar

from ...contract.errors import GonogoError
from ..session import link

__all__ = ["Manner", "NotFilledError", "filling", "tried"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Manner:
    """How many sessions restore at once, and whether the database has its settings first."""

    jobs: int
    settings_first: bool


class NotFilledError(Exception):
    """The archive did not come into the database; `error` says why."""

    def __init__(self, error: GonogoError):
        self.error = error
        super().__init__(error.primary)


@contextlib.contextmanager
def filling() -> Iterator[None]:
    """The context in which the archive is restored: a failure inside is one of the attempt."""
    try:
        yield
    except GonogoError as error:
        raise NotFilledError(error) from error


def tried(jobs: int, attempt: Callable[[Manner], Result]) -> tuple[Result, GonogoError | None]:
    """What the first `attempt` returns that fills its database, and why the one before it did not.

    Each makes its own database and, where it fails, removes it. Raises GonogoError when the last
    one fails, or when nobody waits for it any more.
    """
    try:
        return attempt(Manner(jobs, settings_first=True)), None
    except NotFilledError as failed:
        first = failed.error
    link.require()
    link.go_on()
    try:
        return attempt(Manner(1, settings_first=False)), first
    except NotFilledError as failed:
        raise failed.error from None
    except GonogoError as error:
        # The second attempt has failed too, so the first failure is still of interest.
        told = f"The first attempt failed: {first.render()}"
        error.detail = f"{error.detail}\n{told}" if error.detail else told
        raise
