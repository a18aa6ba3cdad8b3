"""Functions in PL/pgSQL against the schema with the migration, where plpgsql_check is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.login import Login
from sandbox import database as content
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from tests import apt
from tests.integration.checks.test_derived import DERIVED, SHOP
from tests.integration.support import scripts
from tests.integration.support.harness import Database, login_of
from tools.matrix import servers
from tools.matrix.cache import Cache

# What Debian's package is made for.
PACKAGED = 15
EXTENSION = "plpgsql_check"

FUNCTIONS = """
CREATE FUNCTION shop.paid() RETURNS numeric LANGUAGE plpgsql AS
    'DECLARE n numeric; BEGIN SELECT sum(amount) INTO n FROM purchase; RETURN n; END';
CREATE FUNCTION shop.broken() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM * FROM nowhere; END';
CREATE FUNCTION shop.notes() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.place := NEW.amount::text; RETURN NEW; END';
CREATE TRIGGER notes BEFORE INSERT ON shop.purchase FOR EACH ROW EXECUTE FUNCTION shop.notes();
CREATE FUNCTION shop.unused() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
"""


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Debian's server, with its package of the extension."""
    programs = servers.find(PACKAGED, Cache())
    library = Path("/usr/lib/postgresql", str(PACKAGED), "lib", f"{EXTENSION}.so")
    why = apt.provide(EXTENSION, (f"postgresql-{PACKAGED}-plpgsql-check",), library.is_file)
    if why or programs is None:
        pytest.skip(why or f"there are no packages of PostgreSQL {PACKAGED}")
    try:
        cluster = Cluster.start(tmp_path_factory.mktemp("packaged"), programs)
    except SandboxError as error:
        pytest.skip(str(error))
    with cluster:
        content.create(
            cluster, database="checked", profile="target", scale=1, environment="sandbox"
        )
        yield cluster


def prepared(database: Database) -> None:
    with database.admin() as admin:
        admin.execute(
            f"ALTER ROLE {database.login().user} IN DATABASE {database.name}"
            " SET search_path = shop, public"
        )
    with database.owner() as owner:
        owner.execute(SHOP)
        owner.execute(FUNCTIONS)


class Superuser(Database):
    """Logs in as one, who may make the extension."""

    def login(self) -> Login:
        return login_of(self.cluster, self.name)


def judged(database: Database, migration: str, directory: Path) -> dict[str, dict[str, Any]]:
    before = scripts.by_module(database, DERIVED.scripts(["00_plpgsql"], {}), directory)
    assert not before.errors
    with database.owner() as owner:
        owner.execute(migration)
    after = scripts.by_module(database, DERIVED.scripts(["04_plpgsql"], before.facts), directory)
    assert not after.errors
    return {**before.checks, **after.checks}


def test_where_the_extension_is_not_there_it_is_said(database: Database, tmp_path: Path) -> None:
    prepared(database)
    found = judged(database, "SELECT 1", tmp_path)
    assert {one["status"] for one in found.values()} == {"pass"}
    assert found["D6.5"]["examined"] == 0
    assert found["D6.5"]["observed"] == "the server does not have the extension plpgsql_check"


def test_an_error_that_is_new(packaged: Cluster, tmp_path: Path) -> None:
    database = Database(packaged, "checked", "target")
    prepared(database)
    found = judged(database, "SELECT 1", tmp_path)
    assert (
        found["D6.5"]["observed"]
        == 'plpgsql_check cannot be used: 42501 permission denied to create extension "..."'
    )
    found = judged(Superuser(packaged, "checked", "target"), "SELECT 1", tmp_path)
    assert found["D6.5"]["examined"] >= 4, found
    with database.admin() as admin:
        # It was there for the moment only.
        left = admin.execute("SELECT count(*) FROM pg_extension WHERE extname = %s", [EXTENSION])
        assert left.fetchone() == (0,)
        admin.execute(f"CREATE EXTENSION {EXTENSION} SCHEMA public")
    found = judged(database, "ALTER TABLE shop.purchase ADD more text", tmp_path)
    assert found["D6.5"]["status"] == "pass", found
    assert found["D6.5"]["examined"] >= 4
    assert found["D6.7"]["status"] == "fail"
    assert "shop.broken()" in found["D6.7"]["samples"]
    found = judged(database, "ALTER TABLE shop.purchase RENAME amount TO price", tmp_path)
    assert found["D6.5"]["status"] == "fail", found
    assert found["D6.5"]["samples"] == ["shop.notes() on shop.purchase", "shop.paid()"]
    assert '42703 column "amount" does not exist' in found["D6.5"]["observed"]
