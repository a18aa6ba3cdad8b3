"""What a database holds: its tables and large objects by their rows and a hash.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ...contract.login import Login
from ..compare import reading

__all__ = ["LARGE_OBJECTS", "Holds", "Moved", "moved", "read"]

LARGE_OBJECTS = "large objects"

# Name of a table → how many rows, and their hash; None where it is not known.
Holds = Mapping[str, tuple[Optional[int], Optional[str]]]
# Name of a table → rows before and after, None where it is not there.
Moved = Mapping[str, tuple[Optional[int], Optional[int]]]


def read(
    login: Login, *, run_id: str, stage: str, method: str, sessions: int, database: str | None
) -> Holds:
    """What a database holds, in as many sessions; that of the login, or another on its server.

    `method` is how rows are hashed, as a backup says it.
    """
    found = reading.content(
        login, run_id=run_id, stage=stage, method=method, sessions=sessions, database=database
    )
    holds = {name: (table.rows, table.hash) for name, table in found.tables.items()}
    objects = found.large_objects
    return {**holds, LARGE_OBJECTS: (objects.count, objects.hash)}


def moved(before: Holds, after: Holds) -> Moved:
    """Name → rows before and after of what is not the same."""
    nothing = (None, None)
    return {
        name: (before.get(name, nothing)[0], after.get(name, nothing)[0])
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
