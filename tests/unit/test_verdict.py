"""The decision: for every rule a case that turns the verdict, and a harmless one that does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonogo.contract import canonical
from gonogo.contract.records.check_result import CheckResult
from gonogo.contract.records.plan import PlanRecord
from gonogo.contract.records.reading import read
from gonogo.verdict import misfits
from tests.records import BACKUP, RUN, check, judged, result

STAGES = ["target", "backup", "copy_sql", "preflight", "phases"]
CLASSES = {"S": "preflight", "C": "critical", "I": "important", "N": "nice", "V": "invariant"}

Case = dict[str, Any]
Change = Callable[[Case], object]


def good() -> Case:
    """Return the arguments of a GO with 15 of 15: two checks per criterion, one per indicator."""
    units = ["S0", *(f"C{n}" for n in range(1, 7)), *(f"V{n}" for n in range(1, 6))]
    singles = [*units, "I1", "I2", "I3", "N1"]
    criteria: list[dict[str, Any]] = [
        {"id": unit, "title": f"Title of {unit}", "class": CLASSES[unit[0]]} for unit in singles
    ]
    criteria += [
        {"id": "E1", "title": "Config immutability", "class": "indicator", "of": ["C4", "V3"]},
        {"id": "E2", "title": "Workspace isolation", "class": "indicator", "of": ["C5", "V4"]},
        {"id": "E3", "title": "Runtime progression", "class": "indicator", "of": ["C6"]},
    ]
    checks: list[dict[str, Any]] = [
        check(f"{criterion}.{number}") for criterion in [*singles, "E3"] for number in (1, 2)
    ]
    events = [event("run", "opened")]
    events += [event(stage, "stage_passed") for stage in STAGES]
    events += [event("verdict", "closed")]
    return {
        "run": {**RUN},
        "plan": {
            "title": "APMS master tables",
            "stages": [*STAGES],
            "criteria": criteria,
            "checks": checks,
            "scoring": [*units, "E1", "E2", "E3"],
            "waivers": [],
        },
        "checks": [result(one["id"]) for one in checks],
        "events": events,
        "backup": {**BACKUP},
        "problems": [],
    }


def event(stage: str, name: str, **data: Any) -> dict[str, Any]:
    at = "2026-01-31T12:00:00.000000Z"
    told = {"stage": stage, "event": name, "data": data, "at": at}
    return {"seq": 1, **told, "prev": "", "hash": stage + name}


def answer(check_id: str, **changes: Any) -> Change:
    """Change the result of one check."""
    return lambda case: next(c for c in case["checks"] if c["check_id"] == check_id).update(changes)


def declare(check_id: str, **changes: Any) -> Change:
    """Change the declaration of one check."""
    return lambda case: next(c for c in case["plan"]["checks"] if c["id"] == check_id).update(
        changes
    )


def fail(*check_ids: str) -> list[Change]:
    return [answer(check_id, status="fail") for check_id in check_ids]


def put(part: str, key: str, value: Any) -> Change:
    return lambda case: case[part].update({key: value})


def lose(part: str, key: str) -> Change:
    return lambda case: case[part].pop(key)


def waive(**waiver: Any) -> Change:
    full = {"owner": "Ada", "reason": "known", "expires": "2026-12-31"} | waiver
    kept = {key: value for key, value in full.items() if value is not None}
    return lambda case: case["plan"].setdefault("waivers", []).append(kept)


def deployed(record: Mapping[str, Any] | None) -> Change:
    """A deployment that passed before the phases, with this record."""

    def change(case: Case) -> None:
        case["plan"]["stages"].insert(-1, "deploy")
        case["events"].insert(-2, event("deploy", "stage_passed"))
        case["deploy"] = record

    return change


def insert(position: int, item: dict[str, Any]) -> Change:
    return lambda case: case["events"].insert(position, item)


def decided(*changes: Change) -> dict[str, Any]:
    case = good()
    for change in changes:
        change(case)
    return judged(**case)


def test_everything_good_is_a_go() -> None:
    verdict = decided()
    assert verdict["decision"] == "GO"
    assert verdict["score"] == {"passed": 15, "of": 15}
    assert (verdict["reasons"], verdict["conditions"], verdict["would_change"]) == ([], [], [])
    assert set(verdict["checks"].values()) == {"pass"}
    assert verdict["finished_at"] == "2026-01-31T12:00:00.000000Z"
    assert verdict["evidence_head"] == "verdictclosed"
    for key in ("run_id", "environment", "target", "runbook", "runbook_sha256", "profile"):
        assert verdict[key] == good()["run"][key]


NO_GO = {
    "preflight": fail("S0.1"),
    "critical": fail("C1.2"),
    "invariant": fail("V5.1"),
    "indicator's own check": fail("E3.2"),
    "all three important": fail("I1.1", "I2.1", "I3.2"),
    "important by effect": [
        declare("C1.1", effect="important"),
        *fail("C1.1", "I2.1", "I3.2"),
    ],
    "nice made to count": [declare("N1.1", effect="no_go"), *fail("N1.1")],
    "failed and nothing examined": [*fail("C1.1"), answer("C1.1", examined=0)],
    "bad beside unknown": [*fail("C1.1"), answer("C2.1", status="not_run")],
    "bad in a damaged run": [*fail("C1.1"), lambda case: case["problems"].append("torn")],
    "one of two results bad": [lambda case: case["checks"].append(result("C1.1", "fail"))],
    "bad result first": [lambda case: case["checks"].insert(0, result("C1.1", "fail"))],
    "waiver on a critical": [*fail("C1.1"), waive(check="C1.1")],
    "waiver on a whole critical": [*fail("C1.1"), waive(criterion="C1")],
    "one waiver of four": [*fail("I1.1", "I1.2", "I2.1", "I3.1"), waive(check="I1.1")],
}


@pytest.mark.parametrize("changes", NO_GO.values(), ids=NO_GO.keys())
def test_proven_bad_is_no_go(changes: list[Change]) -> None:
    verdict = decided(*changes)
    assert verdict["decision"] == "NO-GO"
    assert verdict["reasons"][0]["severity"] == "no_go"


HOLD: dict[str, tuple[str, list[Change]]] = {
    "one important": ("important_fail", fail("I1.1")),
    "two important": ("important_fail", fail("I1.1", "I3.1")),
    "two checks of one and one of another": ("important_fail", fail("I1.1", "I1.2", "I2.1")),
    "hold by effect": ("check_fail", [declare("S0.1", effect="hold"), *fail("S0.1")]),
    "not run": ("check_not_run", [answer("C1.1", status="not_run")]),
    "no result": ("check_not_run", [lambda case: case["checks"].pop(3)]),
    "no results": ("check_not_run", [lambda case: case["checks"].clear()]),
    "inconclusive": ("check_inconclusive", [answer("C1.1", status="inconclusive")]),
    "important unknown": ("check_inconclusive", [answer("I1.1", status="inconclusive")]),
    "nothing examined": ("check_inconclusive", [answer("C1.1", examined=0)]),
    "examined unknown": ("check_inconclusive", [answer("C1.1", examined=None)]),
    "examined no count": ("evidence", [answer("C1.1", examined="3")]),
    "examined true": ("evidence", [answer("C1.1", examined=True)]),
    "examined negative": ("check_inconclusive", [answer("C1.1", examined=-1)]),
    "empty_ok no boolean": (
        "plan",
        [answer("C1.1", examined=0), declare("C1.1", empty_ok="no")],
    ),
    "unknown status": ("check_inconclusive", [answer("C1.1", status="PASS")]),
    "no status": ("evidence", [answer("C1.1", status=None)]),
    "undeclared result": ("evidence", [lambda case: case["checks"].append(result("C9.9"))]),
    "result twice": ("evidence", [lambda case: case["checks"].append(result("C1.1"))]),
    "evidence problem": ("evidence", [lambda case: case["problems"].append("torn")]),
    "stage failed": ("stage_failed", [insert(2, event("target", "stage_failed", message="no"))]),
    "unplanned stage failed": ("stage_failed", [insert(2, event("twin", "stage_failed"))]),
    "stage not run": ("stage_not_run", [lambda case: case["events"].pop(2)]),
    "backup after the phases": (
        "stage_order",
        [lambda case: case["events"].insert(5, case["events"].pop(2))],
    ),
    "not closed": ("not_closed", [lambda case: case["events"].pop()]),
    "passed after closing": (
        "stage_not_run",
        [lambda case: case["events"].append(case["events"].pop(5))],
    ),
    "no events": ("stage_not_run", [lambda case: case["events"].clear()]),
    "no backup record": ("backup", [lambda case: case.update(backup=None)]),
    "empty backup": ("backup", [put("backup", "size", 0)]),
    "no record of the deployment": ("deploy", [deployed(None)]),
    "deployment that does not say what was done": ("deploy", [deployed({"action": None})]),
    "backup without digest": ("backup", [lose("backup", "sha256")]),
    "backup with an empty digest": ("backup", [put("backup", "sha256", "")]),
    "no run": ("run_missing", [lambda case: case.update(run=None)]),
    "no profile": ("run_missing", [lose("run", "profile")]),
    "empty profile": ("run_incomplete", [put("run", "profile", "")]),
    "empty environment": ("run_incomplete", [put("run", "environment", "")]),
    "no runbook digest": ("run_missing", [lose("run", "runbook_sha256")]),
    "empty runbook digest": ("run_incomplete", [put("run", "runbook_sha256", "")]),
    "more keys in a result": ("evidence", [answer("C1.1", note="x")]),
    "more keys in the run": ("evidence", [put("run", "note", "x")]),
    "more keys in the plan": ("evidence", [put("plan", "note", "x")]),
    "no plan": ("plan", [lambda case: case.update(plan=None)]),
    "no checks": ("plan", [put("plan", "checks", []), lambda case: case["checks"].clear()]),
    "no stages": ("plan", [put("plan", "stages", [])]),
    "no scoring": ("plan", [put("plan", "scoring", [])]),
    "unit twice": ("plan", [lambda case: case["plan"]["scoring"].append("C1")]),
    "nice made a scoring unit": (
        "score",
        [lambda case: case["plan"]["scoring"].append("N1"), *fail("N1.1")],
    ),
    "unit unknown": ("plan", [lambda case: case["plan"]["scoring"].append("C9")]),
    "check without criterion": ("plan", [declare("N1.1", criterion="N9")]),
    "unknown effect": ("plan", [declare("C1.1", effect="ignore")]),
    "unknown class": ("plan", [lambda case: case["plan"]["criteria"][1].update({"class": "x"})]),
    "check declared twice": (
        "plan",
        [lambda case: case["plan"]["checks"].append(check("C1.1"))],
    ),
    "criterion declared twice": (
        "plan",
        [lambda case: case["plan"]["criteria"].append({"id": "C1", "title": "", "class": "nice"})],
    ),
    "criterion without a counting check": (
        "plan",
        [declare("C1.1", effect="none"), declare("C1.2", effect="none")],
    ),
    "criterion of an unknown one": (
        "plan",
        [lambda case: case["plan"]["criteria"][-1].update(of=["C9"])],
    ),
    "criteria of each other": (
        "plan",
        [lambda case: case["plan"]["criteria"][-1].update(of=["E3"])],
    ),
    "expired waiver": (
        "important_fail",
        [*fail("I1.1"), waive(check="I1.1", expires="2026-01-30")],
    ),
    "waiver without owner": ("plan", [*fail("I1.1"), waive(check="I1.1", owner=None)]),
    "waiver without reason": ("important_fail", [*fail("I1.1"), waive(check="I1.1", reason=" ")]),
    "waiver without end": ("plan", [*fail("I1.1"), waive(check="I1.1", expires=None)]),
    "waiver until no day": (
        "important_fail",
        [*fail("I1.1"), waive(check="I1.1", expires="2026-02-30")],
    ),
    "waiver until never": ("important_fail", [*fail("I1.1"), waive(check="I1.1", expires="never")]),
    "waiver until a day spelled otherwise": (
        "important_fail",
        [*fail("I1.1"), waive(check="I1.1", expires="20261231")],
    ),
    "waiver without a today": (
        "important_fail",
        [
            *fail("I1.1"),
            waive(check="I1.1"),
            lambda case: [one.update(at="") for one in case["events"]],
        ],
    ),
    "expired waiver and a clock that was set back": (
        "important_fail",
        [
            *fail("I1.1"),
            waive(check="I1.1", expires="2026-01-30"),
            lambda case: [one.update(at="2026-01-29T12:00:00Z") for one in case["events"][2:]],
        ],
    ),
    "waiver for another": ("important_fail", [*fail("I1.1"), waive(check="I1.2")]),
    "waiver for an unknown": ("important_fail", [*fail("I1.1"), waive(check="I9")]),
    "waiver for nothing": ("important_fail", [*fail("I1.1"), waive()]),
    "waiver for both": ("important_fail", [*fail("I1.1"), waive(check="I1.1", criterion="I1")]),
    "waiver no object": ("plan", [*fail("I1.1"), put("plan", "waivers", ["I1.1"])]),
    "waivers no list": ("plan", [*fail("I1.1"), put("plan", "waivers", "I1.1")]),
    "waiver on what did not run": (
        "check_not_run",
        [answer("I1.1", status="not_run"), waive(check="I1.1")],
    ),
    "waiver on a scoring check": (
        "check_fail",
        [declare("S0.1", effect="hold"), *fail("S0.1"), waive(check="S0.1")],
    ),
    "waiver on a part of a scoring unit": (
        "important_fail",
        [
            *fail("I1.1"),
            lambda case: case["plan"]["criteria"][-1].update(of=["I1"]),
            waive(check="I1.1"),
        ],
    ),
}


@pytest.mark.parametrize(("code", "changes"), HOLD.values(), ids=HOLD.keys())
def test_unknown_is_hold(code: str, changes: list[Change]) -> None:
    verdict = decided(*changes)
    assert verdict["decision"] == "HOLD"
    assert code in {reason["code"] for reason in verdict["reasons"]}
    assert verdict["would_change"]


GO: dict[str, list[Change]] = {
    "nice failed": fail("N1.1", "N1.2"),
    "nice not run": [answer("N1.1", status="not_run")],
    "nice without a result": [
        lambda case: case["checks"].remove(
            next(c for c in case["checks"] if c["check_id"] == "N1.1")
        )
    ],
    "informational failed": [declare("C1.1", effect="none"), *fail("C1.1")],
    "empty is fine": [declare("C1.1", empty_ok=True), answer("C1.1", examined=0)],
    "other order of results": [lambda case: case["checks"].reverse()],
    "a recorded deployment": [deployed({"action": "applied"})],
    "backup not planned": [
        lambda case: case["plan"]["stages"].remove("backup"),
        lambda case: case["events"].pop(2),
        lambda case: case.update(backup=None),
    ],
    "failure after closing": [lambda case: case["events"].append(event("cleanup", "stage_failed"))],
    "unplanned stage passed": [insert(3, event("twin", "stage_passed"))],
    "stage passed twice": [insert(3, event("target", "stage_passed"))],
    "important waived by check": [*fail("I1.1"), waive(check="I1.1")],
    "important waived by criterion": [*fail("I1.1", "I1.2"), waive(criterion="I1")],
    "waived until today": [*fail("I1.1"), waive(check="I1.1", expires="2026-01-31")],
    "hold waived": [
        declare("N1.1", effect="hold"),
        *fail("N1.1"),
        waive(check="N1.1"),
    ],
    "all important waived": [
        *fail("I1.1", "I2.1", "I3.1"),
        waive(criterion="I1"),
        waive(criterion="I2"),
        waive(criterion="I3"),
    ],
    "waiver not needed": [waive(check="I1.1")],
    "expired waiver not needed": [waive(check="I1.1", expires="2020-01-01")],
}


@pytest.mark.parametrize("changes", GO.values(), ids=GO.keys())
def test_benign_differences_do_not_turn_the_verdict(changes: list[Change]) -> None:
    verdict = decided(*changes)
    assert (verdict["decision"], verdict["reasons"]) == ("GO", [])
    assert verdict["score"] == {"passed": 15, "of": 15}


def test_a_waiver_takes_one_important_criterion_out_of_the_count() -> None:
    verdict = decided(*fail("I1.1", "I2.1", "I3.1"), waive(criterion="I1"))
    assert verdict["decision"] == "HOLD"
    assert [condition["code"] for condition in verdict["conditions"]] == ["waiver_applied"]
    assert verdict["criteria"]["I1"] == "fail"


@pytest.mark.parametrize(
    ("waiver", "code", "words"),
    [
        ({"check": "I1.1"}, "waiver_applied", "accepted by Ada until 2026-12-31: known"),
        ({"check": "I1.1", "expires": "2026-01-30"}, "waiver_not_applied", "expired"),
        ({"check": "I1.1", "owner": ""}, "waiver_not_applied", "no owner"),
        ({"check": "C1.1"}, "waiver_not_applied", "no_go"),
        ({"check": "I3.1"}, "waiver_not_needed", "no check"),
        ({"criterion": "I9"}, "waiver_not_applied", "no criterion"),
    ],
)
def test_every_waiver_leaves_a_condition(waiver: Mapping[str, Any], code: str, words: str) -> None:
    (condition,) = decided(*fail("I1.1", "C1.1"), waive(**waiver))["conditions"]
    assert condition["code"] == code
    assert words in condition["text"]


def test_waivers_given_replace_those_of_the_plan() -> None:
    case = good()
    for change in (*fail("I1.1"), waive(check="I1.1")):
        change(case)
    assert judged(**case)["decision"] == "GO"
    assert judged(**case, waivers=[])["decision"] == "HOLD"


def test_a_criterion_is_as_good_as_its_worst_member() -> None:
    assert decided(answer("C1.1", status="inconclusive"))["criteria"]["C1"] == "inconclusive"
    unknown = [answer("C1.1", status="inconclusive"), answer("C1.2", status="not_run")]
    assert decided(*unknown)["criteria"]["C1"] == "not_run"
    assert decided(*fail("C1.2"), unknown[0])["criteria"]["C1"] == "fail"
    assert decided(*fail("N1.1"))["criteria"]["N1"] == "fail"


@pytest.mark.parametrize(
    ("failed", "lost"),
    [("C4.1", {"C4", "E1"}), ("V3.1", {"V3", "E1"}), ("C6.1", {"C6", "E3"}), ("E3.1", {"E3"})],
)
def test_indicators_follow_what_they_are_made_of(failed: str, lost: set[str]) -> None:
    verdict = decided(*fail(failed))
    assert {key for key, status in verdict["criteria"].items() if status != "pass"} == lost
    assert verdict["score"] == {"passed": 15 - len(lost), "of": 15}
    assert [reason["subject"] for reason in verdict["reasons"]] == [failed]


def test_no_go_comes_first_and_each_in_the_order_of_the_plan() -> None:
    verdict = decided(*fail("V1.1", "C2.1", "I1.1"), answer("C1.1", status="not_run"))
    assert [reason["subject"] for reason in verdict["reasons"]] == ["C2.1", "V1.1", "C1.1", "I1.1"]


def test_a_reason_says_what_was_expected_seen_and_advised() -> None:
    (reason,) = decided(*fail("C1.1"))["reasons"]
    assert reason == {
        "code": "check_fail",
        "severity": "no_go",
        "subject": "C1.1",
        "text": "Check C1.1: failed",
        "expected": "three",
        "observed": "what was seen",
        "hint": "Mend C1.1.",
    }


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        (answer("C1.1", examined=0), "passed, but examined 0"),
        (answer("C1.1", examined=None), "passed, but examined nothing"),
        (answer("C1.1", status="inconclusive"), "what was seen"),
        (answer("C1.1", status="not_run"), "what was seen"),
        (lambda case: case["checks"].pop(2), "no result in the evidence"),
    ],
)
def test_a_reason_says_why_nothing_is_known(change: Change, observed: str) -> None:
    (reason,) = decided(change)["reasons"]
    assert reason["observed"] == observed
    # What mends a failure mends nothing that nobody has looked at.
    looked = reason["code"] == "check_inconclusive"
    told = "It has not seen enough to judge (-- @check C1.1 in sql/). Mend C1.1."
    assert reason["hint"] == (told if looked else None)


def test_a_failed_backup_is_one_reason() -> None:
    def change(case: Case) -> None:
        case["events"][2] = event("backup", "stage_failed", message="full", detail="d", hint="h")
        case["backup"] = None

    (reason,) = decided(change)["reasons"]
    assert (reason["code"], reason["text"]) == ("stage_failed", "stage failed: full")
    assert (reason["observed"], reason["hint"]) == ("d", "h")


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (fail("C1.1"), ["GO if C1.1 passes: Mend C1.1."]),
        (
            fail("C1.1", "I1.1"),
            [
                "HOLD if C1.1 passes",
                "GO needs that C1.1 passes: Mend C1.1.",
                "GO needs that I1.1 passes: Mend I1.1.",
            ],
        ),
        (
            [answer("C1.1", status="not_run"), answer("C1.2", status="not_run")],
            ["GO if C1.1, C1.2 run and pass"],
        ),
        (
            [lambda case: case["problems"].append("x")],
            ["GO if a new run leaves whole evidence behind"],
        ),
    ],
)
def test_what_would_change_it(changes: list[Change], sentences: list[str]) -> None:
    assert decided(*changes)["would_change"] == sentences


def test_three_important_need_one_to_pass_for_a_hold() -> None:
    sentences = decided(*fail("I1.1", "I2.1", "I3.1"))["would_change"]
    assert sentences[0] == "HOLD if 1 of the criteria I1, I2, I3 pass"


def test_a_missing_plan_is_one_problem() -> None:
    verdict = decided(lambda case: case.update(plan=None))
    assert [reason["text"] for reason in verdict["reasons"]] == ["there is no plan"]


def test_misfits_are_told_once() -> None:
    case = good()
    case["checks"].append(result("C9.9"))
    plan = read(PlanRecord, case["plan"], file="plan.json")
    checks = [read(CheckResult, one, file="checks.jsonl") for one in case["checks"]]
    problems = misfits(plan, checks)
    assert problems == ["check C9.9 is not declared in the plan"]
    verdict = judged(**{**case, "problems": problems})
    assert [reason["code"] for reason in verdict["reasons"]] == ["evidence"]


def test_nothing_given_is_changed_and_the_bytes_are_the_same_twice() -> None:
    case = good()
    for change in (*fail("I1.1", "C1.1"), waive(check="I1.1")):
        change(case)
    before = copy.deepcopy(case)
    first = canonical.dumps(judged(**case))
    assert case == before
    assert canonical.dumps(judged(**json.loads(json.dumps(case, sort_keys=True)))) == first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "checks", "criteria", "of", "class", "stages", "scoring"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(part=st.sampled_from(["run", "plan", "backup", "checks", "events"]), value=JSON)
def test_junk_never_raises_and_is_a_hold(part: str, value: Any) -> None:
    case = good()
    if part in ("checks", "events"):
        case[part] = value if isinstance(value, list) else [value]
    else:
        case[part] = value
    verdict = judged(**case)
    assert verdict["decision"] == "HOLD"
    canonical.dumps(verdict)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([check["id"] for check in good()["plan"]["checks"]]),
            st.sampled_from(["fail", "not_run", "inconclusive"]),
        ),
        max_size=6,
    )
)
def test_the_verdict_is_never_better_than_its_worst_check(changed: list[tuple[str, str]]) -> None:
    verdict = decided(*(answer(check_id, status=status) for check_id, status in changed))
    counting = {key: value for key, value in verdict["checks"].items() if key[0] != "N"}
    if verdict["decision"] == "GO":
        assert set(counting.values()) == {"pass"}
        assert verdict["score"] == {"passed": 15, "of": 15}
    elif verdict["decision"] == "HOLD":
        assert not [key for key, value in counting.items() if value == "fail" and key[0] != "I"]
    else:
        assert "fail" in counting.values()
