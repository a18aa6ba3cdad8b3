"""Reading all of a database that is in use, without lending its code the rights of the login.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from .. import fingerprint, rights
from ..connection import DatabaseError, connect, described
from ..errors import GonogoError
from ..fingerprint import Content
from ..login import Login, Timeouts, application_name
from . import standins

__all__ = ["content"]

_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
_FIRST_WITH_READER = 140000


def content(
    login: Login,
    *,
    run_id: str,
    stage: str,
    method: str,
    sessions: int,
    database: str | None = None,
) -> Content:
    """As `fingerprint.content`, of the login's database or another one on its server.

    Planning a query evaluates expressions of the owner of its tables. So where there is code of
    others a superuser does not read them: a role is made for it that may read everything and do
    nothing else, and removed again. Raises GonogoError when that role is not let in.
    """
    opened = partial(
        connect,
        login,
        name=application_name(run_id, stage),
        timeouts=_PATIENT,
        read_only=True,
        database=database,
    )
    with opened() as session:
        superuser = session.info.parameter_status("is_superuser") == "on"
        _powers, code, _owner = session.execute(rights.FOREIGN_CODE).fetchall()[0]
    if not superuser or code is None:
        return fingerprint.content(opened, sessions=sessions, method=method)
    with connect(login, name=application_name(run_id, stage), database=database) as session:
        return _as_reader(session, login, run_id, stage, method, sessions)


def _as_reader(
    session: Any, login: Login, run_id: str, stage: str, method: str, sessions: int
) -> Content:
    if session.info.server_version < _FIRST_WITH_READER:
        # It has no role that may read everything, and the tables are not to be changed for this.
        raise GonogoError(
            "a superuser cannot read a database of PostgreSQL 13 without running its code",
            hint="Log in as the role that owns the tables, with CREATEDB.",
        )
    database = session.info.dbname
    doors = standins.doors_of(session, login, database=database, run_id=run_id, stage=stage)
    try:
        standins.make(session, doors, [])
        standins.let_read_all(session, doors)
        found = fingerprint.content(
            lambda: doors.connect(doors.reader),
            sessions=sessions,
            method=method,
            objects=False,
        )
    except DatabaseError as error:
        told = described(error)
        raise GonogoError(
            f"the database cannot be read: {told['message']}", detail=told["detail"]
        ) from error
    finally:
        standins.remove(session, doors)
    return {**found, "large_objects": fingerprint.large_objects(session)}
