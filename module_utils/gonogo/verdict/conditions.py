"""Conditions: what a verdict says beside its decision about waivers and what does not count."""

from __future__ import annotations

from collections.abc import Mapping

from ..contract.records.plan import PlanRecord
from ..contract.records.verdict import Condition
from .plan import RunPlan
from .statuses import WORDS


def informational(plan: RunPlan, statuses: Mapping[str, str]) -> list[Condition]:
    return [
        Condition(
            "informational",
            check.id,
            f"{check.title}: {WORDS[statuses[check.id]]}; does not count",
        )
        for check in plan.checks.values()
        if check.effect == "none" and statuses[check.id] != "pass"
    ]


def nothing_pending(plan: RunPlan) -> list[Condition]:
    """That a run has judged no migration, and so lets none in elsewhere."""
    if not plan.nothing_pending:
        return []
    text = "every migration of the folder is applied: what is there was judged, and no migration"
    return [Condition("nothing_pending", "history", text)]


def set_otherwise(planned: PlanRecord | None) -> list[Condition]:
    """The criteria that count as somebody has set them."""
    levels = (planned.set_criteria if planned else None) or {}
    return [
        Condition("criterion_set", name, f"counts as {level}: gonogo_criteria of the inventory")
        for name, level in levels.items()
    ]
