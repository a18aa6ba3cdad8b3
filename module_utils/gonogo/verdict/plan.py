"""The plan, as `plan.json` holds it:

    {"title": "Orders, master tables",
     "stages": ["target", "backup", "twin", "copy_sql", "preflight", "phases"],   # in order
     "criteria": [{"id": "C4", "title": "Freeze by reference", "class": "critical"},
                  {"id": "E1", "title": "Config immutability", "class": "indicator",
                   "of": ["C4", "V3"]}],        # optional: criteria it is made of
     "checks": [{"id": "C4.1", "title": "...", "criterion": "C4", "phase": "02_lifecycle_C3_C4",
                 "effect": null,                # no_go | hold | important | none; null: by class
                 "empty_ok": false, "remedy": "..."}],
     "scoring": ["S0", "C1", "E1"],             # criteria; a GO has all of them
     "report": {"headings": {"critical": "Critical Tests"}, "facts": {"heading": "Found before",
                "labels": [{"fact": "names", "label": "Names"}]}},   # optional, the report's alone
     "waivers": [{"check": "I2.1", "owner": "...", "reason": "...", "expires": "2026-03-31"}]}

What cannot be understood of a plan is among its `problems`; nothing raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .values import items, mapping, text_of

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
class Plan:
    """A plan as far as it can be understood; `problems` says what could not."""

    stages: tuple[str, ...]
    criteria: dict[str, Criterion]
    checks: dict[str, Check]
    scoring: tuple[str, ...]
    problems: tuple[str, ...]

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


def read_plan(plan: Any) -> Plan:
    """Return the plan as far as it can be understood."""
    raw = mapping(plan)
    problems: list[str] = [] if raw else ["there is no plan"]
    criteria: dict[str, Criterion] = {}
    for entry in map(mapping, items(raw.get("criteria"))):
        criterion = Criterion(
            id=text_of(entry.get("id")),
            title=text_of(entry.get("title")),
            kind=text_of(entry.get("class")),
            of=tuple(map(text_of, items(entry.get("of")))),
        )
        if criterion.id in criteria:
            problems.append(f"criterion {criterion.id} is declared twice")
        if criterion.kind not in CLASSES:
            problems.append(f"criterion {criterion.id} has no known class")
        criteria.setdefault(criterion.id, criterion)

    checks: dict[str, Check] = {}
    for entry in map(mapping, items(raw.get("checks"))):
        check_id, home = text_of(entry.get("id")), criteria.get(text_of(entry.get("criterion")))
        effect = entry.get("effect")
        if home is None:
            problems.append(f"check {check_id} belongs to no declared criterion")
        if effect is not None and effect not in EFFECTS:
            problems.append(f"check {check_id} has no known effect")
        if effect not in EFFECTS:
            effect = CLASSES.get(home.kind if home else "", "no_go")
        if check_id in checks:
            problems.append(f"check {check_id} is declared twice")
        checks.setdefault(
            check_id,
            Check(
                id=check_id,
                title=text_of(entry.get("title")),
                criterion=home.id if home else "",
                effect=effect,
                empty_ok=entry.get("empty_ok") is True,
                remedy=text_of(entry.get("remedy")),
            ),
        )

    stages = tuple(map(text_of, items(raw.get("stages"))))
    scoring = tuple(map(text_of, items(raw.get("scoring"))))
    found = Plan(stages, criteria, checks, scoring, ())
    if raw:
        problems += _gaps(found)
    return Plan(stages, criteria, checks, scoring, tuple(problems))


def _gaps(plan: Plan) -> list[str]:
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
