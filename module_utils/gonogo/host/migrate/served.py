"""The queries of the application that a database has served, as pg_stat_statements counts them.

They are kept without their values. Those that ask about the catalog are a tool's, and those that a
function has asked are judged with the function.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from ...contract.records.queries import QueriesRecord, RecordedQuery
from ..session.connection import DatabaseError, described

__all__ = ["served"]

_EXTENSION = "pg_stat_statements"
# The most often called ones; and none that is too long for a person to have written it.
_MOST, _LONGEST = 1000, 50_000

_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = %s
"""
# `toplevel` came with PostgreSQL 14.
_QUERIES = """
SELECT max(s.queryid)::text, s.query
FROM {}.pg_stat_statements AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d
                WHERE d.datname = current_database())
  AND s.queryid IS NOT NULL AND coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true)
  AND length(s.query) <= %s
  AND s.query !~ 'pg_catalog|information_schema|pg_temp'
GROUP BY s.query
ORDER BY sum(s.calls) DESC, s.query
LIMIT %s
"""
# Whoever may not read another's queries sees that there are some.
_HIDDEN = """
SELECT count(*)
FROM {}.pg_stat_statements AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d
                WHERE d.datname = current_database())
  AND s.queryid IS NULL
"""


def served(connection: psycopg.Connection[Any]) -> QueriesRecord:
    """The queries of this database. That they cannot be read is no error: it is said."""
    try:
        row = connection.execute(_SCHEMA, [_EXTENSION]).fetchone()
        if row is None:
            return _none(f"the database does not have the extension {_EXTENSION}")
        query = sql.SQL(_QUERIES).format(sql.Identifier(row[0]))
        rows = connection.execute(query, [_LONGEST, _MOST]).fetchall()
        query = sql.SQL(_HIDDEN).format(sql.Identifier(row[0]))
        hidden = connection.execute(query).fetchone()
    except DatabaseError as error:
        return _none(f"{_EXTENSION} cannot be read: {described(error)['message']}")
    return QueriesRecord(
        queries=tuple(RecordedQuery(queryid, text) for queryid, text in rows),
        hidden=hidden[0] if hidden else 0,
        reason=None,
    )


def _none(reason: str) -> QueriesRecord:
    return QueriesRecord(queries=(), hidden=0, reason=reason)
