"""The options of the stage input."""

from __future__ import annotations

from .option import TASK, Option, StageOptions, Variable

__all__ = ["INPUT"]

INPUT = StageOptions(
    role="input",
    says={"main": "Refuse what cannot be judged, before the first connection"},
    declared=(
        Option(
            "group",
            used=TASK,
            default="gonogo",
            text="Group of the inventory that holds the target.",
            variable=Variable("gonogo_group"),
        ),
    ),
)
