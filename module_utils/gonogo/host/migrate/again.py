"""What of a migration no object tells, found out on a copy: applied again, it changes nothing.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...contract.records.migration import Statement
from ...contract.records.rehearsal import Retried
from ...contract.session_settings import SEARCH_PATH
from ..compare import reprint, schema_catalog
from ..session.connection import DatabaseError, described
from . import single
from .application import running

__all__ = ["again"]

# What DROP says where there is nothing to drop: an undefined object, column, function, table,
# schema.
_GONE = {"42704", "42703", "42883", "42P01", "3F000"}
# What CREATE says where the very object is there: object, function, column, table, schema.
_THERE = {"42710", "42723", "42701", "42P07", "42P06"}


def again(
    connection: Any,
    statements: Sequence[Statement],
    settings: Mapping[str, str] | None = None,
) -> Retried:
    """Run statements in a transaction that is rolled back, each as if it were the only one.

    `settings` are those of `Plan.session`.
    """
    untried: list[str] = []
    connection.execute("BEGIN")
    try:
        before = schema_catalog.read(connection)
        with running(connection, settings):
            untried += [one.opening for one in statements if not _is_tried(connection, one)]
        connection.execute(f"SET LOCAL search_path TO {SEARCH_PATH}".encode())
        after = schema_catalog.read(connection)
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")
    changes = [difference.name for difference in reprint.differences(connection, before, after)]
    return Retried(tuple(changes), tuple(untried))


def _is_tried(connection: Any, statement: Statement) -> bool:
    """Whether a statement has run, or said that it has been applied."""
    if statement.outside:
        return False
    connection.execute("SAVEPOINT gonogo_again")
    try:
        single.run(connection, statement)
    except DatabaseError as error:
        if connection.closed:
            raise
        connection.execute("ROLLBACK TO SAVEPOINT gonogo_again")
        return _is_settled(statement.verb, described(error)["sqlstate"])
    return True


def _is_settled(verb: str, sqlstate: str | None) -> bool:
    """Whether the error says that the statement has been applied."""
    settled = {"DROP": _GONE, "CREATE": _THERE}
    return sqlstate in settled.get(verb, set())
