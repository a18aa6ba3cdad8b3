"""The session in which a migration runs as its tool would run it, and the questions in between.

The statements run under the settings that the login has in this database (those of the server,
ALTER DATABASE, ALTER ROLE) and those that the tool makes. What is asked of the catalog meanwhile,
in the same session, runs under our search path, and leaves the migration's settings as they are.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ...contract.records.migration import BY_PATH, Statement
from ...contract.session_settings import PINNED, PLANNING, SEARCH_PATH
from ..session.connection import DatabaseError

__all__ = ["Session", "asked", "begin", "running", "search_path"]

# As the files were cut, and what no statement means anything else by.
_KEPT = {"client_encoding", "standard_conforming_strings", "client_min_messages"}
_ITS_OWN = """
SELECT pg_catalog.set_config(s.name, s.reset_val, false)
FROM pg_catalog.pg_settings AS s WHERE pg_catalog.lower(s.name) = ANY (%s::text[])
"""
_OURS = """
SELECT pg_catalog.set_config(w.name, w.setting, false)
FROM ROWS FROM (
    pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[])
) AS w (name, setting)
"""
_SEARCH_PATH = """
SELECT s.reset_val FROM pg_catalog.pg_settings AS s WHERE s.name = 'search_path'
"""
# The relations that a name without its schema means, under the path of the migration.
_VISIBLE = """
SELECT w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_class AS c
    ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(w.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
"""
_SET = "SELECT pg_catalog.set_config(%s, %s, false)"
_SET_LOCAL = "SELECT pg_catalog.set_config('search_path', %s, true)"
_PATH_NOW = "SELECT pg_catalog.current_setting('search_path')"

# Around a question, inside of a transaction and outside of any. What comes back with the savepoint
# is every setting, by whichever way it was made.
_INSIDE = (
    "SAVEPOINT gonogo_asks",
    "ROLLBACK TO SAVEPOINT gonogo_asks; RELEASE SAVEPOINT gonogo_asks",
)
_OUTSIDE = ("BEGIN", "ROLLBACK")
_BEFORE_THE_ANSWER = 2


def begin(connection: Any, settings: Mapping[str, str]) -> None:
    """Give a session of this project the settings of the application, and those of the tool."""
    names = sorted({*PINNED, *PLANNING} - _KEPT)
    connection.execute(_ITS_OWN, [names])
    for name, value in settings.items():
        connection.execute(_SET, [name, value])


@contextmanager
def running(connection: Any, settings: Mapping[str, str] | None) -> Iterator[Session]:
    """Within a transaction, a session in which statements run under these settings (see
    `Plan.session`); under ours again at the end, unless something goes wrong."""
    if settings is None:
        yield Session(connection)
        return
    begin(connection, settings)
    yield Session(connection, apart=True)
    ours = {**PINNED, **PLANNING}
    names = sorted(ours.keys() - _KEPT)
    connection.execute(_OURS, [names, [ours[name] for name in names]])


def search_path(connection: Any, settings: Mapping[str, str]) -> str:
    """The search path that `begin` sets; changes nothing."""
    if "search_path" in settings:
        return settings["search_path"]
    return str(connection.execute(_SEARCH_PATH).fetchone()[0])


@dataclass(frozen=True)
class Session:
    """A session in which a migration runs; `apart` is whether it has settings of its own, so that
    what is asked has to be asked under others."""

    connection: Any
    apart: bool = False

    def find(self, statement: Statement) -> Statement:
        """The statement with the schemas of the tables that it names without one."""
        names = [name for schema, name in statement.tables if schema == BY_PATH]
        if not names:
            return statement
        found = dict(self.connection.execute(_VISIBLE, [names]).fetchall())
        # One that nobody has is made before it is used, in the same transaction: nobody waits.
        tables = tuple(
            (found[name] if schema == BY_PATH else schema, name)
            for schema, name in statement.tables
            if schema != BY_PATH or name in found
        )
        return replace(statement, tables=tables)

    def ask(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """The rows of a query that changes nothing. Database errors pass through."""
        if not self.apart:
            found: list[Any] = self.connection.execute(query, values or None).fetchall()
            return found
        return asked(self.connection, query, values, path=SEARCH_PATH)

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Under our search path, what changes something in a transaction; then under that of the
        migration again."""
        if not self.apart:
            yield
            return
        before = self.connection.execute(_PATH_NOW).fetchone()[0]
        self.connection.execute(_SET_LOCAL, [SEARCH_PATH])
        yield
        self.connection.execute(_SET_LOCAL, [before])


def asked(
    connection: Any, query: str, values: Sequence[object] | Mapping[str, object] = (), *, path: str
) -> list[Any]:
    """The rows of a query under this search path, in one round trip; the session stays as it is."""
    inside = connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    opening, closing = _INSIDE if inside else _OUTSIDE
    binding = psycopg.ClientCursor(connection)
    set_path = binding.mogrify(_SET_LOCAL, [path])
    question = binding.mogrify(query, values or None)
    try:
        text = f"{opening}; {set_path}; {question}; {closing}"
        cursor = connection.execute(text.encode(connection.info.encoding))
    except DatabaseError:
        if not connection.closed:
            connection.execute(closing.encode())
        raise
    for _ in range(_BEFORE_THE_ANSWER):
        cursor.nextset()
    rows: list[Any] = cursor.fetchall()
    return rows
