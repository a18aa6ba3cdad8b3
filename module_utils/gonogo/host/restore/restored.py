"""What became of an interrupted restore.

Two databases change names in one transaction, and the oid of the one that lost its name was sealed
before. So the catalog says whether it was done.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...contract.errors import GonogoError
from ...contract.login import Login, Timeouts, application_name
from ...contract.records.restore import RestoreFound
from ...contract.records.run import Declared
from ..session import identity, lock, server_names
from ..session.connection import DatabaseError, connect
from ..session.exclusive import Occupants
from ..session.identity import observe
from . import holdings, made_database, restoring

__all__ = ["PURPOSE", "STAGE", "find_out"]

STAGE = "restore"
# What a new database is for, until it has the name of the present one.
PURPOSE = "unfinished restore"
_FINDING = "found"
# So long a restore that is over may take to remove what it has made.
_LEAVE_SECONDS = 20.0
_GONE_SECONDS = 30.0

# It works in other databases of the server too.
_AT_WORK = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE application_name = %s AND pid <> pg_catalog.pg_backend_pid()
"""
_END = """
SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
WHERE application_name = %s AND pid <> pg_catalog.pg_backend_pid()
"""
_NAME_OF = "SELECT datname::text FROM pg_catalog.pg_database WHERE oid = %s"


def find_out(
    login: Login,
    *,
    run_id: str,
    by: str,
    declared: Declared,
    database_oid: int,
    kept_as: str,
    holds: holdings.Holds,
    archive: Path,
    fence: Sequence[str],
    timeouts: Timeouts,
) -> tuple[Occupants, RestoreFound | None]:
    """Ask the server what became of the restore of `run_id`; changes nothing.

    `by` is the run that asks; the database, the name that was meant for it and what it `holds` are
    those of the plan that was approved. Ends the sessions of the runs in `fence` first. Nothing is
    found where somebody else is at work.
    """
    name = application_name(by, _FINDING)
    with connect(login, name=name, timeouts=timeouts, read_only=True) as connection:
        observed = observe(connection)
        problems = identity.problems(declared, observed)
        if problems:
            raise problems[0]
        lock.fence(connection, run_ids=fence)
        if run_id in fence:
            _end(connection, run_id)
        held = lock.take(connection)
        # The run that asks may have the lock itself.
        if held is not None and held.run_id == by:
            held = None
        others = lock.other_runs(connection, run_id=by)
        if _at_work(connection, run_id):
            others = sorted({*others, run_id})
        if held or others:
            return Occupants(held, others), None
        row = connection.execute(_NAME_OF, [database_oid]).fetchone()
        called = server_names.as_sent(connection, row[0]) if row else None
        left = [
            server_names.as_sent(connection, one.name)
            for one in made_database.unused(connection, PURPOSE)[0]
            if one.run_id == run_id
        ]
    state, came = "replaced", None
    if observed.database_oid == database_oid:
        state = "unchanged"
    elif called == kept_as:
        state = "restored"
        came = _came(login, by, kept_as=called, holds=holds, archive=archive)
    return Occupants(None, ()), RestoreFound(state, called, came, left)


def _came(
    login: Login,
    by: str,
    *,
    kept_as: str,
    holds: holdings.Holds,
    archive: Path,
) -> holdings.Moved | None:
    # A database that a restore was to remove is none of the rows.
    before = {name: value for name, value in holds.items() if value[0] is not None}
    try:
        method = restoring.read_source(archive).method
        now = holdings.read(
            login, run_id=by, stage=_FINDING, method=method, sessions=1, database=kept_as
        )
    except (GonogoError, DatabaseError):
        return None
    return holdings.moved(before, now)


def _at_work(connection: Any, run_id: str) -> bool:
    row = connection.execute(_AT_WORK, [application_name(run_id, STAGE)]).fetchone()
    return bool(row[0])


def _end(connection: Any, run_id: str) -> None:
    """End its sessions; where it knows by itself that it is over, it is let do that."""
    deadline = time.monotonic() + _LEAVE_SECONDS
    while _at_work(connection, run_id) and time.monotonic() < deadline:
        time.sleep(0.1)
    deadline = time.monotonic() + _GONE_SECONDS
    while connection.execute(_END, [application_name(run_id, STAGE)]).fetchone()[0]:
        if time.monotonic() > deadline:
            raise GonogoError(
                f"sessions of run {run_id} do not end",
                hint="Look at pg_stat_activity; end them by hand or wait, then run again.",
            )
        time.sleep(0.02)
