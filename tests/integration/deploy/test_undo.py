"""A migration is taken back after approval, and nothing else moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.records.migration import Plan
from gonogo.contract.records.undo import Undo
from gonogo.host.compare import schema_catalog
from gonogo.host.migrate.undo import take_back
from gonogo.host.session import link
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from tests.integration.support.migrations import (
    PRISMA_TABLE,
    before,
    deployed,
    plan_of,
    prisma_rows,
)

Make = Callable[..., Database]

SECOND = PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"
SANDBOX = ("-i", "inventories/sandbox")
DEPLOY = (*SANDBOX, "validate_staging.yml", "-e", "deploy_enabled=true")
UNDO = (*SANDBOX, "playbooks/undo.yml")


def schema(database: Database) -> dict[str, str]:
    with connect(database.login(), name="gonogo:test:look") as connection:
        return schema_catalog.read(connection)


def plans(directory: Path, migration: str, undo: str) -> tuple[Plan, Plan]:
    """The plan of a deployment and that of its undo."""
    forth = plan_of(directory, prisma="forth", forth=migration)
    back = plan_of(directory, back=undo + "\nCREATE TABLE public.unused_name (id int);")
    (step,) = back.steps
    statements = [one for one in step.statements if "unused_name" not in one.text]
    return forth, replace(forth, steps=[replace(step, statements=statements)])


def taken(database: Database, plan: Plan, **more: Any) -> Undo:
    budgets = budgets_of({"lock": "200ms", "attempts": 2, "wait": "1ms"})
    given = {"schema_before": None, "approved_content": None, **more}
    with connect(database.login(), name="gonogo:test:undo") as connection:
        return take_back(connection, plan, budgets=budgets, **given)


TABLE = "CREATE TABLE public.gonogo_t (id int);"
COLUMN = "ALTER TABLE public.sites ADD COLUMN gonogo_note text;"


# --- what would be lost -------------------------------------------------------------------------


def test_a_rehearsal_changes_nothing_and_names_the_rows(database: Database, tmp_path: Path) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    with database.owner() as owner:
        owner.execute("INSERT INTO public.gonogo_t VALUES (1), (2)")
    there = schema(database)
    planned = taken(database, back)
    assert not planned.committed
    assert planned.lost == {"public.gonogo_t": 2}
    assert "table public.gonogo_t" in planned.changes
    assert schema(database) == there


def test_nothing_is_taken_back_beside_a_deployment_of_the_tool(
    database: Database, tmp_path: Path
) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    planned = taken(database, back)
    with database.owner() as prisma:
        prisma.execute("SELECT pg_advisory_lock(72707369)")
        for content in (None, planned.content):
            with pytest.raises(GonogoError, match="deployment of Prisma's is at work"):
                taken(database, back, approved_content=content)
    assert "table public.gonogo_t" in schema(database)
    assert taken(database, back, approved_content=planned.content).committed
    with database.owner() as prisma:
        free = prisma.execute("SELECT pg_try_advisory_lock(72707369)").fetchone()
    assert free == (True,)


def test_rows_that_came_since_the_plan_are_not_lost(database: Database, tmp_path: Path) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    planned = taken(database, back)
    with database.owner() as owner:
        owner.execute("INSERT INTO public.gonogo_t VALUES (1)")
    done = taken(database, back, approved_content=planned.content)
    assert not done.committed
    assert "table public.gonogo_t" in schema(database)
    approved = taken(database, back, approved_content=done.content)
    assert approved.committed
    assert "table public.gonogo_t" not in schema(database)


@pytest.mark.parametrize(
    ("migration", "undo", "writes", "later"),
    [
        (
            "CREATE TABLE public.gonogo_t (id int PRIMARY KEY, note text);",
            "DROP TABLE public.gonogo_t;",
            "INSERT INTO public.gonogo_t VALUES (1, 'a'), (2, 'b')",
            "UPDATE public.gonogo_t SET note = 'c' WHERE id = 1",
        ),
        (
            "CREATE TABLE public.gonogo_t (id int, note text);",
            "DROP TABLE public.gonogo_t;",
            "INSERT INTO public.gonogo_t VALUES (1, 'a'), (2, 'b')",
            "UPDATE public.gonogo_t SET note = CASE id WHEN 1 THEN 'b' ELSE 'a' END",
        ),
        (
            COLUMN,
            "ALTER TABLE public.sites DROP COLUMN gonogo_note;",
            "UPDATE public.sites SET gonogo_note = 'x'",
            "UPDATE public.sites SET gonogo_note = 'y' WHERE id = (SELECT min(id) FROM"
            " public.sites)",
        ),
        (
            COLUMN,
            "ALTER TABLE public.sites DROP COLUMN gonogo_note;",
            "UPDATE public.sites SET gonogo_note = 'x' WHERE id = (SELECT min(id) FROM"
            " public.sites)",
            "UPDATE public.sites SET gonogo_note = CASE id WHEN (SELECT max(id) FROM public.sites)"
            " THEN 'x' END",
        ),
    ],
    ids=["another value", "values exchanged", "another value of a column", "in another row"],
)
def test_an_approval_is_for_these_rows_and_not_for_as_many(
    database: Database, tmp_path: Path, migration: str, undo: str, writes: str, later: str
) -> None:
    forth, back = plans(tmp_path, migration, undo)
    deployed(database, forth)
    with database.owner() as owner:
        owner.execute(writes)
        planned = taken(database, back)
        owner.execute(later)
    there = schema(database)
    done = taken(database, back, approved_content=planned.content)
    assert done.lost == planned.lost
    assert not done.committed
    assert schema(database) == there
    assert done.holds != planned.holds
    assert taken(database, back, approved_content=done.content).committed


def test_an_approval_is_not_for_a_table_that_was_made_anew(
    database: Database, tmp_path: Path
) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    planned = taken(database, back)
    assert taken(database, back, approved_content=planned.content).committed
    deployed(database, forth)
    assert not taken(database, back, approved_content=planned.content).committed


def test_what_a_trigger_would_do_at_commit_is_seen_before(
    database: Database, tmp_path: Path
) -> None:
    undo = "UPDATE public.gonogo_s SET id = id; DROP TABLE public.gonogo_t;"
    forth, back = plans(tmp_path, TABLE, undo)
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.gonogo_s (id int)")
        owner.execute("INSERT INTO public.gonogo_s VALUES (1)")
        owner.execute("CREATE TABLE public.gonogo_o (id int)")
        owner.execute("INSERT INTO public.gonogo_o VALUES (1)")
        owner.execute(
            "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN DELETE FROM public.gonogo_o; RETURN NULL; END'"
        )
        owner.execute(
            "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON public.gonogo_s"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.elsewhere()"
        )
    deployed(database, forth)
    with pytest.raises(GonogoError, match="change rows that are not the migration's"):
        taken(database, back, approved_content=taken(database, back).content)
    assert database.rows()["gonogo_o"] == 1


def test_values_of_a_column_are_named(database: Database, tmp_path: Path) -> None:
    forth, back = plans(tmp_path, COLUMN, "ALTER TABLE public.sites DROP COLUMN gonogo_note;")
    there = schema(database)
    rows = database.rows()
    deployed(database, forth)
    with database.owner() as owner:
        owner.execute("UPDATE public.sites SET gonogo_note = 'x'")
    planned = taken(database, back, schema_before=there)
    assert planned.lost == {"public.sites.gonogo_note": rows["sites"]}
    assert planned.compared == ("public.sites",)
    assert planned.locked == ("public.sites",)
    assert taken(database, back, schema_before=there, approved_content=planned.content).committed
    assert schema(database) == there
    assert database.rows() == rows


def test_what_was_not_applied_is_not_taken_back(database: Database, tmp_path: Path) -> None:
    _, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    assert taken(database, back).state == "absent"


def test_prisma_is_told(database: Database, tmp_path: Path) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    with database.owner() as owner:
        owner.execute(PRISMA_TABLE)
        deployed(database, forth)
        planned = taken(database, back)
        assert prisma_rows(owner)[0]["rolled_back_at"] is None
        taken(database, back, approved_content=planned.content)
        assert prisma_rows(owner)[0]["rolled_back_at"] is not None
        # It counts as not applied, and can be applied again.
        assert deployed(database, forth).action == "applied"
        assert len(prisma_rows(owner)) == 2


# --- scripts that do something else -------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("SELECT 1;", "do not take everything back"),
        ("DROP TABLE public.gonogo_t;\nUPDATE public.sites SET id = id || 'x';", "change rows"),
        ("DROP TABLE public.gonogo_t;\nDELETE FROM public.sites;", "could not be taken back|rows"),
        ("DROP TABLE public.gonogo_t;\nDROP INDEX public.gonogo_i;", "leave the schema as it was"),
        ("DROP TABLE public.gonogo_t;\nSELECT nonsense;", "could not be taken back"),
    ],
)
def test_nothing_else_may_change(
    database: Database, tmp_path: Path, script: str, message: str
) -> None:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.gonogo_other (n int)")
        owner.execute("CREATE INDEX gonogo_i ON public.gonogo_other (n)")
    there = schema(database)
    forth, back = plans(tmp_path, TABLE, script)
    deployed(database, forth)
    applied, rows = schema(database), database.rows()
    with pytest.raises(GonogoError, match=message) as caught:
        taken(database, back, schema_before=there)
    assert "nothing has changed" in caught.value.primary
    assert schema(database) == applied
    assert database.rows() == rows


def test_a_table_that_somebody_uses_stops_it_and_is_let_go(
    database: Database, tmp_path: Path
) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    with database.owner() as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE public.gonogo_t IN ACCESS SHARE MODE")
        with pytest.raises(GonogoError, match="could not be taken back") as caught:
            taken(database, back)
    assert "55P03" in str(caught.value.detail)


def test_nothing_is_taken_back_for_a_controller_that_is_gone(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    there = schema(database)
    planned = taken(database, back)
    monkeypatch.setattr(link, "is_cut", lambda: True)
    with pytest.raises(GonogoError, match="the connection to the controller was lost"):
        taken(database, back, approved_content=planned.content)
    assert schema(database) == there


# --- the shipped runbooks -----------------------------------------------------------------------


def plan_token(outcome: Outcome) -> str:
    return str(json.loads((outcome.evidence / "undo_plan.json").read_text())["token"])


def approve(outcome: Outcome, **changes: str) -> list[str]:
    given = {
        "undo_run_id": outcome.evidence.name,
        "undo_token": plan_token(outcome),
        "undo_approved_by": "Dewi",
        **changes,
    }
    return [word for name, value in given.items() for word in ("-e", f"{name}={value}")]


def test_the_first_runbook_there_and_back(database: Database, controller: Controller) -> None:
    controller.aim(database)
    with before(database) as owner:
        there, rows = schema(database), database.rows()
        applied = controller.play(*DEPLOY, "-e", "gonogo_residue=rollback")
        assert json.loads((applied.evidence / "deploy.json").read_text())["action"] == "applied"
        with_it = schema(database)
        plan = controller.play(*UNDO)
        assert plan.status == 0, plan.output
        assert "No answer: nothing was changed." in plan.output
        assert "undo_approved_by=NAME" in plan.output
        assert schema(database) == with_it
        for wrong in (
            {"undo_token": "0123456789"},
            {"undo_approved_by": ""},
            {"undo_run_id": "20260131T120000Z-0a1b2c"},
        ):
            refused = controller.play(*UNDO, *approve(plan, **wrong))
            assert refused.status != 0, refused.output
        assert schema(database) == with_it
        done = controller.play(*UNDO, *approve(plan))
        assert done.status == 0, done.output
        assert "Everything else is as it was" in done.output
        (row,) = prisma_rows(owner)
    assert row["rolled_back_at"] is not None
    record = json.loads((plan.evidence / "undo.json").read_text())
    assert record["committed"]
    assert record["approved_by"] == "Dewi"
    assert schema(database) == there
    assert database.rows() == {**rows, "_prisma_migrations": 1}
    again = controller.play(*UNDO)
    assert "nothing to take back" in again.output


def test_the_second_runbook_there_and_back(make_database: Make, controller: Controller) -> None:
    database = make_database("as_deployed")
    controller.aim(database, profile="target")
    there, rows = schema(database), database.rows()
    second = ("-e", f"gonogo_runbook={SECOND}", "-e", "gonogo_residue=rollback")
    applied = controller.play(*DEPLOY, *second)
    assert applied.verdict["decision"] == "GO", applied.output
    plan = controller.play(*UNDO, *second)
    assert "No row would be lost." in plan.output
    done = controller.play(*UNDO, *second, *approve(plan))
    assert done.status == 0, done.output
    assert schema(database) == there
    assert database.rows() == rows


def test_rows_that_would_go_to_another_server_stop_it(database: Database, tmp_path: Path) -> None:
    """What is written through a foreign table nobody can compare; what alters one writes none."""
    with database.admin() as admin:
        admin.execute("CREATE EXTENSION postgres_fdw")
        admin.execute("CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw")
        admin.execute("CREATE FOREIGN TABLE public.gonogo_far (id int) SERVER there")
        admin.execute(f"ALTER FOREIGN TABLE public.gonogo_far OWNER TO {logins.OWNER}")
    forth, back = plans(tmp_path, TABLE, "DROP TABLE public.gonogo_t;")
    deployed(database, forth)
    alters = "ALTER FOREIGN TABLE public.gonogo_far ADD COLUMN note text"
    # It locks what it would write to; the other server is asked for nothing.
    writes = "EXPLAIN UPDATE public.gonogo_far SET id = 1"
    assert taken(database, _first(back, alters)).changes
    with pytest.raises(GonogoError, match=r"would change rows that are not") as caught:
        taken(database, _first(back, writes))
    assert caught.value.detail == "public.gonogo_far"


def _first(plan: Plan, text: str) -> Plan:
    """The same, with this statement before all others."""
    (step,) = plan.steps
    statement = replace(step.statements[0], text=text)
    return replace(plan, steps=[replace(step, statements=[statement, *step.statements])])
