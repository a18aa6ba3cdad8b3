"""Waivers: which failed checks are accepted for now, by whom, and why the others are not.

A waiver names a `check` or a `criterion`. It is applied to failed checks with the effect
important or hold that do not count for the score, up to and including the day it expires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ..contract.records.plan import PlannedWaiver
from ..contract.records.verdict import Condition
from .plan import Check, RunPlan

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def waive(
    plan: RunPlan, statuses: Mapping[str, str], waivers: Sequence[PlannedWaiver], today: str
) -> tuple[set[str], list[Condition]]:
    """Return the ids of failed checks that are waived, and a condition for every waiver."""
    waived: set[str] = set()
    conditions: list[Condition] = []
    for waiver in waivers:
        kind, subject = _subject(waiver)
        obstacle = next(_obstacles(plan, waiver, kind, subject, today), "")
        failed = [
            check
            for check in plan.checks.values()
            if statuses[check.id] == "fail"
            and subject == (check.id if kind == "check" else check.criterion)
        ]
        if obstacle:
            text = f"waiver not applied: {obstacle}"
            conditions.append(Condition("waiver_not_applied", subject or "waiver", text))
            continue
        if not failed:
            text = "waiver not needed: no check it names has failed"
            conditions.append(Condition("waiver_not_needed", subject, text))
        for check in failed:
            refusal = _refusal(plan, check)
            if refusal:
                text = f"waiver not applied: {refusal}"
                conditions.append(Condition("waiver_not_applied", check.id, text))
            else:
                waived.add(check.id)
                text = (
                    f"{check.title}: failed, accepted by {waiver.owner} until "
                    f"{waiver.expires}: {waiver.reason}"
                )
                conditions.append(Condition("waiver_applied", check.id, text))
    return waived, conditions


def _subject(waiver: PlannedWaiver) -> tuple[str, str]:
    """Return what kind of thing a waiver names, and its id; both empty unless it names one."""
    named = (("check", waiver.check), ("criterion", waiver.criterion))
    found = [(kind, subject) for kind, subject in named if subject is not None]
    return found[0] if len(found) == 1 else ("", "")


def _obstacles(
    plan: RunPlan, waiver: PlannedWaiver, kind: str, subject: str, today: str
) -> Iterator[str]:
    """Say why a waiver cannot be applied to anything, the first obstacle first."""
    if not subject:
        yield "it must name a check or a criterion"
    elif subject not in (plan.checks if kind == "check" else plan.criteria):
        yield f"the plan has no {kind} of this id"
    parts = {"owner": waiver.owner, "reason": waiver.reason, "expires": waiver.expires}
    yield from (f"it has no {key}" for key, text in parts.items() if not text.strip())
    if not _is_day(waiver.expires):
        yield "expires is not a date like 2026-01-31"
    if not _is_day(today):
        yield "the evidence does not say which day it is"
    if waiver.expires < today:
        yield f"it expired on {waiver.expires}"


def may_be_waived(plan: RunPlan, check_id: str) -> bool:
    """Whether a waiver would cover the failure of this check."""
    check = plan.checks.get(check_id)
    return check is not None and not _refusal(plan, check)


def _refusal(plan: RunPlan, check: Check) -> str:
    """Say why a failed check must not be waived, if so."""
    if check.effect not in ("important", "hold"):
        return f"the effect of a failure is {check.effect}"
    if check.criterion in plan.scored():
        return f"criterion {check.criterion} counts for the score"
    return ""


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
