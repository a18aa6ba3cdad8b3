"""What of a migration no object tells, found out on a copy: applied again, it changes nothing.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...contract.records.migration import Statement
from ...contract.records.rehearsal import Retried
from ...contract.session_settings import SEARCH_PATH
from ..compare import reprint, schema_catalog
from ..session.connection import DatabaseError, described
from . import single

__all__ = ["again"]

# What DROP says where there is nothing to drop: an undefined object, column, function, table,
# schema.
_GONE = {"42704", "42703", "42883", "42P01", "3F000"}
# What CREATE says where the very object is there: object, function, column, table, schema.
_THERE = {"42710", "42723", "42701", "42P07", "42P06"}


def again(connection: Any, statements: Sequence[Statement]) -> Retried:
    """Run statements in a transaction that is rolled back, each as if it were the only one."""
    untried = []
    connection.execute("BEGIN")
    try:
        before = schema_catalog.read(connection)
        for statement in statements:
            if statement.outside:
                untried.append(statement.opening)
                continue
            connection.execute("SAVEPOINT gonogo_again")
            try:
                single.run(connection, statement)
            except DatabaseError as error:
                if connection.closed:
                    raise
                connection.execute("ROLLBACK TO SAVEPOINT gonogo_again")
                if not _is_settled(statement.verb, described(error)["sqlstate"]):
                    untried.append(statement.opening)
        connection.execute(f"SET LOCAL search_path TO {SEARCH_PATH}".encode())
        after = schema_catalog.read(connection)
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")
    changes = [difference.name for difference in reprint.differences(connection, before, after)]
    return Retried(tuple(changes), tuple(untried))


def _is_settled(verb: str, sqlstate: str | None) -> bool:
    """Whether the error says that the statement has been applied."""
    settled = {"DROP": _GONE, "CREATE": _THERE}
    return sqlstate in settled.get(verb, set())
