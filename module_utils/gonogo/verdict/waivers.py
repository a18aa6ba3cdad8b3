"""Waivers: which failed checks are accepted for now, by whom, and why the others are not.

A waiver names a `check` or a `criterion`. It is applied to failed checks with the effect
important or hold that do not count for the score, up to and including the day it expires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from .conditions import condition
from .plan import Check, Plan
from .values import items, mapping, text_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def waive(
    plan: Plan, statuses: Mapping[str, str], waivers: Any, today: str
) -> tuple[set[str], list[dict[str, str]]]:
    """Return the ids of failed checks that are waived, and a condition for every waiver."""
    waived: set[str] = set()
    conditions: list[dict[str, str]] = []
    entries = items(waivers)
    if waivers is not None and not isinstance(waivers, (list, tuple)):
        entries = [waivers]
    for entry in map(mapping, entries):
        kind, subject = _subject(entry)
        obstacle = next(_obstacles(plan, entry, kind, subject, today), "")
        failed = [
            check
            for check in plan.checks.values()
            if statuses[check.id] == "fail"
            and subject == (check.id if kind == "check" else check.criterion)
        ]
        if obstacle:
            text = f"waiver not applied: {obstacle}"
            conditions.append(condition("waiver_not_applied", subject or "waiver", text))
            continue
        if not failed:
            text = "waiver not needed: no check it names has failed"
            conditions.append(condition("waiver_not_needed", subject, text))
        for check in failed:
            refusal = _refusal(plan, check)
            if refusal:
                text = f"waiver not applied: {refusal}"
                conditions.append(condition("waiver_not_applied", check.id, text))
            else:
                waived.add(check.id)
                text = (
                    f"{check.title}: failed, accepted by {entry['owner']} until "
                    f"{entry['expires']}: {entry['reason']}"
                )
                conditions.append(condition("waiver_applied", check.id, text))
    return waived, conditions


def _subject(waiver: Mapping[str, Any]) -> tuple[str, str]:
    """Return what kind of thing a waiver names, and its id; both empty unless it names one."""
    kinds = [kind for kind in ("check", "criterion") if kind in waiver]
    return (kinds[0], text_of(waiver[kinds[0]])) if len(kinds) == 1 else ("", "")


def _obstacles(
    plan: Plan, waiver: Mapping[str, Any], kind: str, subject: str, today: str
) -> Iterator[str]:
    """Say why a waiver cannot be applied to anything, the first obstacle first."""
    if not subject:
        yield "it must name a check or a criterion"
    elif subject not in (plan.checks if kind == "check" else plan.criteria):
        yield f"the plan has no {kind} of this id"
    for key in ("owner", "reason", "expires"):
        if not isinstance(waiver.get(key), str) or not waiver[key].strip():
            yield f"it has no {key}"
    expires = text_of(waiver.get("expires"))
    if not _is_day(expires):
        yield "expires is not a date like 2026-01-31"
    if not _is_day(today):
        yield "the evidence does not say which day it is"
    if expires < today:
        yield f"it expired on {expires}"


def _refusal(plan: Plan, check: Check) -> str:
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
