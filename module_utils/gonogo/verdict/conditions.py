"""Conditions: what a verdict says beside its decision about waivers and what does not count."""

from __future__ import annotations

from collections.abc import Mapping

from .plan import Plan
from .statuses import WORDS


def condition(code: str, subject: str, text: str) -> dict[str, str]:
    return {"code": code, "subject": subject, "text": text}


def informational(plan: Plan, statuses: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        condition(
            "informational",
            check.id,
            f"{check.title}: {WORDS[statuses[check.id]]}; does not count",
        )
        for check in plan.checks.values()
        if check.effect == "none" and statuses[check.id] != "pass"
    ]
