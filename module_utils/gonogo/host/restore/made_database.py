"""A database that a call of ours has made. Only that call may drop it, or a later one that can
prove what it is.

A name proves nothing, and the owner of a database writes its comment. So the call that made a
database knows it by its oid together with its name. The database of a killed call is known by a
comment that says its purpose, its oid and its name: a comment that was copied, or that came along
with a rename, fits no other database.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable

from psycopg import sql

from ...contract.run_id import PATTERN

__all__ = ["Made", "drop", "find", "made", "unused"]

_RUN_ID = rf"(?P<run_id>{PATTERN})"
_IS_THERE = "SELECT FROM pg_catalog.pg_database WHERE oid = %s AND datname = %s"
_OID = "SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = %s"
_ABOUT = """
SELECT oid::bigint, pg_catalog.shobj_description(oid, 'pg_database')
FROM pg_catalog.pg_database WHERE datname = %s
"""
_COMMENTED = """
SELECT d.oid::bigint, d.datname::text, pg_catalog.shobj_description(d.oid, 'pg_database'),
    pg_catalog.pg_has_role(d.datdba, 'USAGE')
FROM pg_catalog.pg_database AS d
WHERE pg_catalog.shobj_description(d.oid, 'pg_database') LIKE 'gonogo: %%'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)
ORDER BY d.datname
"""


@dataclass(frozen=True)
class Made:
    """A database by its oid and its name; `run_id` is of the run that it was made for."""

    oid: int
    name: str
    run_id: str


def made(connection: Any, name: str, run_id: str, purpose: str, make: Callable[[], None]) -> Made:
    """Have `make` create the database `name`, and note in its comment what it is for.

    Raises what `make` raises where there is such a database already; that one is left alone.
    """
    make()
    (oid,) = connection.execute(_OID, (name,)).fetchone()
    new = Made(oid=oid, name=name, run_id=run_id)
    try:
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(name), sql.Literal(_comment(new, purpose))
            )
        )
    except BaseException:
        drop(connection, new)
        raise
    return new


def drop(connection: Any, database: Made) -> bool:
    """Drop it, and end what is connected to it. Whether it was there, under its own name."""
    if connection.execute(_IS_THERE, (database.oid, database.name)).fetchone() is None:
        return False
    connection.execute(
        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
    )
    return True


def find(connection: Any, name: str, run_id: str, purpose: str) -> Made | None:
    """The database of this name where it was made for this run and purpose, else None."""
    row = connection.execute(_ABOUT, (name,)).fetchone()
    if row is None:
        return None
    one = Made(oid=row[0], name=name, run_id=run_id)
    return one if row[1] == _comment(one, purpose) else None


def unused(connection: Any, purpose: str) -> tuple[list[Made], list[str]]:
    """The databases of this purpose that killed calls have left and nobody is connected to.

    Returns those that are proven to be ours, and the names of those whose comment only begins like
    ours: they are for a person to look at.
    """
    proven, alike = [], []
    begins = re.compile(rf"gonogo: {re.escape(purpose)} of run {_RUN_ID}(?:;|$)")
    for oid, name, comment, may in connection.execute(_COMMENTED).fetchall():
        found = begins.match(comment)
        one = Made(oid=oid, name=name, run_id=found["run_id"] if found else "")
        if may and comment == _comment(one, purpose):
            proven.append(one)
        elif comment.startswith(f"gonogo: {purpose} of run "):
            alike.append(name)
    return proven, alike


def _comment(database: Made, purpose: str) -> str:
    return f"gonogo: {purpose} of run {database.run_id}; database {database.oid}, {database.name}"
