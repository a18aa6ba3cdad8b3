"""What a rehearsal on the twin does to the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from gonogo.contract import canonical
from gonogo.contract.records.reading import read
from gonogo.contract.records.shape import Shape
from gonogo.controller.declared.manifest import Function, Manifest, Table
from gonogo.controller.outcome.rehearsal import unlike
from tests.records import RUN_ID, judged
from tests.unit.test_twin_verdict import PROMOTION, proven
from tests.unit.test_verdict import JSON, Case, event
from verify import verify_evidence

Change = Callable[[Case], object]


def rehearsed() -> Case:
    """The arguments of a GO with everything tried on the twin."""
    case = proven()
    case["plan"]["stages"].insert(3, "rehearsal")
    case["events"].insert(4, event("rehearsal", "stage_passed"))
    case["rehearsal"] = {
        "run_id": case["run"]["run_id"],
        "hint": None,
        "done": True,
        "required": True,
        "promoted": False,
        "reason": None,
        "backup_sha256": case["backup"]["sha256"],
        "problem": None,
        "unlike_promotion": None,
        "rows_changed": {},
        "rows_removed": {},
        "scripts": {},
        "checks": [{**check} for check in case["checks"]],
        "back": None,
    }
    return case


def changed(*changes: Change) -> dict[str, Any]:
    case = rehearsed()
    for change in changes:
        change(case)
    return judged(**case)


def said(**values: Any) -> Change:
    return lambda case: case["rehearsal"].update(values)


def on_the_twin(status: str) -> Change:
    return lambda case: case["rehearsal"]["checks"][0].update(status=status)


def everywhere(status: str) -> Change:
    def change(case: Case) -> None:
        on_the_twin(status)(case)
        case["checks"][0].update(status=status)

    return change


def deploys_on_a_protected_target(case: Case) -> None:
    case["run"].update(environment="prod", protected=True)
    case["run"]["promotion"] = PROMOTION
    case["plan"]["stages"].insert(-1, "deploy")
    case["events"].insert(-2, event("deploy", "stage_passed"))
    case["deploy"] = {"action": "applied"}


def never(case: Case) -> None:
    case["plan"]["stages"].remove("rehearsal")
    case["events"] = [one for one in case["events"] if one["stage"] != "rehearsal"]
    case["rehearsal"] = None


def codes(verdict: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in verdict["reasons"]]


PROBLEM = {"step": "undo", "message": "it stays"}
SLOW = {
    "file": "migration.sql",
    "line": 7,
    "statement": "ALTER TABLE a.b ALTER c TYPE bigint",
    "budget": "hold",
    "allowed": 10.0,
    "seconds": [14.25, 12.5],
    "rewritten": ["a.b"],
    "rewritten_bytes": 9 << 30,
    "severity": None,
}


def test_a_good_rehearsal_is_a_go() -> None:
    assert changed()["decision"] == "GO"


def test_what_was_slow_once_is_a_go() -> None:
    assert changed(said(slow=[SLOW]))["decision"] == "GO"


def test_a_slow_statement_is_told_with_the_numbers_and_what_it_does() -> None:
    (reason,) = changed(said(slow=[{**SLOW, "severity": "no_go"}]))["reasons"]
    assert "migration.sql:7 rewrites a.b, which nobody can read or write" in reason["text"]
    assert reason["expected"] == "at most 10.0 s"
    assert reason["observed"].startswith("14.25 s and 12.5 s: ALTER TABLE a.b")


def test_a_host_that_was_busy_is_named() -> None:
    slow = [{**SLOW, "severity": "hold"}]
    (busy,) = changed(said(slow=slow, alone=False))["reasons"]
    assert busy["text"].endswith("keeps the application waiting too long on a host that was busy")
    assert busy["hint"].startswith("Other work took the host's processors")
    (quiet,) = changed(said(slow=slow, alone=True))["reasons"]
    assert "busy" not in quiet["text"] + quiet["hint"]


def test_an_error_that_may_be_of_the_host_says_what_to_do() -> None:
    cancelled = {"step": "apply", "message": "cancelled", "severity": "hold"}
    (reason,) = changed(said(problem=cancelled))["reasons"]
    assert reason["hint"].startswith("Such an error may be the host's at that moment")
    (own,) = changed(said(problem={**cancelled, "hint": "Do this."}))["reasons"]
    assert own["hint"] == "Do this."


def test_slow_statements_hide_no_check_that_fails() -> None:
    verdict = changed(said(slow=[{**SLOW, "severity": "hold"}]), on_the_twin("fail"))
    assert verdict["decision"] == "NO-GO"


@pytest.mark.parametrize(
    ("change", "decision", "code"),
    [
        (said(problem={**PROBLEM, "severity": "no_go"}), "NO-GO", "rehearsal_failed"),
        (
            said(problem={**PROBLEM, "severity": "hold"}),
            "HOLD",
            "rehearsal_failed",
        ),
        (said(slow=[{**SLOW, "severity": "hold"}]), "HOLD", "rehearsal_slow"),
        (said(slow=[{**SLOW, "severity": "no_go"}]), "NO-GO", "rehearsal_slow"),
        (on_the_twin("fail"), "NO-GO", "rehearsal_check_fail"),
        (on_the_twin("not_run"), "HOLD", "rehearsal_check_not_run"),
        (on_the_twin("inconclusive"), "HOLD", "rehearsal_check_inconclusive"),
        (said(checks=[]), "HOLD", "rehearsal_check_not_run"),
        (said(backup_sha256="0" * 64), "HOLD", "rehearsal"),
        (said(promoted=True), "HOLD", "rehearsal_unlike"),
        (said(promoted=True, unlike_promotion=["index public.i"]), "HOLD", "rehearsal_unlike"),
        (said(done=None, reason="no server"), "HOLD", "rehearsal_missing"),
        (lambda case: case.update(rehearsal=None), "HOLD", "rehearsal_missing"),
        (said(done="yes"), "HOLD", "rehearsal_missing"),
    ],
)
def test_what_stands_against_a_go(change: Change, decision: str, code: str) -> None:
    verdict = changed(change)
    assert verdict["decision"] == decision
    assert code in codes(verdict)
    assert verdict["would_change"]


def test_what_the_database_itself_says_is_not_said_twice() -> None:
    assert codes(changed(everywhere("fail"))) == ["check_fail"]


def test_the_same_schema_as_validated_is_a_go() -> None:
    assert changed(said(promoted=True, unlike_promotion=[]))["decision"] == "GO"


SHAPE = {"size": 8, "settings": {"encoding": "UTF8"}, "schema": {"table public.a": ""}}
BY = {
    "host": "db2",
    "database": "shop",
    "size": 9,
    "run_id": "20260131T115900Z-0a1b2c",
    "evidence_head": "ab" * 32,
    "shape_sha256": read(Shape, {"run_id": "r", **SHAPE}, file="shape.json").sha256,
    "statements_sha256": "cd" * 32,
    "unproven": [f"m.sql:{line}" for line in range(1, 8)],
}


def on_another(shape: Any = SHAPE, **values: Any) -> Change:
    def change(case: Case) -> None:
        run_id = case["run"]["run_id"]
        case["shape"] = shape and {"run_id": run_id, **shape}
        case["rehearsal"].update(by={**BY, **values.pop("by", {})}, **values)

    return change


def test_the_rehearsal_of_another_database_counts_and_says_whose_it_is() -> None:
    verdict = changed(on_another())
    assert verdict["decision"] == "GO"
    (told,) = verdict["conditions"]
    assert (told["code"], told["subject"]) == ("rehearsed_on", "rehearsal")
    assert told["text"] == (
        "rehearsed on db2 (same shape), run 20260131T115900Z-0a1b2c. Not tried on a copy of this "
        "database: how long its locks are held; that no row here stands in the way of m.sql:1, "
        "m.sql:2, m.sql:3, m.sql:4, m.sql:5 and 2 more"
    )


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        (on_another(shape=None), "another shape"),
        (on_another(shape={**SHAPE, "schema": {}}), "another shape"),
        (on_another(shape={**SHAPE, "settings": {"encoding": "LATIN1"}}), "another shape"),
        (on_another(by={"shape_sha256": "ef" * 32}), "another shape"),
        (on_another(by={"run_id": RUN_ID}), "this run's own"),
        (on_another(rows_changed={"public.a": [1, 1]}), "changed rows there"),
        (on_another(rows_removed={"public.a": [1, "7"]}), "changed rows there"),
    ],
)
def test_a_rehearsal_that_says_nothing_about_this_database(change: Change, observed: str) -> None:
    verdict = changed(change)
    assert verdict["decision"] == "HOLD"
    (reason,) = verdict["reasons"]
    assert reason["subject"] == "rehearsal"
    assert observed in reason["observed"]


def test_what_has_failed_there_is_no_go_here() -> None:
    assert changed(on_another(problem={**PROBLEM, "severity": "no_go"}))["decision"] == "NO-GO"
    failed = changed(on_another(), on_the_twin("fail"))
    assert failed["decision"] == "NO-GO"


def test_no_rehearsal_is_a_condition_where_that_is_accepted() -> None:
    verdict = changed(said(done=None, required=False, reason="no server"))
    assert verdict["decision"] == "GO"
    assert [c["code"] for c in verdict["conditions"]] == ["unrehearsed"]


def test_a_protected_target_gets_nothing_that_was_not_rehearsed() -> None:
    assert changed(deploys_on_a_protected_target, said(promoted=True, unlike_promotion=[]))[
        "decision"
    ] == ("GO")
    for change in (never, said(done=None, required=False)):
        verdict = changed(deploys_on_a_protected_target, change)
        assert "rehearsal_missing" in codes(verdict)
        assert verdict["decision"] == "HOLD"


def test_a_way_back_that_does_not_work_is_said() -> None:
    verdict = changed(said(back={"undone": None, "problem": {**PROBLEM, "severity": "no_go"}}))
    assert verdict["decision"] == "GO"
    assert [c["code"] for c in verdict["conditions"]] == ["way_back"]


@settings(max_examples=200)
@given(JSON)
def test_nothing_that_stands_in_the_record_raises(value: Any) -> None:
    case = rehearsed()
    case["rehearsal"] = value
    assert canonical.dumps(judged(**case))
    case = rehearsed()
    for key in case["rehearsal"]:
        assert canonical.dumps(judged(**{**case, "rehearsal": {**case["rehearsal"], key: value}}))


def test_the_schema_is_compared_as_far_as_the_manifest_goes() -> None:
    manifest = Manifest(
        "public", tables=[Table("sites")], functions=[Function("f", "guard", ["sites"])]
    )
    validated = {
        "table public.sites": "ordinary",
        "owner of table public.sites": "one",
        "index public.i": "CREATE INDEX i ON public.sites USING btree (id)",
        "function public.f()": "RETURN 1",
        "table public.sites_old": "ordinary",
        "table public.logs": "ordinary",
    }
    here = {
        **validated,
        "owner of table public.sites": "another",
        "table public.logs": "partitioned",
        "table public.sites_old": "partitioned",
        "index public.i": "CREATE INDEX i ON public.sites USING hash (id)",
        "column public.sites.new": "text",
    }
    del here["function public.f()"]
    assert unlike(validated, here, manifest, same=lambda _: {}) == [
        "column public.sites.new is here only",
        "function public.f() is missing here",
        "index public.i differs",
    ]
    assert unlike(validated, validated, manifest, same=lambda _: {}) == []


# --- where nothing is pending ---------------------------------------------------------------------

DRIFT: dict[str, Any] = {
    "asked": True,
    "migrations": 3,
    "seconds": 0.5,
    "compared": 40,
    "before": [],
    "beside": [],
    "passed_over": [],
}
MISSING = {"kind": "missing", "name": "index public.i", "expected": "btree (a)", "found": None}


def idle(**drift: Any) -> Change:
    def change(case: Case) -> None:
        case["plan"]["nothing_pending"] = True
        case["rehearsal"]["drift"] = {**DRIFT, **drift}

    return change


def unplayed(case: Case) -> None:
    del case["rehearsal"]["drift"]


def test_where_nothing_is_pending_it_is_no_go_but_up_to_date() -> None:
    verdict = changed(idle())
    assert (verdict["decision"], verdict["reasons"]) == ("UP-TO-DATE", [])
    assert "nothing_pending" in {one["code"] for one in verdict["conditions"]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (idle(before=[MISSING]), "drift"),
        (idle(problem="the history cannot be replayed"), "drift"),
        (idle(problem="it counts from there on", asked=False), "drift"),
        (idle(compared=0), "drift"),
        (unplayed, "drift"),
        (never, "drift"),
        (said(done=None), "rehearsal_missing"),
        (everywhere("inconclusive"), "check_inconclusive"),
    ],
)
def test_what_only_the_record_says_is_not_up_to_date(change: Change, code: str) -> None:
    """Somebody may have dropped what the tool's record still calls applied."""
    verdict = changed(idle(), change)
    assert verdict["decision"] == "HOLD", verdict
    assert code in codes(verdict)


def test_what_is_proven_bad_is_a_no_go_where_nothing_is_pending_too() -> None:
    assert changed(idle(), everywhere("fail"))["decision"] == "NO-GO"


def test_no_waiver_covers_drift_where_nothing_is_pending() -> None:
    waiver = {"check": "C1.1", "owner": "Dewi", "reason": "later", "expires": "2999-01-01"}

    def waived(case: Case) -> None:
        case["plan"]["waivers"] = [waiver]

    assert changed(idle(before=[MISSING]), waived)["decision"] == "HOLD"


# --- a stage that failed by what a check has found ------------------------------------------------


def ended_by(check: str, stage: str = "rehearsal") -> Change:
    """The stage failed, and says which check ended it; what comes behind it did not run."""

    def change(case: Case) -> None:
        case["events"] = [
            one for one in case["events"] if (one["stage"], one["event"]) != (stage, "stage_passed")
        ]
        failed = event(stage, "stage_failed", message="it failed", check=check)
        case["events"].insert(-1, failed)

    return change


def first_check(case: Case) -> str:
    return str(case["checks"][0]["check_id"])


def test_a_stage_that_a_check_has_ended_is_told_once_with_it() -> None:
    check = first_check(rehearsed())
    verdict = changed(everywhere("fail"), ended_by(check))
    assert codes(verdict) == ["check_fail"]
    assert verdict["decision"] == "NO-GO"
    assert not [one for one in verdict["would_change"] if "stage" in one]


@pytest.mark.parametrize("check", ["nowhere", "", None, [], {}, 7])
def test_a_stage_that_failed_by_nothing_that_is_told_is_a_reason(check: Any) -> None:
    verdict = changed(ended_by(check))
    assert "stage_failed" in codes(verdict)
    assert verdict["decision"] == "HOLD"


def test_a_check_that_passed_hides_no_stage_that_failed() -> None:
    assert "stage_failed" in codes(changed(ended_by(first_check(rehearsed()))))


@pytest.mark.parametrize(
    "changes",
    [
        [everywhere("fail"), ended_by(first_check(rehearsed()))],
        [ended_by(first_check(rehearsed()))],
        [on_the_twin("fail"), ended_by(first_check(rehearsed()))],
        [everywhere("fail"), ended_by(first_check(rehearsed()), "phases")],
        [everywhere("fail"), ended_by("nowhere")],
        [ended_by("nowhere", "twin")],
    ],
    ids=range(6),
)
def test_the_verifier_tells_it_once_too(changes: list[Change]) -> None:
    case = rehearsed()
    for change in changes:
        change(case)
    verdict = judged(**case)
    names = ("run", "plan", "backup", "twin", "rehearsal")
    files = {f"{name}.json": case[name] for name in names}
    found = verify_evidence.derive(
        {**files, "checks.jsonl": case["checks"]}, case["events"], whole=True
    )
    told = sorted({(one["severity"], one["subject"]) for one in verdict["reasons"]})
    assert (found["decision"], found["reasons"]) == (verdict["decision"], told)


def test_a_check_that_ran_on_the_copy_only_says_what_came_of_it_there() -> None:
    def silent(case: Case) -> None:
        case["checks"] = case["checks"][1:]

    (reason,) = changed(silent)["reasons"]
    assert reason["code"] == "check_not_run"
    assert reason["text"].endswith(": ran on the copy only")
    assert reason["observed"].startswith("passed there: ")
    (nowhere,) = changed(silent, said(done=None, required=False, checks=[]))["reasons"]
    assert nowhere["text"].endswith(": did not run")


def test_a_list_that_is_cut_says_how_much_more_there_is() -> None:
    names = [f"index public.i{number}" for number in range(23)]
    (reason,) = changed(said(promoted=True, unlike_promotion=names))["reasons"]
    assert reason["observed"].endswith(", index public.i19, and 3 more")
