"""Reasons against a GO: what is proven bad (`no_go`), and what is unknown (`hold`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .plan import Check, Plan
from .statuses import WORDS
from .values import mapping, text_of

# So many failed important criteria are a NO-GO, fewer a HOLD.
IMPORTANT_NO_GO = 3
RUN_KEYS = ("run_id", "environment", "target", "runbook", "runbook_sha256", "profile")
# The environment that is protected whatever its inventory says.
PRODUCTION = "production"
# What stages leave behind: what it is about, and what a record of it has to say.
_RECORDS = {"backup": ("backup", ("file", "size", "sha256")), "deploy": ("deployment", ("action",))}


def run_reasons(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not run:
        return [hold("run_missing", "run", "nothing says which run, database and runbook this is")]
    reasons = [
        hold("run_incomplete", "run", f"run.json does not say the {key}")
        for key in RUN_KEYS
        if not run.get(key)
    ]
    if is_protected(run) and not run.get("promotion"):
        text = "no evidence of another environment has let this run in"
        reasons.append(hold("promotion", "run", text))
    return reasons


def is_protected(run: Mapping[str, Any]) -> bool:
    """Whether a run (its run.json) is on a protected target: one that does not say it is none."""
    return run.get("protected") is not False or run.get("environment") == PRODUCTION


def stage_reasons(
    plan: Plan, events: Sequence[Mapping[str, Any]], closed: bool
) -> list[dict[str, Any]]:
    reasons = []
    passed: dict[str, int] = {}
    failed: set[str] = set()
    for position, event in enumerate(events):
        stage, data = text_of(event.get("stage")), mapping(event.get("data"))
        if event.get("event") == "stage_passed":
            passed.setdefault(stage, position)
        elif event.get("event") == "stage_failed":
            failed.add(stage)
            text = f"stage failed: {text_of(data.get('message')) or 'no message'}"
            more = {"observed": data.get("detail"), "hint": data.get("hint")}
            reasons.append(hold("stage_failed", stage, text, **more))
    reasons += [
        hold("stage_not_run", stage, "stage did not run")
        for stage in plan.stages
        if stage not in passed and stage not in failed
    ]
    order = [stage for stage in sorted(passed, key=passed.__getitem__) if stage in plan.stages]
    if order != [stage for stage in plan.stages if stage in passed]:
        text = f"stages did not run in the order {', '.join(plan.stages)}"
        reasons.append(hold("stage_order", "stages", text, observed=", ".join(order)))
    if not closed:
        reasons.append(hold("not_closed", "run", "the run was not closed"))
    return reasons


def record_reasons(
    events: Sequence[Mapping[str, Any]], **records: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """A stage that passed must have left its record; one that did not is a reason by itself."""
    passed = {event.get("stage") for event in events if event.get("event") == "stage_passed"}
    reasons = []
    for stage, (what, keys) in _RECORDS.items():
        record = mapping(records[stage])
        missing = [key for key in keys if not record.get(key)]
        text = f"there is no record of the {what}"
        if record:
            text = f"the record of the {what} does not say its {' and '.join(missing)}"
        if stage in passed and missing:
            reasons.append(hold(stage, stage, text))
    return reasons


def check_reasons(
    plan: Plan,
    statuses: Mapping[str, str],
    results: Mapping[str, Mapping[str, Any]],
    waived: set[str],
) -> list[dict[str, Any]]:
    important = {
        check.criterion
        for check in plan.checks.values()
        if check.effect == "important" and statuses[check.id] == "fail" and check.id not in waived
    }
    failure = {
        "no_go": "no_go",
        "hold": "hold",
        "important": "no_go" if len(important) >= IMPORTANT_NO_GO else "hold",
    }
    reasons = []
    for check in plan.checks.values():
        status = statuses[check.id]
        if status == "pass" or check.effect == "none" or check.id in waived:
            continue
        result = results.get(check.id, {})
        code = f"check_{status}"
        if status == "fail" and check.effect == "important":
            code = "important_fail"
        observed = result.get("observed")
        if status == "inconclusive" and result.get("status") == "pass":
            observed = f"passed, but examined {text_of(result.get('examined')) or 'nothing'}"
        elif not result:
            observed = "no result in the evidence"
        reasons.append(
            _reason(
                code,
                failure[check.effect] if status == "fail" else "hold",
                check.id,
                f"{check.title}: {WORDS[status]}",
                expected=result.get("expected"),
                observed=observed,
                hint=_advice(check, status),
            )
        )
    return reasons


def _advice(check: Check, status: str) -> str | None:
    """A remedy is of what was looked at: where nobody has looked, it mends nothing."""
    if status == "inconclusive":
        return f"It has not seen enough to judge (-- @check {check.id} in sql/). {check.remedy}"
    return check.remedy if status == "fail" else None


def hold(code: str, subject: str, text: str, **more: Any) -> dict[str, Any]:
    return _reason(code, "hold", subject, text, **more)


def no_go(code: str, subject: str, text: str, **more: Any) -> dict[str, Any]:
    return _reason(code, "no_go", subject, text, **more)


def _reason(
    code: str,
    severity: str,
    subject: str,
    text: str,
    *,
    expected: Any = None,
    observed: Any = None,
    hint: Any = None,
) -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "subject": subject,
        "text": text,
        "expected": text_of(expected) or None,
        "observed": text_of(observed) or None,
        "hint": text_of(hint) or None,
    }
