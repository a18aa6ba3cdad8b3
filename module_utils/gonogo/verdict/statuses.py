"""Results against the plan: which fit it, and what checks and criteria have come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ..contract.records.check_result import CheckResult
from ..contract.records.plan import PlanRecord
from .plan import Check, RunPlan, read_plan

Status = Literal["fail", "not_run", "inconclusive", "pass"]
# Worst first: a criterion is as good as the worst of its members.
STATUSES: tuple[Status, ...] = ("fail", "not_run", "inconclusive", "pass")
_KNOWN: dict[str, Status] = {status: status for status in STATUSES}
# Of a check that did not run where it should have.
COPY_ONLY = "ran on the copy only"
WORDS = {"fail": "failed", "not_run": "did not run", "inconclusive": "proved nothing"}


def misfits(plan: PlanRecord | None, checks: Sequence[CheckResult]) -> list[str]:
    """Say which check results the plan does not declare, and which are there more than once."""
    declared = read_plan(plan).checks
    seen: dict[str, int] = {}
    for result in checks:
        seen[result.check_id] = seen.get(result.check_id, 0) + 1
    found = [f"check {key} is not declared in the plan" for key in seen if key not in declared]
    if not declared:
        found = []  # the plan itself is the problem, said once
    found += [f"check {key} has {count} results" for key, count in seen.items() if count > 1]
    return found


def check_statuses(
    plan: RunPlan, checks: Sequence[CheckResult]
) -> tuple[dict[str, Status], dict[str, CheckResult]]:
    """Return id → status for every declared check, and id → the result that decided it."""
    statuses: dict[str, Status] = {}
    results: dict[str, CheckResult] = {}
    for result in checks:
        check = plan.checks.get(result.check_id)
        if check is None:
            continue
        status = _status(check, result)
        if check.id not in statuses or STATUSES.index(status) < STATUSES.index(statuses[check.id]):
            statuses[check.id], results[check.id] = status, result
    return {key: statuses.get(key, "not_run") for key in plan.checks}, results


def criterion_statuses(
    plan: RunPlan, statuses: Mapping[str, Status]
) -> tuple[dict[str, Status], list[str]]:
    """Return id → status for every criterion, and a sentence if some are made of each other."""
    known: dict[str, Status] = {}
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
            parts: list[Status] = [known.get(part, "not_run") for part in criterion.of]
            own = [statuses[check.id] for check in plan.members(criterion)]
            known[criterion.id] = _worst([*parts, *own])
            del pending[criterion.id]
    loops = [f"criteria {', '.join(pending)} are made of each other"] if pending else []
    return {key: known.get(key, "inconclusive") for key in plan.criteria}, loops


def _status(check: Check, result: CheckResult) -> Status:
    """Return the result's status, where a pass without a look at anything proves nothing."""
    status, examined = _KNOWN.get(result.status), result.examined
    if status is None:
        return "inconclusive"
    seen = examined is not None and examined >= (not check.empty_ok)
    return "inconclusive" if status == "pass" and not seen else status


def _worst(statuses: Iterable[Status]) -> Status:
    return min(statuses, key=STATUSES.index, default="not_run")
