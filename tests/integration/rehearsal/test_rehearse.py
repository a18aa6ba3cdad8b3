"""A migration and its way back, tried on a database that nobody minds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.login import Timeouts
from gonogo.contract.records.migration import Plan
from gonogo.contract.records.rehearsal import Problem, TriedRevert
from gonogo.host.compare import schema_catalog
from gonogo.host.migrate import rehearse
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database
from tests.integration.support.migrations import PRISMA_TABLE, plan_of, prisma_rows

TABLE = "CREATE TABLE public.tried (id int PRIMARY KEY, note text);"
INDEX = "CREATE INDEX CONCURRENTLY tried_note ON public.tried (note);"


def tried(
    part: Callable[[rehearse.Request], Any],
    database: Database,
    plan: Plan | None,
    undo: Plan | None,
    *,
    resume: bool = False,
) -> Any:
    login = database.login()

    def session(*, patient: bool = False) -> Any:
        timeouts = Timeouts(statement="0") if patient else Timeouts()
        return connect(login, name="gonogo:test:rehearsal", timeouts=timeouts)

    budgets = budgets_of({"lock": "200ms", "attempts": 2, "wait": "1ms"})
    return part(
        rehearse.Request(session, plan, undo, budgets=budgets, confirm=lambda: None, resume=resume)
    )


def undo_of(directory: Path, plan: Plan, text: str) -> Plan:
    """An undo of a plan: its steps, and by what the migration is known."""
    folder = directory / "undo"
    folder.mkdir()
    return replace(plan, steps=plan_of(folder, back=text).steps)


def schema_of(database: Database) -> dict[str, str]:
    with connect(database.login(), name="a test") as connection:
        return schema_catalog.read(connection)


def test_there_and_back_and_there_again(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, make=TABLE, index=("none", INDEX))
    undo = undo_of(tmp_path, plan, "DROP TABLE public.tried;")
    found = tried(rehearse.apply_revert_reapply, database, plan, undo)
    assert found.problem is None
    assert found.state == "absent"
    assert len(found.deployment.statements) == 2
    assert found.undone.seconds > 0
    assert found.again.seconds > 0
    assert found.schema == schema_of(database)
    with database.owner() as owner:
        owner.execute("INSERT INTO public.tried VALUES (1, 'a'), (2, 'b')")
    back = tried(rehearse.try_revert, database, plan, undo)
    assert back.problem is None
    assert back.undone.lost == {"public.tried": 2}
    assert found.schema == schema_of(database)


def test_without_an_undo_it_is_only_applied(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, make=TABLE)
    found = tried(rehearse.apply_revert_reapply, database, plan, None)
    assert (found.problem, found.undone, found.again) == (None, None, None)
    assert tried(rehearse.try_revert, database, plan, None) == TriedRevert()


def test_what_is_there_is_left_alone(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, make=TABLE)
    with database.owner() as owner:
        owner.execute(TABLE)
    found = tried(rehearse.apply_revert_reapply, database, plan, None)
    assert (found.state, found.deployment) == ("applied", None)
    assert tried(rehearse.inspect, database, plan, None).state == "applied"
    assert tried(rehearse.inspect, database, None, None).state is None


def test_what_is_not_finished_is_finished_where_that_is_wanted(
    database: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, make=TABLE, index=("none", INDEX))
    undo = undo_of(tmp_path, plan, "DROP TABLE public.tried;")
    with database.owner() as owner:
        owner.execute(TABLE)
    refused = tried(rehearse.apply_revert_reapply, database, plan, undo)
    assert (refused.state, refused.problem) == (
        "unfinished",
        Problem("apply", "no_go"),
    )
    assert refused.deployment.action == "refused"
    found = tried(rehearse.apply_revert_reapply, database, plan, undo, resume=True)
    assert found.problem is None
    assert found.deployment.action == "applied"
    # A part of it was there before, so there is nothing to compare with.
    assert found.undone is None


def test_an_undo_may_be_printed_in_another_way_than_what_was_restored(
    database: Database, tmp_path: Path
) -> None:
    """The twin has read its definitions from what the server printed; the undo is a person's."""
    add = "ALTER TABLE public.kept ADD CONSTRAINT few CHECK"
    restored = f"{add} (n >= 1 AND n <= 9 AND m > 0);"
    plan = plan_of(tmp_path, make=f"{TABLE} ALTER TABLE public.kept DROP CONSTRAINT few;")
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.kept (n integer, m integer)")
        owner.execute(restored.encode())
    for last, problem in ((9, None), (8, "constraint public.kept.few")):
        directory = tmp_path / str(last)
        directory.mkdir()
        back = f"DROP TABLE public.tried; {add} (n BETWEEN 1 AND {last} AND m > 0);"
        found = tried(rehearse.apply_revert_reapply, database, plan, undo_of(directory, plan, back))
        told = found.problem and found.problem.detail.removeprefix("not as before the deployment: ")
        assert told == problem, found.problem
        with database.owner() as owner:
            owner.execute(f"DROP TABLE public.tried; {restored}".encode())


@pytest.mark.parametrize(
    ("undo", "message", "detail"),
    [
        (
            "ALTER TABLE public.tried RENAME TO kept;",
            "do not leave the schema",
            "table public.kept",
        ),
        (
            "DROP TABLE public.tried; DELETE FROM public.punchlist_items;",
            "would change rows that are not the migration's",
            "public.punchlist_items",
        ),
        ("DROP TABLE public.nothing;", "could not be taken back", "42P01"),
    ],
)
def test_an_undo_that_is_none(
    database: Database, tmp_path: Path, undo: str, message: str, detail: str
) -> None:
    plan = plan_of(tmp_path, make=TABLE)
    found = tried(rehearse.apply_revert_reapply, database, plan, undo_of(tmp_path, plan, undo))
    assert found.problem.step == "undo"
    assert message in found.problem.message
    assert detail in found.problem.detail


def test_rows_that_the_migration_changes_are_named(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, make=f"{TABLE} UPDATE public.vendor_master SET contact_email = 'x';")
    undo = undo_of(tmp_path, plan, "DROP TABLE public.tried;")
    found = tried(rehearse.apply_revert_reapply, database, plan, undo)
    assert list(found.rows_changed) == ["public.vendor_master"]
    assert found.problem.message == "the undo scripts do not leave the rows as they were"
    assert found.problem.detail == "public.vendor_master: other values in its 60 rows"


def test_prisma_s_record_is_no_row_of_the_application(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(PRISMA_TABLE)
        plan = plan_of(tmp_path, prisma="make", make=TABLE)
        undo = undo_of(tmp_path, plan, "DROP TABLE public.tried;")
        found = tried(rehearse.apply_revert_reapply, database, plan, undo)
        assert found.problem is None
        assert not found.rows_changed
        # Applied, rolled back, applied again.
        assert [bool(row["rolled_back_at"]) for row in prisma_rows(owner)] == [True, False]
