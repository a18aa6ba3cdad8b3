"""The plan as the verdict sees it: criteria and checks by id, and what is wrong with it.

What cannot be understood of a plan is among its `problems`; nothing raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..contract.records.plan import PlannedCheck, PlannedCriterion, PlanRecord

EFFECTS = ("no_go", "hold", "important", "none")
# What a failed check means unless it says so itself, by its criterion's class.
CLASSES = {
    "preflight": "no_go",
    "critical": "no_go",
    "invariant": "no_go",
    "indicator": "no_go",
    "important": "important",
    "nice": "none",
}


@dataclass(frozen=True)
class Check:
    id: str
    title: str
    criterion: str
    effect: str
    empty_ok: bool
    remedy: str


@dataclass(frozen=True)
class Criterion:
    id: str
    title: str
    kind: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class RunPlan:
    """A plan as far as it can be understood; `problems` says what could not. `nothing_pending` is
    as in `PlanRecord`."""

    stages: tuple[str, ...]
    criteria: dict[str, Criterion]
    checks: dict[str, Check]
    scoring: tuple[str, ...]
    problems: tuple[str, ...]
    nothing_pending: bool = False

    def members(self, criterion: Criterion) -> list[Check]:
        """Return the criterion's counting checks; nice-to-have is reported, so all count there."""
        own = [check for check in self.checks.values() if check.criterion == criterion.id]
        return [check for check in own if check.effect != "none" or criterion.kind == "nice"]

    def scored(self) -> set[str]:
        """Return the criteria the score rests on: the scoring units and what they are made of."""
        found: set[str] = set()
        ahead = list(self.scoring)
        while ahead:
            unit = ahead.pop()
            if unit not in found and unit in self.criteria:
                found.add(unit)
                ahead.extend(self.criteria[unit].of)
        return found


def read_plan(record: PlanRecord | None) -> RunPlan:
    """Return the plan as far as it can be understood."""
    if record is None:
        return RunPlan((), {}, {}, (), ("there is no plan",))
    criteria, problems = _criteria(record.criteria)
    checks, more = _checks(record.checks, criteria)
    found = RunPlan(
        tuple(record.stages),
        criteria,
        checks,
        tuple(record.scoring),
        (),
        nothing_pending=bool(record.nothing_pending),
    )
    return replace(found, problems=(*problems, *more, *_gaps(found)))


def _criteria(planned: Sequence[PlannedCriterion]) -> tuple[dict[str, Criterion], list[str]]:
    criteria: dict[str, Criterion] = {}
    problems = []
    for one in planned:
        if one.id in criteria:
            problems.append(f"criterion {one.id} is declared twice")
        if one.class_ not in CLASSES:
            problems.append(f"criterion {one.id} has no known class")
        criterion = Criterion(one.id, one.title, one.class_, tuple(one.of or ()))
        criteria.setdefault(one.id, criterion)
    return criteria, problems


def _checks(
    planned: Sequence[PlannedCheck], criteria: Mapping[str, Criterion]
) -> tuple[dict[str, Check], list[str]]:
    checks: dict[str, Check] = {}
    problems = []
    for one in planned:
        home = criteria.get(one.criterion)
        effect = one.effect
        if home is None:
            problems.append(f"check {one.id} belongs to no declared criterion")
        if effect is not None and effect not in EFFECTS:
            problems.append(f"check {one.id} has no known effect")
        if effect not in EFFECTS:
            effect = CLASSES.get(home.kind if home else "", "no_go")
        if one.id in checks:
            problems.append(f"check {one.id} is declared twice")
        check = Check(
            id=one.id,
            title=one.title,
            criterion=home.id if home else "",
            effect=effect,
            empty_ok=one.empty_ok,
            remedy=one.remedy,
        )
        checks.setdefault(one.id, check)
    return checks, problems


def _gaps(plan: RunPlan) -> list[str]:
    """Say what a plan lacks to be able to carry a GO."""
    parts = {"stages": plan.stages, "checks": plan.checks, "scoring": plan.scoring}
    problems = [f"the plan has no {name}" for name, part in parts.items() if not part]
    if len(set(plan.scoring)) < len(plan.scoring):
        problems.append("a scoring unit is counted twice")
    problems += [
        f"scoring unit {unit} is no criterion" for unit in plan.scoring if unit not in plan.criteria
    ]
    for criterion in plan.criteria.values():
        problems += [
            f"criterion {criterion.id} is made of {part}, which is no criterion"
            for part in criterion.of
            if part not in plan.criteria
        ]
        if criterion.kind != "nice" and not criterion.of and not plan.members(criterion):
            problems.append(f"criterion {criterion.id} has no check that counts")
    return problems
