"""Reading all of a database that is in use, which runs no code of it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from functools import partial

from ...contract.login import Login, Timeouts, application_name
from ...contract.records.source import Content
from ..session.connection import connect
from . import fingerprint

__all__ = ["content"]

_PATIENT = Timeouts(statement="0", idle_in_transaction="0")


def content(
    login: Login,
    *,
    run_id: str,
    stage: str,
    method: str,
    sessions: int,
    database: str | None = None,
) -> Content:
    """As `fingerprint.content`, of the login's database or another one on its server."""
    opened = partial(
        connect,
        login,
        name=application_name(run_id, stage),
        timeouts=_PATIENT,
        read_only=True,
        database=database,
    )
    return fingerprint.content(opened, sessions=sessions, method=method)
