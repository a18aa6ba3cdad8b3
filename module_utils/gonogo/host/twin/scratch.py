"""A database beside the source, where the host can have no cluster of its own.

The database lies on the source's server and takes room and time from it. The role must be allowed
to create databases. Where the role is no superuser, owners and privileges cannot be restored and
are not compared.

It is dropped only where its comment proves that it is ours (`made_database`): somebody else may
have a database of any name.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...contract.login import Login
from ...contract.records.source import Surroundings
from ..restore import cluster_globals, made_database
from ..restore.errors import UnprovenError

__all__ = ["drop", "login", "make", "sweep"]

_PREFIX = "gonogo_twin_"
_PURPOSE = "twin"

_AT_WORK = """
SELECT DISTINCT split_part(application_name, ':', 2) FROM pg_catalog.pg_stat_activity
WHERE split_part(application_name, ':', 1) = 'gonogo'
"""


def make(connection: Any, run_id: str, around: Surroundings) -> None:
    """Create it. Raises UnprovenError when this role may not, or the server cannot."""
    if not around.may_create:
        raise UnprovenError(
            f"role {around.sent.login} may not create a database on the source's server",
            hint="Install the server's package on the host, set gonogo_server_bin, or grant "
            "CREATEDB.",
        )
    made_database.made(
        connection,
        _name(run_id),
        run_id,
        _PURPOSE,
        lambda: cluster_globals.make_database(connection, _name(run_id), around, owner=None),
    )


def login(source: Login, run_id: str) -> Login:
    """The login of the source, to this database. A service that names a database does not fit."""
    return replace(source, db=_name(run_id))


def drop(connection: Any, run_id: str) -> bool:
    """Drop the database of the run. Whether there was one."""
    own = made_database.find(connection, _name(run_id), run_id, _PURPOSE)
    return own is not None and made_database.drop(connection, own)


def sweep(connection: Any) -> list[str]:
    """Drop the databases of runs that are no longer at work; returns their names."""
    at_work = {row[0] for row in connection.execute(_AT_WORK).fetchall()}
    left, _ = made_database.unused(connection, _PURPOSE)
    dead = [one for one in left if one.run_id not in at_work and one.name == _name(one.run_id)]
    return [one.name for one in dead if made_database.drop(connection, one)]


def _name(run_id: str) -> str:
    return f"{_PREFIX}{run_id}"
