"""A database beside the source, where the host can have no cluster of its own.

It lies on the source's server and takes room and time from it. The role must be allowed to create
databases; where it is no superuser, owners and privileges cannot be restored and are not compared.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..login import Login
from . import likeness
from .errors import UnprovenError

__all__ = ["drop", "login", "make", "sweep"]

_PREFIX = "gonogo_twin_"
_NAME = re.compile(rf"{_PREFIX}\d{{8}}T\d{{6}}Z-[0-9a-f]{{6}}")

# Databases of ours in which no run is at work any more.
_DEAD = """
SELECT d.datname::text FROM pg_catalog.pg_database AS d
WHERE pg_catalog.starts_with(d.datname, 'gonogo_twin_')
    AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_stat_activity AS a
        WHERE split_part(a.application_name, ':', 1) = 'gonogo'
            AND 'gonogo_twin_' || split_part(a.application_name, ':', 2) = d.datname)
"""


def make(connection: Any, run_id: str, around: Mapping[str, Any]) -> None:
    """Create it. Raises UnprovenError when this role may not, or the server cannot."""
    if not around["may_create"]:
        raise UnprovenError(
            f"role {around['login']} may not create a database on the source's server",
            hint="Install the server's package on the host, set gonogo_server_bin, or grant "
            "CREATEDB.",
        )
    likeness.make_database(connection, _name(run_id), around, owner=False)


def login(source: Login, run_id: str) -> Login:
    """As the login of the source. A service that names its database does not fit."""
    return replace(source, db=_name(run_id))


def drop(connection: Any, run_id: str) -> bool:
    """Drop the run's. Whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", (_name(run_id),))
        if cursor.fetchone() is None:
            return False
        cursor.execute(f'DROP DATABASE IF EXISTS "{_name(run_id)}" WITH (FORCE)')
    return True


def sweep(connection: Any) -> list[str]:
    """Drop those of dead runs; returns their names."""
    with connection.cursor() as cursor:
        cursor.execute(_DEAD)
        names = [row[0] for row in cursor.fetchall() if _NAME.fullmatch(row[0])]
        for name in names:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
    return names


def _name(run_id: str) -> str:
    return f"{_PREFIX}{run_id}"
