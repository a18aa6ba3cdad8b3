"""An approval: of what was shown, once, by somebody whose name can be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.shared import Approval
from gonogo.contract.records.approval import ApprovalPlan
from gonogo.contract.records.deployment import HistoryFound, Inspection
from gonogo.contract.records.migration import HistoryPlan, Plan
from gonogo.contract.records.run import RunRecord
from gonogo.controller import request
from gonogo.controller.evidence import Run, load, new_run_id
from gonogo.controller.invocation import person, project
from gonogo.controller.reading import ranges
from gonogo.controller.request import approval, deploy_approval
from gonogo.controller.request.protection import Protection
from gonogo.host.files import approvals
from tests.records import PLAN, RUN

RUN_ID = "20260131T120000Z-0a1b2c"
DIGEST = "a" * 64


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "runs", "staging", RUN_ID)
    made.write_json("run.json", {**RUN, "environment": "staging"}, stage="target")
    made.write_json("plan.json", PLAN, stage="target")
    return made


# --- names --------------------------------------------------------------------------------------

NAMES = ["Dewi", "Nguyễn Văn An", "李雷", "Þóra", "O'Neill", "J. R.", "x1", "ދިވެހި", "Ana-Maria"]
NO_NAMES = {
    "zero width space": "\u200b",
    "between letters": "De\u200bwi",
    "joiners": "\u200d\u200c",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "override of the direction": "\u202eiweD",
    "isolate": "De\u2066wi",
    "space that does not break": "\u00a0",
    "wide space": "\u3000",
    "tab": "\t",
    "control": "De\x07wi",
    "a line of its own": "Dewi\nApproved: Rahmad",
    "end of line": "Dewi\u2028",
    "mark without a letter": "\u0301",
    "begins with a mark": "\u0301Dewi",
    "filler": "\u3164",
    "half a filler": "\uffa0",
    "blank pattern": "\u2800",
    "variation": "\ufe0f",
    "tag": "\U000e0041",
    "private": "\ue000",
    "unknown": "\u0378",
    "signs only": "---",
    "nothing": "",
    "blank": "   ",
    "long": "x" * 201,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_can_be_seen(name: str) -> None:
    assert person.mistake(name, "cleanup_approved_by") is None


@pytest.mark.parametrize("what", sorted(NO_NAMES))
def test_a_name_that_cannot_be_seen(what: str) -> None:
    wrong = person.mistake(NO_NAMES[what], "cleanup_approved_by")
    assert wrong
    assert "cleanup_approved_by" in wrong
    assert wrong.isascii()
    plan = ApprovalPlan("", {}, planned_at="", expires_at="", token="0123456789")
    given = Approval(answer="COMMIT 0123456789", approved_by=NO_NAMES[what], run_id=RUN_ID)
    assert approval.refusal(given, RUN_ID, plan, prefix="cleanup") == wrong


def test_a_name_has_one_form() -> None:
    assert person.name_of("Ame\u0301lie\u00a0 Roy") == "Am\u00e9lie Roy"


def test_the_account_is_a_person_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "\u200b")
    with pytest.raises(GonogoError, match="LOGNAME"):
        person.account()


@pytest.mark.parametrize("key", ["owner", "reason"])
def test_a_waiver_is_somebodys_and_says_something(key: str) -> None:
    waiver = {"check": "C1.1", "owner": "Dewi", "reason": "known", "expires": "2026-12-31"}
    asked = request.Asked(
        runbook="/nowhere",
        environment="staging",
        profile="target",
        residue="keep",
        waivers=[{**waiver, key: "\u200b"}],
    )
    with pytest.raises(InputError, match=key if key == "owner" else "says nothing"):
        request.load_runbook(asked, protection=Protection(False, "", None, None))


# --- once ---------------------------------------------------------------------------------------


def _given(plan: ApprovalPlan) -> Approval:
    return Approval(answer=f"COMMIT {plan.token}", approved_by="Dewi", run_id=RUN_ID)


def _shown(run: Run, content: str = "one") -> ApprovalPlan:
    plan, _ = approval.open_plan(run, deploy_approval.PLAN, content, hours=1)
    run.write_json(deploy_approval.PLAN, plan, stage="deploy")
    return plan


def test_a_token_lets_one_run_deploy(run: Run) -> None:
    plan = _shown(run)
    run.append("run", "closed", {"fenced": []})
    later = [
        Run.create(run.path.parents[1], "staging", new_run_id(datetime.now(UTC))) for _ in range(3)
    ]
    first = deploy_approval.require(later[0], _given(plan), "one", hint="again")
    assert first.shown_by == RUN_ID
    for other in (*later, run):
        with pytest.raises(GonogoError, match=f"was used by run {later[0].run_id}"):
            deploy_approval.require(other, _given(plan), "one", hint="again")
    # The evidence of the run that has shown it stays whole.
    assert load(run.path).problems == []


def test_who_forgets_that_it_was_used_is_found_out(run: Run) -> None:
    plan = _shown(run)
    later = Run.create(run.path.parents[1], "staging", new_run_id(datetime.now(UTC)))
    deploy_approval.require(later, _given(plan), "one", hint="again")
    (run.path / deploy_approval.USED).unlink()
    with pytest.raises(GonogoError, match="is damaged"):
        deploy_approval.require(later, _given(plan), "one", hint="again")


def test_what_changed_since_the_plan_is_named(run: Run) -> None:
    plan, _ = approval.open_plan(
        run, deploy_approval.PLAN, "one", hours=1, holds={"the statements": (None, "a")}
    )
    run.write_json(deploy_approval.PLAN, plan, stage="deploy")
    now: approval.Holds = {
        "the statements": (None, "b"),
        "what would be removed from public.t": (517, "c"),
    }
    with pytest.raises(GonogoError, match="has changed since") as caught:
        deploy_approval.require(run, _given(plan), "two", hint="again", now=now)
    assert str(caught.value.detail).splitlines() == [
        "the statements: not the same as in the plan",
        "what would be removed from public.t: 517 rows, not in the plan",
    ]


def test_an_approval_is_for_the_settings_and_the_tool_as_well(run: Run) -> None:
    record = run.read(RunRecord)
    look = Inspection("absent", (), HistoryFound("prisma", ()), ())
    plan = Plan((), (), HistoryPlan("prisma", "public", ()), session={"lock_timeout": "1s"})
    others = (
        replace(plan, session=None),
        replace(plan, session={"lock_timeout": "1s", "role": "another"}),
        replace(plan, history=HistoryPlan("prisma", "another", ())),
        replace(plan, history=HistoryPlan("flyway", "public", ())),
    )
    digests = {deploy_approval.content(record, one, look) for one in (plan, *others)}
    assert len(digests) == 1 + len(others)
    assert deploy_approval.content(record, replace(plan), look) in digests


def test_a_token_that_was_used_is_in_no_further_plan(run: Run) -> None:
    plan, _ = approval.open_plan(run, "undo_plan.json", "one", hours=1)
    run.write_json("undo_plan.json", plan, stage="undo")
    assert approval.open_plan(run, "undo_plan.json", "one", hours=1)[0] == plan
    later, new = approval.open_plan(run, "undo_plan.json", "one", hours=1, used=plan.token)
    assert new
    assert later.token != plan.token


def test_an_earlier_plan_is_known_by_its_token(run: Run) -> None:
    holds: approval.Holds = {"public.t": (17, "a"), "database x": (None, "16384")}
    plan, _ = approval.open_plan(run, "undo_plan.json", "one", hours=1, holds=holds)
    run.write_json("undo_plan.json", plan, stage="undo")
    now: approval.Holds = {"public.t": (17, "b"), "public.u": (3, "c")}
    later, _ = approval.open_plan(run, "undo_plan.json", "two", hours=1, holds=now)
    then = approval.earlier(_given(plan), later)
    assert then is not None
    assert approval.came_later(then.holds, later.holds) == [
        "database x, no longer there",
        "public.t: 17 rows, not the same as in the plan",
        "public.u: 3 rows, not in the plan",
    ]
    assert approval.earlier(replace(_given(plan), answer="COMMIT x"), later) is None


# --- on the target host -------------------------------------------------------------------------


def test_another_controller_finds_it_used(tmp_path: Path) -> None:
    directory = tmp_path / "gonogo" / "approvals"
    approvals.use(directory, DIGEST, run_id="one")
    approvals.use(directory, "b" * 64, run_id="one")
    with pytest.raises(GonogoError, match="was used before") as caught:
        approvals.use(directory, DIGEST, run_id="two")
    assert '"run_id": "one"' in caught.value.primary
    assert json.loads((directory / DIGEST).read_text())["run_id"] == "one"


@pytest.mark.parametrize("digest", ["", "../x", "A" * 64, "a" * 63])
def test_only_a_digest_names_a_file(tmp_path: Path, digest: str) -> None:
    with pytest.raises(GonogoError, match="not the digest"):
        approvals.use(tmp_path / "approvals", digest, run_id="one")


def test_a_directory_that_others_may_write_to_proves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "approvals"
    directory.mkdir()
    directory.chmod(0o777)
    with pytest.raises(GonogoError, match="does not belong to the login"):
        approvals.use(directory, DIGEST, run_id="one")


# --- numbers ------------------------------------------------------------------------------------


def _numbers() -> Iterator[str]:
    for name, option in project.options().items():
        if option["type"] in ("int", "float"):
            yield name


def test_every_number_has_a_range() -> None:
    assert sorted(_numbers()) == sorted(ranges.RANGES)


def test_the_ranges_are_told() -> None:
    page = (project.ROOT / "docs" / "variables.md").read_text(encoding="utf-8")
    for name, allowed in ranges.RANGES.items():
        assert (
            f"* `{name}`: {int(allowed.least)} to {int(allowed.most)} {allowed.counted_in}\n"
            in page
        )


@pytest.mark.parametrize("value", ["100000000000", "-1", "9" * 400])
@pytest.mark.parametrize("name", sorted(ranges.RANGES))
def test_a_number_out_of_its_range_is_one_error(name: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        request.check_options({name: value}, project.options())
    assert name in caught.value.render()
    assert "must be" in caught.value.primary


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300"])
@pytest.mark.parametrize("name", ["target_space_factor", "twin_space_factor"])
def test_what_is_no_number_is_one_error(name: str, value: str) -> None:
    with pytest.raises(InputError, match="must be from 0 to 1000000000"):
        request.check_options({name: value}, project.options())


def test_the_defaults_are_in_their_ranges() -> None:
    for name in _numbers():
        request.check_options({name: project.options()[name].get("default")}, project.options())


@pytest.mark.parametrize("name", ["lock", "statement", "idle_in_transaction"])
def test_a_limit_that_no_server_can_count(name: str) -> None:
    request.check_timeouts({name: "596h"})
    for value in ("597h", "999999999h"):
        with pytest.raises(InputError, match="longer than PostgreSQL can count") as caught:
            request.check_timeouts({name: value})
        assert f"gonogo_timeouts.{name}" in caught.value.render()
