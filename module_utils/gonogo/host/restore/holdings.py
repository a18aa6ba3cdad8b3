"""What a database holds: its tables and large objects by their rows and a hash.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import Login
from ..compare import reading

__all__ = ["LARGE_OBJECTS", "Holds", "moved", "read"]

LARGE_OBJECTS = "large objects"

# Name of a table → how many rows, and their hash.
Holds = dict[str, list[Any]]


def read(
    login: Login, *, run_id: str, stage: str, method: str, sessions: int, database: str | None
) -> Holds:
    """What a database holds, in as many sessions; that of the login, or another on its server.

    `method` is how rows are hashed, as a backup says it.
    """
    found = reading.content(
        login, run_id=run_id, stage=stage, method=method, sessions=sessions, database=database
    )
    holds = {name: [table["rows"], table["hash"]] for name, table in found["tables"].items()}
    objects = found["large_objects"]
    return {**holds, LARGE_OBJECTS: [objects["count"], objects["hash"]]}


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> Holds:
    """Name → rows before and after of what is not the same."""
    return {
        name: [before.get(name, [None])[0], after.get(name, [None])[0]]
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
