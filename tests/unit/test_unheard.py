"""An approved change is open until there is a record of its token."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.reading import plain
from gonogo.controller.evidence import Run, load, new_run_id
from gonogo.controller.outcome import intents, unheard
from gonogo.controller.request import approval
from tests.records import RUN

LOGIN = {"db": "apms", "user": "apms"}
APPROVED = {"approved_by": "Dewi", "approved_at": "2026-01-31T12:00:00+00:00"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "runs", "staging", new_run_id(datetime.now(UTC)))
    target = {**RUN["target"], "inventory_host": "one", "login": LOGIN}
    about = {"run_id": made.run_id, "environment": "staging", "target": target}
    made.write_json("run.json", {**RUN, **about}, stage="target")
    made.append("run", "closed", {"fenced": []})
    return made


def _plan(run: Run, stage: str, **more: Any) -> dict[str, Any]:
    plan = {
        "token": "0123456789",
        "content": "a",
        "holds": {},
        "planned_at": "2026-01-31T11:00:00.000000+00:00",
        "expires_at": "2999-01-01T00:00:00+00:00",
        "earlier": [],
    }
    run.write_json(f"{stage}_plan.json", {**plan, **more}, stage=stage)
    return plan


@pytest.mark.parametrize("stage", ["cleanup", "undo", "restore"])
def test_only_a_record_of_its_own_token_closes_it(run: Run, stage: str) -> None:
    assert not unheard.is_open(run.path, stage)
    _plan(run, stage)
    assert not unheard.is_open(run.path, stage)
    _plan(run, stage, **APPROVED, intent={})
    assert unheard.is_open(run.path, stage)
    assert len(intents.unknown(run.path)) == 1
    # What another approval of the same run has done says nothing of this one.
    run.write_json(f"{stage}.json", {"token": "9876543210", "committed": True}, stage=stage)
    assert unheard.is_open(run.path, stage)
    unheard.keep_done(run, stage, {"committed": True}, by="another")
    assert not unheard.is_open(run.path, stage)
    assert intents.unknown(run.path) == []
    record = run.read_json(f"{stage}.json")
    assert record["approved_by"] == "Dewi"
    assert record["recovered"]["by"] == "another"
    # Such a record may be added to the evidence of a run that is closed.
    assert load(run.path).problems == []


def test_that_nothing_came_of_it_stays_on_record(run: Run) -> None:
    _plan(run, "restore", **APPROVED, intent={"database": "apms"}, holds={})
    unheard.keep_nothing(run, "restore", by="another")
    assert not unheard.is_open(run.path, "restore")
    plan = run.read_json("restore_plan.json")
    assert not {"intent", *APPROVED} & {*plan}
    assert plan["nothing_came_of"][0].items() >= {**APPROVED, "by": "another"}.items()
    # The plan can be approved again, and one that replaces it keeps that, too.
    same, new = approval.open_plan(run, "restore_plan.json", "a", hours=1)
    assert not new
    assert same.token == plan["token"]
    later, new = approval.open_plan(run, "restore_plan.json", "b", hours=1)
    assert new
    assert plain(later.nothing_came_of) == plan["nothing_came_of"]


def test_restores_are_those_of_the_hosts_database(run: Run) -> None:
    """Another login may have restored it."""

    def found(host: str, db: str, also: str | None = None) -> list[str]:
        login = {"db": db, "user": "postgres"}
        runs_dir = run.path.parents[1]
        open_ones = unheard.restores(runs_dir, "staging", host=host, login=login, also=also)
        return [one.run_id for one in open_ones]

    _plan(run, "restore", **APPROVED)
    assert found("one", "apms") == [], "it does not say what it was about"
    _plan(run, "restore", **APPROVED, intent={})
    assert found("one", "apms") == [run.run_id]
    assert found("two", "apms") == found("one", "other") == []
    assert found("two", "other", also=run.run_id) == [run.run_id]
    unheard.keep_done(run, "restore", {}, by="another")
    assert found("one", "apms", also=run.run_id) == []
