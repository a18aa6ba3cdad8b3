"""The options of the stage undo."""

from __future__ import annotations

from dataclasses import replace

from .option import ENTRY, TASK, Option, StageOptions, Variable
from .shared import (
    APPROVED,
    BUDGETS,
    PG_BIN,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    limits,
    of_a_person,
    plan_hours,
)

__all__ = ["UNDO"]

_LIMITS = limits(
    {
        "lock": Variable("undo_lock_timeout", text="How long a statement waits for one lock."),
        "statement": Variable("undo_statement_timeout", text="How long one statement may take."),
        "attempts": Variable("undo_attempts"),
    }
)

UNDO = StageOptions(
    role="undo",
    says={"main": "Take a migration back, after approval"},
    declared=(
        *SESSIONS,
        *APPROVED,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        Option(
            "run_id",
            used=TASK,
            text="Id of the run whose migration is taken back. By default the newest of the "
            "environment that has deployed.",
        ),
        plan_hours("undo"),
        replace(
            BUDGETS,
            options=tuple(
                replace(
                    key, text="Not used here; the plan says how long the application would wait."
                )
                if key.name == "hold"
                else key
                for key in _LIMITS
            ),
        ),
        *of_a_person(
            "undo",
            run="Run whose migration is taken back. By default the newest on this target that has "
            "looked at it and not been undone.",
        ),
        Option("plan", "dict", used=ENTRY, required=True, text="The undo."),
        Option(
            "schema_before",
            "dict",
            used=ENTRY,
            text="The schema before the migration was applied, where that is known.",
        ),
    ),
)
