"""The application's queries against the schema with the migration: each check passes, and fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.controller.runbook import queries
from tests.integration.checks.test_derived import DERIVED, SHOP
from tests.integration.support import scripts
from tests.integration.support.harness import Database

BEFORE, AFTER = ["00_queries"], ["04_queries"]

QUERIES = """
-- Names without a schema, as the application has them.
SELECT id, name FROM customer WHERE status = $1;
INSERT INTO purchase (customer, amount) VALUES (:customer, :amount) RETURNING id;
UPDATE purchase SET place = ? WHERE id = ? AND amount > 0;
WITH gone AS (DELETE FROM purchase WHERE customer = %s RETURNING amount)
    SELECT sum(amount) FROM gone;
SELECT name FROM customer WHERE name LIKE 'secret%' AND id = %(id)s;
"""


@pytest.fixture
def shop(database: Database) -> Iterator[tuple[Database, psycopg.Connection]]:
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {database.login().user} SET search_path = shop, public")
    with database.owner() as owner:
        owner.execute(SHOP)
        owner.execute("RESET search_path")
        yield database, owner
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {database.login().user} RESET search_path")


def suite(directory: Path, text: str, source: str = queries.NAMED) -> scripts.Suite:
    file = directory / "queries.sql"
    file.write_text(text)
    found = [dataclasses.replace(one, source=source) for one in queries.read(file).queries]
    return dataclasses.replace(DERIVED, queries=tuple(found))


def judged(
    shop: tuple[Database, psycopg.Connection],
    asked: scripts.Suite,
    migration: str,
    directory: Path,
    run: scripts.Run = scripts.by_module,
) -> dict[str, dict[str, Any]]:
    database, owner = shop
    before = run(database, asked.scripts(BEFORE, {}), directory)
    assert not before.errors
    owner.execute(migration)
    answers = run(database, asked.scripts(AFTER, before.facts), directory)
    assert not answers.errors
    return {**before.checks, **answers.checks}


@pytest.mark.parametrize("run", [scripts.by_module, scripts.by_psql])
def test_queries_that_are_still_understood(
    shop: tuple[Database, psycopg.Connection], tmp_path: Path, run: scripts.Run
) -> None:
    found = judged(
        shop,
        suite(tmp_path, QUERIES),
        "ALTER TABLE shop.customer ADD COLUMN email text;"
        "ALTER TABLE shop.customer ALTER COLUMN status TYPE varchar(40)",
        tmp_path,
        run,
    )
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(
        ("D6.0", "D6.3", "D6.4", "D6.6"), "pass"
    ), found
    assert found["D6.3"]["examined"] == 5
    assert found["D6.4"]["examined"] == 5
    # Nothing was executed.
    assert shop[1].execute("SELECT count(*) FROM shop.purchase").fetchone() == (50,)


@pytest.mark.parametrize(("source", "check"), [("named", "D6.3"), ("served", "D6.6")])
def test_a_query_that_is_not_understood_any_more(
    shop: tuple[Database, psycopg.Connection], tmp_path: Path, source: str, check: str
) -> None:
    asked = suite(tmp_path, QUERIES + "SELECT 1 FROM nowhere;", source)
    migration = "ALTER TABLE shop.customer RENAME COLUMN name TO title"
    found = judged(shop, asked, migration, tmp_path)
    assert {name for name, one in found.items() if one["status"] != "pass"} == {"D6.0", check}
    assert found[check]["status"] == "fail"
    assert found[check]["examined"] == 5
    assert found[check]["samples"] == ["queries.sql:3", "queries.sql:8"]
    assert '42703 column "name" does not exist' in found[check]["observed"]
    assert "1 were not understood before and do not count" in found[check]["observed"]
    assert "secret" not in str(found)


def test_where_nothing_was_understood_before_nothing_is_proven(
    shop: tuple[Database, psycopg.Connection], tmp_path: Path
) -> None:
    found = judged(shop, suite(tmp_path, "SELECT a FROM nowhere"), "SELECT 1", tmp_path)
    assert found["D6.3"]["status"] == "inconclusive"
    assert found["D6.0"]["status"] == "fail"


def test_a_plan_that_is_worse(shop: tuple[Database, psycopg.Connection], tmp_path: Path) -> None:
    _, owner = shop
    owner.execute(
        "CREATE TABLE shop.line (id bigint PRIMARY KEY, purchase integer NOT NULL);"
        "INSERT INTO shop.line SELECT n, n % 5000 FROM generate_series(1, 20000) AS n;"
        "CREATE INDEX line_purchase ON shop.line (purchase)"
    )
    asked = suite(tmp_path, "SELECT id FROM line WHERE purchase = $1; SELECT count(*) FROM line;")
    found = judged(shop, asked, "DROP INDEX shop.line_purchase", tmp_path)
    assert found["D6.3"]["status"] == "pass"
    assert found["D6.4"]["status"] == "fail", found["D6.4"]
    assert found["D6.4"]["samples"] == ["queries.sql:1"]
    assert "reads all of shop.line" in found["D6.4"]["observed"]


def test_code_that_a_plan_calls_leaves_nothing(
    shop: tuple[Database, psycopg.Connection], tmp_path: Path
) -> None:
    """What is immutable is called while a query is planned."""
    _, owner = shop
    owner.execute(
        "CREATE FUNCTION shop.writes() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
        " EXECUTE 'DELETE FROM shop.purchase';"
        " PERFORM set_config('search_path', 'shop', false); RETURN 1; END $$"
    )
    asked = suite(tmp_path, "SELECT writes(), id FROM customer;")
    found = judged(shop, asked, "SELECT 1", tmp_path)
    assert found["D6.3"]["status"] == "pass", found
    assert owner.execute("SELECT count(*) FROM shop.purchase").fetchone() == (50,)
