"""A session that works on the declared database alone. Every change begins with one.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...contract.records.run import Declared, Identity
from . import identity, lock
from .login_rights import refuse_stronger_login

__all__ = ["Occupants", "enter"]


@dataclass(frozen=True)
class Occupants:
    """Who has the run lock (None: nobody), and the runs that have sessions here."""

    held: lock.Held | None
    others: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.held or self.others)

    def answer(self) -> dict[str, object]:
        """As the controller reads it, see controller/stages/concurrent_runs.py."""
        return {"held": asdict(self.held) if self.held else None, "others": list(self.others)}


def enter(
    connection: Any,
    *,
    observed: Identity,
    declared: Declared,
    fence: Sequence[str],
    run_id: str = "",
    stronger_login: bool = False,
) -> Occupants:
    """End the sessions of the runs in `fence` and return who else works here.

    `observed` is what `identity.observe` has found. The sessions and the lock of `run_id` are not
    counted; without it those of every run are. A login that is stronger than it has to be is
    refused unless `stronger_login` allows it. Raises GonogoError for it, and where the database is
    not the declared one.
    """
    problems = identity.problems(declared, observed)
    if problems:
        raise problems[0]
    if not stronger_login:
        refuse_stronger_login(connection)
    lock.fence(connection, run_ids=fence)
    held = lock.take(connection)
    if held is not None and run_id and held.run_id == run_id:
        held = None
    return Occupants(held, lock.other_runs(connection, run_id=run_id))
