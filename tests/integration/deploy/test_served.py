"""What pg_stat_statements says of an application's queries, and where it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.controller.runbook import queries
from gonogo.host.migrate.served import served
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database, login_of

NAME = "counted"


@pytest.fixture(scope="module")
def counting(
    tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None
) -> Iterator[Cluster]:
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    with Cluster.start(tmp_path_factory.mktemp("counting"), server_bin, settings) as started:
        with started.connect() as session:
            session.execute(f"CREATE DATABASE {NAME}")
        with started.connect(NAME) as session:
            session.execute("CREATE SCHEMA extensions")
            session.execute("CREATE EXTENSION pg_stat_statements SCHEMA extensions")
            session.execute("CREATE TABLE public.things (id int, name text)")
            session.execute("CREATE ROLE weak LOGIN")
            for _ in range(3):
                session.execute("SELECT name FROM things WHERE id = 7 /* by: 'me' */")
            session.execute("INSERT INTO things VALUES (1, 'a secret')")
            session.execute("ALTER TABLE things ADD COLUMN more text DEFAULT 'a secret'")
            session.execute("SELECT count(*) FROM pg_catalog.pg_class")
            session.execute("DO $$ BEGIN PERFORM count(name) FROM public.things; END $$")
        yield started


def test_the_application_s_queries_are_found_without_their_values(counting: Cluster) -> None:
    with connect(login_of(counting, NAME), name="test", read_only=True) as session:
        found = queries.cleaned(served(session))
    assert (found.reason, found.hidden) == (None, 0)
    texts = [one.text for one in found.queries]
    assert texts[0] == "SELECT name FROM things WHERE id = $1"
    assert "INSERT INTO things VALUES ($1, $2)" in texts
    assert not [text for text in texts if "secret" in text or "pg_class" in text]
    assert not [text for text in texts if text.startswith(("ALTER", "CREATE", "DO"))]
    assert {int(one.queryid) for one in found.queries}


def test_of_what_a_login_may_not_read_it_is_said_how_much(counting: Cluster) -> None:
    with counting.connect(NAME) as session:
        session.execute("SET ROLE weak")
        found = served(session)
    assert found.reason == (
        "pg_stat_statements cannot be read: permission denied for schema extensions"
    )
    with counting.connect(NAME) as session:
        session.execute("GRANT USAGE ON SCHEMA extensions TO weak")
        session.execute("SET ROLE weak")
        found = served(session)
    assert found.reason is None
    assert found.hidden > 0
    assert not queries.cleaned(found).queries


def test_a_database_without_the_extension(database: Database) -> None:
    with connect(database.login(), name="test", read_only=True) as session:
        found = served(session)
    assert found.queries == ()
    assert found.reason == "the database does not have the extension pg_stat_statements"


def test_an_extension_that_is_not_loaded(database: Database) -> None:
    with database.admin() as admin:
        admin.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        found = served(admin)
    assert found.queries == ()
    assert found.reason is not None
    assert "shared_preload_libraries" in found.reason
