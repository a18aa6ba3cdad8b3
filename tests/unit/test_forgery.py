"""What was changed in the middle of a run is not taken over; approvals end, waivers do not add up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.options.shared import Approval
from gonogo.controller.evidence import Run
from gonogo.controller.request import approval, deploy_approval
from tests.records import judged
from tests.unit.test_verdict import fail, good, waive

RUN_ID = "20260131T120000Z-0a1b2c"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "sandbox", RUN_ID)


def test_an_edit_is_not_sealed_with_what_is_added(run: Run) -> None:
    run.append_lines("checks.jsonl", [{"check_id": "C1.1", "status": "fail"}], stage="preflight")
    file = run.path / "checks.jsonl"
    file.write_text(file.read_text().replace("fail", "pass"))
    before = (run.path / "events.jsonl").read_bytes()
    with pytest.raises(GonogoError, match=r"checks\.jsonl changed after it was written"):
        run.append_lines("checks.jsonl", [{"check_id": "C1.2"}], stage="phases")
    assert (run.path / "events.jsonl").read_bytes() == before


def test_nothing_is_added_to_what_nobody_has_written(run: Run) -> None:
    (run.path / "ledger.jsonl").write_text("{}\n")
    with pytest.raises(GonogoError, match=r"ledger\.jsonl was written by no stage"):
        run.append_lines("ledger.jsonl", [{"table": "public.x"}], stage="phases")


@pytest.mark.parametrize("name", ["run.json", "facts.json", "plan.json"])
def test_no_stage_goes_by_what_was_changed(run: Run, name: str) -> None:
    run.write_json(name, {"a": 1}, stage="target")
    assert run.read_json(name) == {"a": 1}
    (run.path / name).write_text('{"a": 2}\n')
    with pytest.raises(GonogoError, match="changed after it was written"):
        run.read_json(name)


def test_an_approval_ends(run: Run) -> None:
    for content, hours, refused in (("one", 1, False), ("other", 0, True)):
        plan, _ = approval.open_plan(run, deploy_approval.PLAN, content, hours=hours)
        run.write_json(deploy_approval.PLAN, plan, stage="deploy")
        given = Approval(answer=f"COMMIT {plan.token}", approved_by="Dewi", run_id=RUN_ID)
        if refused:
            with pytest.raises(GonogoError, match="The plan has expired at"):
                deploy_approval.require(run, given, content, hint="again")
        else:
            assert deploy_approval.require(run, given, content, hint="again").token
    # And what has expired is not shown again, but planned anew.
    later, new = approval.open_plan(run, deploy_approval.PLAN, "other", hours=1)
    assert new
    assert datetime.fromisoformat(later.expires_at) > datetime.now(UTC) + timedelta(minutes=59)


def test_a_second_waiver_adds_nothing() -> None:
    """Neither does one of the same owner for another check make three failures a GO."""
    case = good()
    for change in (*fail("I1.1", "I2.1", "I3.1"), *[waive(check="I1.1")] * 2):
        change(case)
    assert len(case["plan"]["waivers"]) == 2
    assert judged(**case)["decision"] == "HOLD"
    waive(criterion="I1")(case)
    assert judged(**case)["decision"] == "HOLD"
    assert json.dumps(case)
