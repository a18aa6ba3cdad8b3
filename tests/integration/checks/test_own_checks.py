"""A person's own checks: each kind passes and fails, and changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.checks.test_derived import DERIVED, SHOP
from tests.integration.support import scripts
from tests.integration.support.harness import Database

EXAMINED = "-- examined: SELECT count(*) FROM purchase\n"


@pytest.fixture
def shop(database: Database) -> Iterator[Database]:
    user = database.login().user
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {user} SET search_path = shop, public")
    with database.owner() as owner:
        owner.execute(SHOP)
    yield database
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {user} RESET search_path")


def asked(
    shop: Database,
    directory: Path,
    phase: str,
    run: scripts.Run = scripts.by_module,
    **files: str,
) -> dict[str, dict[str, Any]]:
    folder = directory / "checks"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    suite = dataclasses.replace(DERIVED, own_checks=folder)
    answers = run(shop, suite.scripts([phase], {}), directory)
    assert not answers.errors
    return answers.checks


@pytest.mark.parametrize("run", [scripts.by_module, scripts.by_psql])
def test_every_kind_passes_and_fails(shop: Database, tmp_path: Path, run: scripts.Run) -> None:
    found = asked(
        shop,
        tmp_path,
        "09_own",
        run,
        no_rows=f"-- check: none is free\n{EXAMINED}SELECT id FROM purchase WHERE amount < 1;",
        no_rows_fails=f"-- check: none is large\n{EXAMINED}-- key: id\n"
        "SELECT id, 'a secret' FROM purchase WHERE amount > 48 ORDER BY id -- the last",
        rows="-- check: one is large\n-- expect: rows\nSELECT FROM purchase WHERE amount > 48;",
        rows_fails="-- check: one is free\n-- expect: rows\nTABLE purchase LIMIT 0;",
        value=f"-- check: all are there\n{EXAMINED}-- expect: value 50\n"
        "WITH a AS (SELECT 1 FROM purchase) SELECT count(*) FROM a;",
        value_fails=f"-- check: all are there\n{EXAMINED}-- expect: value 51\n"
        "SELECT count(*) FROM purchase;",
        value_hidden=f"-- check: its name\n{EXAMINED}-- expect: value me\n"
        "SELECT name FROM customer WHERE id = 1;",
        value_of_many=f"-- check: its name\n{EXAMINED}-- expect: value me\n"
        "SELECT name FROM customer;",
    )
    statuses = {name.removeprefix("D11."): one["status"] for name, one in found.items()}
    assert statuses == {
        **dict.fromkeys(("no_rows", "rows", "value"), "pass"),
        "no_rows_fails": "fail",
        "rows_fails": "fail",
        "value_fails": "fail",
        "value_hidden": "fail",
        "value_of_many": "fail",
    }, found
    assert found["D11.no_rows"]["examined"] == 50
    assert found["D11.no_rows_fails"]["samples"] == ["49", "50"]
    assert found["D11.no_rows_fails"]["observed"] == "2 rows"
    assert found["D11.value_fails"]["observed"] == "the value 50"
    assert found["D11.value_hidden"]["observed"] == "another value, which is not shown"
    assert found["D11.value_of_many"]["observed"] == "20 rows"
    assert "secret" not in str(found)


def test_what_has_looked_at_nothing_proves_nothing(shop: Database, tmp_path: Path) -> None:
    empty = "SELECT id FROM empty_one WHERE label = 'x';"
    found = asked(
        shop,
        tmp_path,
        "00_own",
        nothing="-- check: a\n-- when: both\n-- examined: SELECT count(*) FROM empty_one\n" + empty,
        fine="-- check: a\n-- when: before\n-- empty: ok\n" + empty,
    )
    assert {name: one["status"] for name, one in found.items()} == {
        "D11.nothing.before": "inconclusive",
        "D11.fine.before": "pass",
    }


def test_a_query_that_fails_proves_nothing(shop: Database, tmp_path: Path) -> None:
    found = asked(
        shop,
        tmp_path,
        "09_own",
        no_table=f"-- check: a\n{EXAMINED}SELECT FROM nowhere;",
        no_key=f"-- check: a\n{EXAMINED}-- key: nokey\nSELECT id FROM purchase;",
        no_number="-- check: a\n-- examined: SELECT name FROM customer LIMIT 1\nSELECT 1 LIMIT 0;",
        unbalanced=f"-- check: a\n{EXAMINED}SELECT 1) AS a, (SELECT 2",
    )
    assert {one["status"] for one in found.values()} == {"inconclusive"}, found
    assert found["D11.no_table"]["observed"].startswith("the query fails: 42P01")
    assert "customer 1" not in str(found)


def test_nothing_can_be_written(shop: Database, tmp_path: Path) -> None:
    with shop.owner() as owner:
        owner.execute(
            "CREATE FUNCTION shop.writes() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN"
            " DELETE FROM shop.purchase; RETURN 1; END $$;"
            "CREATE FUNCTION shop.opens() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM set_config('transaction_read_only', 'off', false);"
            " DELETE FROM shop.purchase; RETURN 1; END $$"
        )
    found = asked(
        shop,
        tmp_path,
        "09_own",
        writes=f"-- check: a\n{EXAMINED}SELECT writes();",
        opens=f"-- check: a\n{EXAMINED}SELECT opens();",
        locks=f"-- check: a\n{EXAMINED}SELECT id FROM purchase FOR UPDATE;",
        after=f"-- check: a\n{EXAMINED}SELECT FROM purchase WHERE amount < 1;",
    )
    assert found["D11.after"]["status"] == "pass"
    assert found["D11.after"]["examined"] == 50
    for name in ("writes", "opens", "locks"):
        assert found[f"D11.{name}"]["status"] == "inconclusive", found
    with shop.owner() as owner:
        assert owner.execute("SELECT count(*) FROM shop.purchase").fetchone() == (50,)
