"""A time on a copy depends on its neighbours: alone it proves nothing bad."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.login import Timeouts
from gonogo.contract.records.rehearsal import Trial
from gonogo.controller.declared.runbook import SqlFile
from gonogo.controller.runbook import migration
from gonogo.host.migrate import alone, rehearse
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database
from tests.integration.support.migrations import plan_of

ADD = "ALTER TABLE public.sites ADD COLUMN gonogo_note text;"
UNDO = "ALTER TABLE public.sites DROP COLUMN gonogo_note;"
# What a sequence has given is not taken back: the first time is not as the others.
ONCE = "CREATE SEQUENCE public.gonogo_once"
SLOW_ONCE = """
DO $$ BEGIN
    IF nextval('public.gonogo_once') = 1 THEN PERFORM pg_catalog.pg_sleep(3); END IF;
END $$;
"""
SLOW = "SELECT pg_catalog.pg_sleep(0.5);"


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about how long a host is waited for."""
    monkeypatch.setattr(alone, "_WAIT_SECONDS", 0.0)


def tried(
    database: Database, directory: Path, *, undo: str | None = UNDO, hold: str = "1s", **files: str
) -> Trial:
    """What a rehearsal on this database comes to."""
    plan = plan_of(directory, **files)
    way_back = None
    if undo is not None:
        (directory / "undo.sql").write_text(undo)
        way_back = dataclasses.replace(
            plan, steps=migration.steps(directory, [SqlFile("undo.sql")])
        )
    login, unlimited = database.login(), Timeouts(statement="0", idle_in_transaction="0")

    def opened(*, patient: bool = False) -> Any:
        return connect(login, name="a test", timeouts=unlimited if patient else Timeouts())

    return rehearse.apply_revert_reapply(
        rehearse.Request(
            opened,
            plan,
            way_back,
            budgets=budgets_of({"hold": hold, "statement": "20s"}),
            confirm=lambda: None,
        )
    )


def test_what_is_slow_once_is_a_finding_with_its_numbers(
    database: Database, tmp_path: Path
) -> None:
    with database.owner() as owner:
        owner.execute(ONCE)
    record = tried(database, tmp_path, hold="2s", add=ADD, slow=SLOW_ONCE)
    assert record.problem is None
    (slow,) = [one for one in record.slow if one.file == "slow.sql"]
    assert (slow.file, slow.budget, slow.allowed) == ("slow.sql", "hold", 2.0)
    first, again = slow.seconds
    assert first > 2.0 > again
    assert slow.severity is None
    # Nothing was left out for it.
    assert record.again


@pytest.mark.parametrize("free", [True, False])
def test_what_stays_slow_is_unknown_and_not_bad(
    free: bool, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "_a_processor_is_free", lambda _until: free)
    monkeypatch.setattr(alone, "_nobody_waited", lambda *_: True)
    monkeypatch.setattr(alone, "_was_free", lambda *_: True)
    record = tried(database, tmp_path, hold="200ms", add=ADD, slow=SLOW)
    assert record.problem is None
    # On a busy host the other statement may have been slow, too.
    (slow,) = [one for one in record.slow if one.file == "slow.sql"]
    assert slow.severity == "hold"
    assert min(slow.seconds) > 0.2
    assert record.alone is free


@pytest.mark.attack
def test_what_locks_nobody_out_may_take_its_time(database: Database, tmp_path: Path) -> None:
    record = tried(database, tmp_path, hold="200ms", slow=SLOW, add=ADD)
    assert (record.problem, record.slow) == (None, ())


def test_a_large_table_that_is_rewritten_is_named(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(
            "CREATE TABLE public.gonogo_big AS SELECT n, n AS m FROM generate_series(1, 20000) n"
        )
    record = tried(
        database,
        tmp_path,
        hold="1ms",
        undo=f"{UNDO} ALTER TABLE public.gonogo_big ALTER COLUMN n TYPE integer;",
        add=ADD,
        rewriting="ALTER TABLE public.gonogo_big ALTER COLUMN n TYPE bigint;",
    )
    # On a busy host the other statement may have been slow, too.
    (slow,) = [one for one in record.slow if one.file == "rewriting.sql"]
    assert slow.rewritten == ("public.gonogo_big",)
    assert slow.rewritten_bytes > 500_000
    assert slow.severity == "no_go"


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        ("57014", "hold"),
        pytest.param("53100", "hold", marks=pytest.mark.attack),
        pytest.param("53200", "hold", marks=pytest.mark.attack),
        pytest.param("57P01", "hold", marks=pytest.mark.attack),
        pytest.param("58030", "hold", marks=pytest.mark.attack),
        pytest.param("55P03", "hold", marks=pytest.mark.attack),
        ("23514", "no_go"),
        pytest.param("54001", "no_go", marks=pytest.mark.attack),
    ],
)
@pytest.mark.parametrize("where", ["apply", pytest.param("undo", marks=pytest.mark.attack)])
def test_what_the_host_has_too_little_of_is_nothing_bad(
    database: Database, tmp_path: Path, where: str, state: str, severity: str
) -> None:
    fault = f"DO $$ BEGIN RAISE 'so it is' USING ERRCODE = '{state}'; END $$;"
    apply, undo = (fault, UNDO) if where == "apply" else ("SELECT 1;", f"{UNDO} {fault}")
    record = tried(database, tmp_path, undo=undo, add=ADD, more=apply)
    assert record.problem
    assert (record.problem.step, record.problem.severity) == (where, severity)


@pytest.mark.attack
def test_the_same_of_a_way_back_with_rows(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with database.owner() as owner:
        owner.execute(ADD.encode())
    (tmp_path / "undo.sql").write_text(SLOW + UNDO)
    undo = dataclasses.replace(plan, steps=migration.steps(tmp_path, [SqlFile("undo.sql")]))
    login = database.login()
    budgets = dataclasses.replace(budgets_of({}), statement=0.4)
    found = rehearse.try_revert(
        rehearse.Request(
            lambda **_: connect(login, name="a test"),
            plan,
            undo,
            budgets=budgets,
            confirm=lambda: None,
        )
    )
    assert found.problem is None


def test_of_two_that_measure_one_waits() -> None:
    with alone.alone(), alone.alone() as second:
        assert not second.is_so
