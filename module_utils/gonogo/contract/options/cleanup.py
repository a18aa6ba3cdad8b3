"""The options of the stage cleanup."""

from __future__ import annotations

from .option import ENTRY, TASK, Option, StageOptions
from .shared import APPROVED, PG_BIN, REMOTE_DIR, RUNS_DIR, SESSIONS, of_a_person, plan_hours

__all__ = ["CLEANUP"]

CLEANUP = StageOptions(
    role="cleanup",
    says={"main": "Remove the test rows of a run, after approval"},
    declared=(
        *SESSIONS,
        *APPROVED,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        Option(
            "run_id",
            used=TASK,
            text="Id of the run whose rows are removed. By default the newest run of the "
            "environment that has left any.",
        ),
        plan_hours("cleanup"),
        *of_a_person(
            "cleanup", run="Run whose rows are removed. By default the newest that has left any."
        ),
        Option(
            "ledger",
            "list",
            elements="dict",
            used=ENTRY,
            required=True,
            text="The rows that the run has made, by table.",
        ),
        Option("script", used=ENTRY, required=True, text="The runbook's cleanup, rendered."),
    ),
)
