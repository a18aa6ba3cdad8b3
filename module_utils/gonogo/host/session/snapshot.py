# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""One moment of the database for several sessions: dump and fingerprint see the same rows.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...contract.errors import GonogoError
from ...contract.schemas import OF_USERS
from .connection import DatabaseError, described

__all__ = ["exported", "files", "has_room", "joined", "no_room_for_locks"]

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# As pg_dump does: nobody may empty or change a table between the moment and its being read.
# Those that may not be read are left to pg_dump, which says so.
_LOCKABLE = f"""
SELECT string_agg(format('ONLY %I.%I', n.nspname, c.relname), ', '), count(*)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    AND {OF_USERS}
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
"""

_FILES = f"""
SELECT c.oid::bigint, pg_catalog.format('%I.%I', n.nspname, c.relname),
    pg_catalog.pg_relation_filenode(c.oid)::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND {OF_USERS}
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
"""

# The number of relations whose locks fit into the server's table of locks; twice as many pairs of a
# relation and a session do. The words differ between versions.
_ROOM = """
SELECT max(s.setting::bigint) FILTER (WHERE s.name = 'max_locks_per_transaction')
    * sum(s.setting::bigint) FILTER (WHERE s.name <> 'max_locks_per_transaction')
FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions',
    'autovacuum_max_workers', 'max_worker_processes', 'max_wal_senders')
"""
# How many locks other sessions need is not known beforehand.
_OURS = 0.75
# The server names it in its hint, in whatever language.
_LOCKS = "max_locks_per_transaction"


@contextlib.contextmanager
def exported(connection: Any, *, lock: bool = True) -> Iterator[str]:
    """A snapshot that others can join as long as this lasts; returns its name.

    `connection` has no transaction open. Where it is to `lock`, every table that it may read is
    locked against changes of its definition and TRUNCATE, and against nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        try:
            cursor.execute("SELECT pg_catalog.pg_export_snapshot()")
            name = str(cursor.fetchone()[0])
            if lock:
                _lock(cursor)
            yield name
        finally:
            if not connection.closed:
                connection.rollback()


def has_room(connection: Any) -> bool:
    """Whether the server has room for our lock on each table beside those of pg_dump.

    pg_dump locks every table, and where it has several sessions these lock each once more. Where
    there is no room for three locks on a table, there may still be room for the one that a dump
    with one session takes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCKABLE)
        tables = int(cursor.fetchone()[1])
        cursor.execute(_ROOM)
        return 3 * tables <= _OURS * 2 * int(cursor.fetchone()[0])


def no_room_for_locks(told: str | None) -> GonogoError | None:
    """The error of a backup whose server has told this, where its table of locks was full.

    Dump and fingerprint fill it together; either may find it full.
    """
    if _LOCKS not in (told or ""):
        return None
    return GonogoError(
        "the server has no room for the locks of a backup",
        detail=told,
        hint=f"A dump needs one for each table: raise {_LOCKS} of the server, which takes a "
        "restart.",
    )


def files(connection: Any) -> dict[int, tuple[str, int | None]]:
    """OID → name and file of every table that may be read, as they are now and in no snapshot.

    TRUNCATE, and what rewrites a table, gives it another file.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FILES)
        return {oid: (name, file) for oid, name, file in cursor.fetchall()}


def _lock(cursor: Any) -> None:
    cursor.execute(_LOCKABLE)
    tables = cursor.fetchone()[0]
    if not tables:
        return
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
