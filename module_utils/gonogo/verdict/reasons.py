"""Reasons against a GO: what is proven bad (`no_go`), and what is unknown (`hold`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from ..contract.records.backup import BackupRecord
from ..contract.records.check_result import CheckResult
from ..contract.records.event import Event
from ..contract.records.run import RunRecord
from ..contract.records.verdict import Reason
from .plan import Check, RunPlan
from .statuses import WORDS
from .values import text_of

Severity = Literal["no_go", "hold"]
# So many failed important criteria are a NO-GO, fewer a HOLD.
IMPORTANT_NO_GO = 3
RUN_KEYS = ("run_id", "environment", "target", "runbook", "runbook_sha256", "profile")
# The environment that is protected whatever its inventory says.
PRODUCTION = "production"
# What the record of a backup has to say.
_OF_BACKUP = ("file", "size", "sha256")


def run_reasons(run: RunRecord | None) -> list[Reason]:
    if run is None:
        return [hold("run_missing", "run", "nothing says which run, database and runbook this is")]
    reasons = [
        hold("run_incomplete", "run", f"run.json does not say the {key}")
        for key in RUN_KEYS
        if not getattr(run, key)
    ]
    if is_protected(run) and not run.promotion:
        text = "no evidence of another environment admits this run"
        reasons.append(hold("promotion", "run", text))
    return reasons


def is_protected(run: RunRecord | None) -> bool:
    """Whether a run is on a protected target: one that does not say it is none."""
    return run is None or run.protected or run.environment == PRODUCTION


def stage_reasons(
    plan: RunPlan, events: Sequence[Event], closed: bool, *, told: Collection[str] = ()
) -> list[Reason]:
    """What the chain says of the stages. `told` are the checks that are reasons themselves: that a
    stage failed because of one of them is told there."""
    reasons = []
    passed: dict[str, int] = {}
    failed: set[str] = set()
    for position, event in enumerate(events):
        stage, data = event.stage, event.data
        if event.event == "stage_passed":
            passed.setdefault(stage, position)
        elif event.event == "stage_failed":
            failed.add(stage)
            if text_of(data.get("check")) in told:
                continue
            text = f"stage failed: {text_of(data.get('message')) or 'no message'}"
            more = {"observed": text_of(data.get("detail")), "hint": text_of(data.get("hint"))}
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
    events: Sequence[Event], *, backup: BackupRecord | None, deploy: Mapping[str, object] | None
) -> list[Reason]:
    """A stage that passed must have left its record; one that did not is a reason by itself."""
    passed = stages_passed(events)
    reasons = []
    if "backup" in passed:
        missing = [key for key in _OF_BACKUP if backup and not getattr(backup, key)]
        if backup is None or missing:
            reasons.append(_no_record("backup", "backup", missing))
    if "deploy" in passed and not (deploy or {}).get("action"):
        reasons.append(_no_record("deploy", "deployment", ["action"] if deploy else []))
    return reasons


def stages_passed(events: Sequence[Event]) -> set[str]:
    return {event.stage for event in events if event.event == "stage_passed"}


def _no_record(stage: str, what: str, missing: Sequence[str]) -> Reason:
    text = f"there is no record of the {what}"
    if missing:
        text = f"the record of the {what} does not say its {' and '.join(missing)}"
    return hold(stage, stage, text)


def check_reasons(
    plan: RunPlan,
    statuses: Mapping[str, str],
    results: Mapping[str, CheckResult],
    waived: set[str],
) -> list[Reason]:
    important = {
        check.criterion
        for check in plan.checks.values()
        if check.effect == "important" and statuses[check.id] == "fail" and check.id not in waived
    }
    failure: dict[str, Severity] = {
        "no_go": "no_go",
        "hold": "hold",
        "important": "no_go" if len(important) >= IMPORTANT_NO_GO else "hold",
    }
    reasons = []
    for check in plan.checks.values():
        status = statuses[check.id]
        if status == "pass" or check.effect == "none" or check.id in waived:
            continue
        result = results.get(check.id)
        code = f"check_{status}"
        if status == "fail" and check.effect == "important":
            code = "important_fail"
        observed = result.observed if result else "no result in the evidence"
        if result and status == "inconclusive" and result.status == "pass":
            observed = f"passed, but examined {text_of(result.examined) or 'nothing'}"
        reasons.append(
            _reason(
                code,
                failure[check.effect] if status == "fail" else "hold",
                check.id,
                f"{check.title}: {WORDS[status]}",
                expected=result.expected if result else None,
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


def hold(code: str, subject: str, text: str, **more: str | None) -> Reason:
    return _reason(code, "hold", subject, text, **more)


def no_go(code: str, subject: str, text: str, **more: str | None) -> Reason:
    return _reason(code, "no_go", subject, text, **more)


def _reason(
    code: str,
    severity: Severity,
    subject: str,
    text: str,
    *,
    expected: str | None = None,
    observed: str | None = None,
    hint: str | None = None,
) -> Reason:
    """What says nothing is None."""
    return Reason(
        code=code,
        severity=severity,
        subject=subject,
        text=text,
        expected=expected or None,
        observed=observed or None,
        hint=hint or None,
    )
