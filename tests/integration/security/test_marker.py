"""Where a database says which environment it is, who may say so, and what carries it elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gonogo.host.session import identity
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Controller, Database, Outcome
from tests.records import declared

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")


@pytest.fixture
def blank(cluster: Cluster) -> Iterator[Database]:
    """A database of the owner's, with nothing in it and no marker."""
    name = "test_marker"
    with cluster.connect() as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {logins.OWNER}")
    yield Database(cluster, name, "target")
    content.drop(cluster, name)


def _mark(database: Database, *, setting: str | None = None, comment: str | None = None) -> None:
    if setting is not None:
        with database.admin() as connection:
            connection.execute(
                f"ALTER DATABASE {database.name} SET gonogo.environment = '{setting}'"
            )
    if comment is not None:
        with database.owner() as connection:
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(database.name), sql.Literal(comment)
                )
            )


def _seen(database: Database) -> tuple[Any, Any, Any]:
    """Environment, and what the setting and the comment say."""
    with connect(database.login(), name="test") as connection:
        observed = observe(connection)
    return observed.environment, observed.marker_setting, observed.marker_comment


@pytest.mark.parametrize(
    ("comment", "word"),
    [
        ("gonogo.environment=staging", "staging"),
        (
            "APMS, ask Dewi first\n\tgonogo.environment = staging \r\nno backups on Sunday",
            "staging",
        ),
        ("gonogo.environment=staging\ngonogo.environment=staging", "staging"),
        ("gonogo.environment=staging\ngonogo.environment=production", "production, staging"),
        ("gonogo.environment=staging (a copy of production)", "staging (a copy of production)"),
        ("gonogo.environment=", ""),
        ("not gonogo.environment=staging", None),
        ("gonogo_environment=staging", None),
        ("gonogo.environment", None),
        ("staging", None),
    ],
)
def test_a_line_of_the_comment(blank: Database, comment: str, word: str | None) -> None:
    _mark(blank, comment=comment)
    assert _seen(blank) == (word, None, word)


def test_an_equals_sign_in_the_setting_is_part_of_it(blank: Database) -> None:
    _mark(blank, setting="staging=production")
    assert _seen(blank) == ("staging=production", "staging=production", None)


def test_setting_and_comment_must_agree(blank: Database) -> None:
    _mark(blank, setting="staging", comment="gonogo.environment=staging")
    assert _seen(blank) == ("staging", "staging", "staging")
    _mark(blank, comment="gonogo.environment=production")
    assert _seen(blank) == ("staging", "staging", "production")
    with connect(blank.login(), name="test") as connection:
        observed = observe(connection)
    for environment in ("staging", "production"):
        known = declared(database=blank.name, environment=environment)
        (problem,) = identity.problems(known, observed)
        assert problem.primary == (
            f"the two markers of database '{blank.name}' contradict each other"
        )


def test_the_owner_can_write_the_comment_and_not_the_setting(blank: Database) -> None:
    with blank.owner() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"ALTER DATABASE {blank.name} SET gonogo.environment = 'staging'")
    _mark(blank, comment="gonogo.environment=staging")
    login = blank.cluster.connect(blank.name, logins.APPLICATION)
    with login as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"COMMENT ON DATABASE {blank.name} IS 'gonogo.environment=production'")
    assert _seen(blank) == ("staging", None, "staging")


def _client(database: Database, program: str, *arguments: str) -> None:
    keywords = database.cluster.conninfo("postgres")
    subprocess.run(
        [database.cluster.bin / program, *arguments],
        env={
            "PGHOST": keywords["host"],
            "PGPORT": keywords["port"],
            "PGUSER": keywords["user"],
            "PGPASSFILE": keywords["passfile"],
        },
        check=True,
    )


def test_both_markers_travel_alike(blank: Database, tmp_path: Path) -> None:
    """With neither a dump nor a copy, but with --create, which restores the name as well."""
    cluster, name = blank.cluster, blank.name
    _mark(blank, setting="staging", comment="gonogo.environment=staging")
    archive = str(tmp_path / "archive")
    _client(blank, "pg_dump", "--format=custom", f"--file={archive}", name)
    other, copy = (Database(cluster, f"{name}_{word}", "target") for word in ("other", "copy"))
    try:
        with cluster.connect() as admin:
            admin.execute(f"CREATE DATABASE {other.name} OWNER {logins.OWNER}")
            admin.execute(f"CREATE DATABASE {copy.name} TEMPLATE {name}")
        _client(blank, "pg_restore", f"--dbname={other.name}", archive)
        assert _seen(other) == (None, None, None)
        assert _seen(copy) == (None, None, None)
        content.drop(cluster, name)
        _client(blank, "pg_restore", "--create", "--dbname=postgres", archive)
        assert _seen(blank) == ("staging", "staging", "staging")
    finally:
        content.drop(cluster, other.name)
        content.drop(cluster, copy.name)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("gonogo.environment=production", "is production, not sandbox"),
        ("a copy of production", "does not say which environment it is"),
    ],
)
def test_comment_of_another_environment_is_refused(
    database: Database, controller: Controller, comment: str, message: str
) -> None:
    before = database.rows()
    with database.admin() as connection:
        connection.execute(f'ALTER DATABASE "{database.name}" RESET gonogo.environment')
    with database.owner() as connection:
        connection.execute(f"COMMENT ON DATABASE \"{database.name}\" IS '{comment}'")
    controller.aim(database)
    outcome: Outcome = controller.play(*SANDBOX)
    assert message in outcome.output
    assert "Traceback" not in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    assert database.rows() == before
