"""What would have to happen for a better decision, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..contract.records.verdict import Reason
from .plan import RunPlan
from .reasons import IMPORTANT_NO_GO

_GOALS = {
    "check_fail": "{} passes",
    "important_fail": "{} passes",
    "check_inconclusive": "{} sees data and passes",
    "stage_failed": "stage {} passes",
    "stage_not_run": "stage {} runs and passes",
    "stage_order": "the stages run in order",
    "backup": "the backup is made and recorded",
    "deploy": "the deployment is recorded",
    "promotion": "the run is shown the evidence of a GO on the environment before",
    "twin_unproven": "the backup is restored and compared with its source",
    "twin_unequal": "the backup, restored, equals its source",
    "rehearsal_failed": "the migration and its undo work on a copy",
    "rehearsal_slow": "no statement takes longer on a copy than it may",
    "rehearsal_unlike": "the schema is the one that was validated",
    "rehearsal_missing": "the run is rehearsed on a copy",
    "drift": "the database is what its migrations make of an empty one",
    "not_closed": "a run reaches its end",
}


def would_change(reasons: Sequence[Reason], plan: RunPlan) -> list[str]:
    """Return one sentence per step to a GO; checks that did not run share one."""
    # A check that fails on a copy only is to be mended as one that fails everywhere.
    reasons = [replace(reason, code=_settled(reason.code)) for reason in reasons]
    no_go = [reason for reason in reasons if reason.severity == "no_go"]
    proven = [reason.subject for reason in no_go if reason.code == "check_fail"]
    if any(reason.code == "twin_unequal" for reason in no_go):
        proven.insert(0, "the restored backup")
    if any(reason.code == "rehearsal_failed" for reason in no_go):
        proven.insert(0, "the migration and its undo on a copy")
    if any(reason.code == "rehearsal_slow" for reason in no_go):
        proven.insert(0, "the migration within its budgets")
    important = [reason.subject for reason in no_go if reason.code == "important_fail"]
    sentences = []
    if important:
        failed = {plan.checks[subject].criterion: None for subject in important}
        enough = len(failed) - IMPORTANT_NO_GO + 1
        proven.append(f"{enough} of the criteria {', '.join(failed)}")
    if no_go and (important or len(no_go) < len(reasons)):
        verb = "passes" if len(proven) == 1 and not important else "pass"
        sentences.append(f"HOLD if {' and '.join(proven)} {verb}")

    not_run = [reason.subject for reason in reasons if reason.code == "check_not_run"]
    steps = [
        (_GOALS[reason.code].format(reason.subject), reason.hint)
        for reason in reasons
        if reason.code in _GOALS
    ]
    if not_run:
        verb = "runs and passes" if len(not_run) == 1 else "run and pass"
        steps.append((f"{', '.join(not_run)} {verb}", None))
    if {reason.code for reason in reasons} - {*_GOALS, "check_not_run"}:
        steps.append(("a new run leaves whole evidence behind", None))
    opening = "GO if" if len(steps) == 1 else "GO needs that"
    sentences += [f"{opening} {goal}" + (f": {hint}" if hint else "") for goal, hint in steps]
    return sentences


def _settled(code: str) -> str:
    ordinary = code.removeprefix("rehearsal_")
    return ordinary if ordinary.startswith(("check_", "important_")) else code
