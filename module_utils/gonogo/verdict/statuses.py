"""Results against the plan: which fit it, and what checks and criteria have come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .plan import Check, Plan, read_plan
from .values import mapping, text_of

# Worst first: a criterion is as good as the worst of its members.
STATUSES = ("fail", "not_run", "inconclusive", "pass")
WORDS = {"fail": "failed", "not_run": "did not run", "inconclusive": "proved nothing"}


def misfits(plan: Mapping[str, Any] | None, checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which check results the plan does not declare, and which are there more than once."""
    declared = read_plan(plan).checks
    seen: dict[str, int] = {}
    for result in checks:
        check_id = text_of(mapping(result).get("check_id"))
        seen[check_id] = seen.get(check_id, 0) + 1
    found = [f"check {key} is not declared in the plan" for key in seen if key not in declared]
    if not declared:
        found = []  # the plan itself is the problem, said once
    found += [f"check {key} has {count} results" for key, count in seen.items() if count > 1]
    return found


def check_statuses(
    plan: Plan, checks: Sequence[Any]
) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    """Return id → status for every declared check, and id → the result that decided it."""
    statuses: dict[str, str] = {}
    results: dict[str, Mapping[str, Any]] = {}
    for result in map(mapping, checks):
        check = plan.checks.get(text_of(result.get("check_id")))
        if check is None:
            continue
        status = _status(check, result)
        if check.id not in statuses or STATUSES.index(status) < STATUSES.index(statuses[check.id]):
            statuses[check.id], results[check.id] = status, result
    return {key: statuses.get(key, "not_run") for key in plan.checks}, results


def criterion_statuses(plan: Plan, statuses: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return id → status for every criterion, and a sentence if some are made of each other."""
    known: dict[str, str] = {}
    pending = dict(plan.criteria)
    while pending:
        ready = [
            criterion
            for criterion in pending.values()
            if not any(part in pending for part in criterion.of)
        ]
        if not ready:
            break
        for criterion in ready:
            parts = [known.get(part, "not_run") for part in criterion.of]
            own = [statuses[check.id] for check in plan.members(criterion)]
            known[criterion.id] = _worst([*parts, *own])
            del pending[criterion.id]
    loops = [f"criteria {', '.join(pending)} are made of each other"] if pending else []
    return {key: known.get(key, "inconclusive") for key in plan.criteria}, loops


def _status(check: Check, result: Mapping[str, Any]) -> str:
    """Return the result's status, where a pass without a look at anything proves nothing."""
    status, examined = result.get("status"), result.get("examined")
    if status not in STATUSES:
        return "inconclusive"
    if status == "pass":
        if not isinstance(examined, int) or isinstance(examined, bool):
            return "inconclusive"
        if examined < 0 or (examined == 0 and not check.empty_ok):
            return "inconclusive"
    return str(status)


def _worst(statuses: Iterable[str]) -> str:
    return min(statuses, key=STATUSES.index, default="not_run")
