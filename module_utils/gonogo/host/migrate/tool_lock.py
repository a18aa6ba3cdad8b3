"""The lock of a migration tool's own deployments: whatever changes what the tool keeps holds it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.errors import GonogoError
from ..session.connection import DatabaseError
from .history.interface import SESSION, TRANSACTION, History

__all__ = ["Opening", "held"]

# What is called first in each transaction.
Opening = Callable[[Any], None]


def _nothing(_connection: Any = None) -> None:
    """For who has nothing to confirm, and for a transaction that has nothing to take."""


@contextmanager
def held(
    tool: History, connection: Any, budgets: Budgets, confirm: Callable[[], None] = _nothing
) -> Iterator[Opening]:
    """Hold the lock meanwhile; yields what has to be called first in each transaction.

    `confirm` raises when nothing may be done any more, and is called before each attempt. Raises
    GonogoError where somebody else has the lock. A session that is lost holds none, and what it has
    done stays.
    """
    take = partial(_take, tool, budgets=budgets, confirm=confirm)
    if tool.lock_scope != SESSION:
        yield take if tool.lock_scope == TRANSACTION else _nothing
        return
    take(connection)
    try:
        yield _nothing
    finally:
        with suppress(DatabaseError):
            tool.release(connection)


def _take(tool: History, connection: Any, budgets: Budgets, confirm: Callable[[], None]) -> None:
    for attempt in range(1, budgets.attempts + 1):
        confirm()
        if tool.take(connection):
            return
        if attempt < budgets.attempts:
            time.sleep(budgets.wait)
    raise GonogoError(
        f"a deployment of {tool.name}'s is at work on this database",
        detail=f"Its lock ({tool.lock_name}) was not free in {budgets.attempts} attempts.",
        hint="Wait for it to end, then run the playbook again.",
    )
