"""What a run has seen of a folder of migrations, as its checks get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import InputError
from gonogo.contract.records.answers import HistoryAnswer
from gonogo.contract.records.deployment import Deployment, HistoryEntry
from gonogo.contract.records.rehearsal import (
    Problem,
    Reapplied,
    Rehearsal,
    Reverted,
    SlowStatement,
)
from gonogo.contract.records.trace import StatementTrace
from gonogo.contract.records.twin import TwinRecord, TwinSeconds
from gonogo.controller import runbook
from gonogo.controller.runbook import plans, seen, source
from gonogo.controller.runbook.book import Runbook
from gonogo.controller.runbook.derived import DERIVED, DERIVED_PROFILE, about
from tests.folders import NAMES, migrations
from tools.project import PROJECT

BUDGETS = budgets_of({})
SHIPPED = "20260115093000_add_master_table_foreign_keys"
DONE = Reverted(seconds=0.5, locked=(), locked_seconds=0.1, lost={}, compared=())
TWIN = TwinRecord(
    run_id="x",
    proven=True,
    reason=None,
    hint=None,
    method="cluster",
    proof=None,
    seconds=TwinSeconds(start=1.0, restore=2.5, compare=0.5),
    confinement=None,
    required=False,
    backup_sha256="0",
    kept=None,
)
NOTHING = Rehearsal(
    run_id="x",
    promoted=False,
    done=True,
    required=False,
    reason=None,
    hint=None,
    backup_sha256="0",
    state="absent",
)


def book(tool: str, folder: Path, *, irreversible: Sequence[str] = (), last: int = 2) -> Runbook:
    found = source.read(
        migrations(tool, folder), tool=tool, schema="public", irreversible=irreversible
    )
    loaded = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
    return about(loaded, found, [one.name for one in found.migrations[-last:]])


def deployed(*statements: StatementTrace, action: str = "applied") -> Deployment:
    return Deployment(
        action=action,
        before=None,
        after=None,
        changed=(),
        schema_before=None,
        schema_after=None,
        error=None,
        statements=statements,
    )


def trace(**more: Any) -> StatementTrace:
    return StatementTrace(
        **{
            "file": "1.sql",
            "line": 3,
            "statement": "ALTER TABLE t",
            "seconds": 0.2,
            "rows": None,
            "wal_bytes": 0,
            "size_bytes": 0,
            "locks": (),
            "rewritten": (),
            "held_seconds": 0.0,
            "rewritten_tables": (),
            "rewritten_bytes": 0,
            "waits": (),
            **more,
        }
    )


def back(loaded: Runbook, twin: TwinRecord = TWIN, **more: Any) -> dict[str, object]:
    record = replace(NOTHING, **{"deployment": deployed(), **more})
    return dict(seen.rehearsed(loaded, record, twin, BUDGETS).back)


# --- the way back ------------------------------------------------------------------------------


def test_the_files_of_the_tool_are_the_way_back(tmp_path: Path) -> None:
    loaded = book("golang_migrate", tmp_path)
    files = [f"{name}.up.sql" for name in NAMES[1:]]
    by = [f"{name}.down.sql" for name in reversed(NAMES[1:])]
    told = back(loaded, undone=DONE, again=Reapplied(0.7))
    assert told == {"files": files, "by": by, "seconds": 0.5, "again": 0.7, "immaterial": []}


@pytest.mark.parametrize("step", ["undo", "again"])
def test_a_way_back_that_leads_elsewhere(tmp_path: Path, step: str) -> None:
    problem = Problem(step, "no_go", "it does not", "public.t", "Mend it.")
    told = back(book("goose", tmp_path), undone=DONE, problem=problem)
    assert told["problem"] == {"severity": "no_go", "message": "it does not: public.t"}
    assert told["restore"] == 2.5
    assert "seconds" not in told


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"problem": Problem("apply", "no_go", "no")}, "could not be applied to the copy"),
        ({"deployment": None}, "the run applies nothing"),
        ({"state": "partial"}, "the migration was partial before"),
    ],
)
def test_why_no_way_back_was_tried(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    assert why in str(back(book("goose", tmp_path), **more)["untried"])


def test_the_backup_is_the_way_back_where_the_tool_has_none(tmp_path: Path) -> None:
    loaded = book("prisma", tmp_path)
    assert plans.undo(loaded) is None
    told = back(loaded)
    files = [f"{name}/migration.sql" for name in NAMES[1:]]
    assert told["why"] == f"{', '.join(files)}: no file takes it back"
    assert told["restore"] == 2.5
    unproven = back(loaded, replace(TWIN, proven=None))
    assert unproven["restore"] is None


@pytest.mark.parametrize("said", [NAMES[2][:14], f"{NAMES[2]}.sql"])
def test_what_is_declared_irreversible_is_not_taken_back(tmp_path: Path, said: str) -> None:
    loaded = book("goose", tmp_path, irreversible=[said])
    assert plans.undo(loaded) is None
    told = back(loaded)
    assert told["why"] == f"{NAMES[2]}.sql: it is declared irreversible"
    assert told["restore"] == 2.5
    # Of what is not pending it says nothing.
    assert plans.undo(about(loaded, loaded.source, [NAMES[0][:14]])) is not None  # type: ignore[arg-type]


def test_an_unknown_migration_cannot_be_irreversible(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such migration") as caught:
        book("goose", tmp_path, irreversible=["nothing"])
    assert caught.value.key == "gonogo_irreversible[0]"


# --- cost --------------------------------------------------------------------------------------


def test_what_it_costs(tmp_path: Path) -> None:
    waits = trace(
        line=5,
        seconds=1.5,
        held_seconds=0.4,
        rewritten=("public.t", "public.t_pkey"),
        rewritten_tables=("public.t",),
        scanned={"public.t": 12},
    )
    slow = SlowStatement(
        file="1.sql",
        line=5,
        statement="ALTER TABLE t",
        budget="hold",
        allowed=0.1,
        seconds=(0.4, 0.3),
        rewritten=("public.t",),
        rewritten_bytes=1,
        severity="hold",
    )
    once = replace(slow, line=3, severity=None)
    record = replace(NOTHING, deployment=deployed(trace(), waits), slow=(slow, once))
    told = seen.rehearsed(book("goose", tmp_path), record, TWIN, BUDGETS).cost
    assert (told["examined"], told["longest"], told["held"]) == (2, 1.5, 0.4)
    assert told["statements"] == [
        {
            "place": "1.sql:5",
            "statement": "ALTER TABLE t",
            "held": 0.4,
            "rewritten": ["public.t"],
            "scanned": {"public.t": 12},
        }
    ]
    assert [one["seconds"] for one in told["slow"]] == [0.3]  # type: ignore[attr-defined]
    failed = replace(record, deployment=deployed(action="failed"))
    assert seen.rehearsed(book("goose", tmp_path), failed, TWIN, BUDGETS).cost == {}
    untried = replace(record, done=None)
    assert seen.rehearsed(book("goose", tmp_path), untried, TWIN, BUDGETS) == seen.Seen()


# --- the record --------------------------------------------------------------------------------


def entries(*names: str, state: str = "applied") -> tuple[HistoryEntry, ...]:
    return tuple(HistoryEntry(name[:14], state, None, {}) for name in names)


def recorded(
    loaded: Runbook,
    before: Sequence[HistoryEntry] | None,
    after: Sequence[HistoryEntry] | None,
    *,
    asked: bool = True,
) -> dict[str, Any]:
    assert loaded.source is not None
    record = replace(source.record(loaded.source, None), entries=before)
    answer = HistoryAnswer(changed=False, entries=after, keys=(7,)) if asked else None
    return dict(seen.history(loaded, record, answer))


def test_the_record_is_that_of_the_folder(tmp_path: Path) -> None:
    told = recorded(book("goose", tmp_path), entries(*NAMES[:1]), entries(*NAMES))
    assert told == {
        "tool": "goose",
        "keeps": True,
        "files": 3,
        "before": [],
        "late": [],
        "after": [],
        "keys": [7],
    }


def test_what_the_record_lacks_and_has_too_much(tmp_path: Path) -> None:
    more = entries("20270101000000_x")
    told = recorded(
        book("goose", tmp_path), (), (*entries(*NAMES[:2]), *entries("3", state="failed"), *more)
    )
    assert told["after"] == [
        {"name": "3", "problem": "is begun and not finished"},
        {"name": "20270101000000", "problem": "is on record, and not in the folder"},
        {"name": "3", "problem": "is on record, and not in the folder"},
        {
            "name": f"{NAMES[2]}.sql",
            "problem": "is not on record (to record what is there: INSERT INTO "
            "public.goose_db_version (version_id, is_applied) VALUES (20260103000000, true);)",
        },
    ]


def test_a_tool_without_its_table_would_begin_anew(tmp_path: Path) -> None:
    told = recorded(book("goose", tmp_path), None, None)
    assert (told["keeps"], told["after"][0]["name"]) == (False, "goose")
    assert "apply all of the folder again" in told["after"][0]["problem"]
    plain = recorded(book("plain", tmp_path / "plain"), None, None)
    assert (plain["keeps"], plain["after"]) == (False, [])


def test_what_comes_late_and_what_nobody_has_asked(tmp_path: Path) -> None:
    told = recorded(book("dbmate", tmp_path), entries(NAMES[0], NAMES[2]), None, asked=False)
    assert (told["late"], told["after"], told["keys"]) == ([f"{NAMES[1]}.sql"], None, [])
    assert seen.history(book("dbmate", tmp_path), None, None) == {}


# --- a runbook with files of its own -----------------------------------------------------------


def test_a_runbook_has_its_own_way_back_and_no_folder() -> None:
    own = runbook.load(PROJECT / "runbooks" / SHIPPED, profile="target", parameters={})
    told = back(own, undone=DONE, again=Reapplied(0.7))
    assert told["by"] == [one.file for one in own.sql_files("undo")] != []
    assert told["seconds"] == 0.5
    assert seen.history(own, None, None) == {
        "keeps": False,
        "files": 0,
        "before": [],
        "late": [],
        "after": [],
        "keys": [],
    }
    bare = replace(own, declared=replace(own.declared, undo=()))
    assert str(back(bare)["why"]).endswith("the runbook has no undo")
