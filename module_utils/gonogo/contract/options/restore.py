"""The options of the stage restore."""

from __future__ import annotations

from .option import ENTRY, TASK, EntryOptions, Option, Range, StageOptions, Variable
from .shared import (
    APPROVED,
    DECLARED,
    FENCE,
    PG_BIN,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    of_a_person,
    plan_hours,
)

__all__ = ["RESTORE", "RESTORED"]

_FILE = Option("file", "path", used=ENTRY, required=True, text="The archive.")

RESTORE = StageOptions(
    role="restore",
    says={"main": "Put a proven backup in the place of the database, after approval"},
    declared=(
        *SESSIONS,
        *APPROVED,
        REMOTE_DIR,
        Option(
            "run_id",
            used=TASK,
            text="Id of the run whose backup is restored. It has no default.",
        ),
        plan_hours("restore"),
        Option(
            "maintenance",
            default="postgres",
            text="Database of the same server to work from.",
            variable=Variable(
                "restore_maintenance_database",
                text="Database of the same server to work from, while the other two change names. "
                "The login may connect to it.",
            ),
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_restore on the target host. By default it is looked for in "
            "E(PATH).",
            variable=PG_BIN,
        ),
        RUNS_DIR,
        Option(
            "jobs",
            "int",
            default=0,
            range=Range(0, 256, "sessions; 0 leaves it to the stage"),
            text="How many sessions restore side by side; V(0) is one for each processor of the "
            "target host, at most eight.",
            variable=Variable("restore_jobs"),
        ),
        *of_a_person(
            "restore",
            run="Run whose backup is restored. It must be named, and its backup proven.",
        ),
        _FILE,
        Option("sha256", used=ENTRY, required=True, text="Its digest, as it was sealed."),
        Option("stamp", used=ENTRY, required=True, text="Part of the names of what is made."),
    ),
)

RESTORED = EntryOptions(
    (
        *SESSIONS,
        Option("restored_run_id", used=ENTRY, required=True, text="The run of the restore."),
        DECLARED,
        Option("intent", "dict", used=ENTRY, required=True, text="What was about to be done."),
        Option("holds", "dict", used=ENTRY, required=True, text="What the plan was for."),
        _FILE,
        FENCE,
    )
)
