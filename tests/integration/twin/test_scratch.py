"""A database beside the source is dropped only where it is proven to be ours."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from gonogo.host.compare.source import surroundings
from gonogo.host.restore.errors import UnprovenError
from gonogo.host.session.connection import connect
from gonogo.host.twin import scratch
from sandbox import logins
from tests.integration.support.harness import Database

RUN_ID = "20260131T120000Z-0a1b2c"
NAME = f"gonogo_twin_{RUN_ID}"


@pytest.fixture
def session(database: Database) -> Iterator[psycopg.Connection]:
    """Of a role that may create databases, as no run is at work any more."""
    with database.cluster.connect("postgres") as admin:
        admin.execute(f"ALTER ROLE {logins.OWNER} CREATEDB")
        with connect(database.login(), name="test") as connection:
            yield connection
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(NAME)))
        admin.execute(f"ALTER ROLE {logins.OWNER} NOCREATEDB")


def _is_there(session: psycopg.Connection) -> bool:
    found = session.execute("SELECT FROM pg_database WHERE datname = %s", (NAME,))
    return found.fetchone() is not None


def test_what_a_run_has_made_goes(session: psycopg.Connection) -> None:
    scratch.make(session, RUN_ID, surroundings(session))
    assert scratch.drop(session, RUN_ID)
    assert not scratch.drop(session, RUN_ID)
    scratch.make(session, RUN_ID, surroundings(session))
    assert scratch.sweep(session) == [NAME]
    assert not _is_there(session)


@pytest.mark.parametrize("comment", [None, "ours", f"gonogo: twin of run {RUN_ID}"])
def test_what_somebody_else_has_made_under_the_name_stays(
    session: psycopg.Connection, comment: str | None
) -> None:
    session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    session.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(NAME), sql.Literal(comment))
    )
    assert scratch.sweep(session) == []
    assert not scratch.drop(session, RUN_ID)
    with pytest.raises(UnprovenError):
        scratch.make(session, RUN_ID, surroundings(session))
    assert _is_there(session)


def test_a_comment_fits_no_other_database(session: psycopg.Connection) -> None:
    scratch.make(session, RUN_ID, surroundings(session))
    row = session.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (NAME,)
    ).fetchone()
    assert row
    session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(NAME)))
    session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    session.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(NAME), sql.Literal(row[0]))
    )
    assert scratch.sweep(session) == []
    assert not scratch.drop(session, RUN_ID)
    assert _is_there(session)
