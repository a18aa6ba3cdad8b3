"""One moment of the database for several sessions: dump and fingerprint see the same rows.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .connection import DatabaseError, described
from .errors import GonogoError

__all__ = ["exported", "joined"]

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# As pg_dump does: nobody may empty or change a table between the moment and its being read.
# Those that may not be read are left to pg_dump, which says so.
_LOCKABLE = """
SELECT string_agg(format('ONLY %I.%I', n.nspname, c.relname), ', ')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
"""


@contextlib.contextmanager
def exported(connection: Any) -> Iterator[str]:
    """A snapshot that others can join as long as this lasts; returns its name.

    `connection` has no transaction open. Every table that it may read is locked against changes
    of its definition and TRUNCATE, and against nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        try:
            cursor.execute("SELECT pg_catalog.pg_export_snapshot()")
            name = str(cursor.fetchone()[0])
            cursor.execute(_LOCKABLE)
            tables = cursor.fetchone()[0]
            if tables:
                _lock(cursor, tables)
            yield name
        finally:
            if not connection.closed:
                connection.rollback()


def _lock(cursor: Any, tables: str) -> None:
    try:
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")
    except DatabaseError as error:
        told = described(error)
        raise GonogoError(
            f"the tables cannot be locked for the backup: {told['message']}",
            detail=told["detail"],
            hint=told["hint"]
            or "Somebody else has locked one of them, see pg_locks. Wait for "
            "that to end, or raise backup_lock_wait.",
        ) from error


def joined(connection: Any, snapshot: str) -> Any:
    """The connection, in a transaction that sees what the snapshot sees."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    return connection
