"""The options of the stage rehearsal."""

from __future__ import annotations

from dataclasses import replace

from .option import ENTRY, TASK, EntryOptions, Option, StageOptions, Variable
from .shared import BUDGETS, PG_BIN, REMOTE_DIR, RUNS_DIR, SESSIONS

__all__ = ["REHEARSAL", "REPRINT", "SABOTAGE"]

REHEARSAL = StageOptions(
    role="rehearsal",
    says={"main": "Try everything on the twin before the database itself sees it"},
    declared=(
        *SESSIONS,
        Variable(
            "rehearsal_enabled",
            type="bool",
            default=True,
            text="Whether migration, way back and phases are tried on the twin first. Without a "
            "twin there is nothing to try them on.",
            comment="Whether everything is tried on the twin before the database itself sees it: "
            "the migration where deploy_enabled asks for it, the way back from it, and all phases "
            "with rows that stay.",
        ),
        Option(
            "required",
            "bool",
            used=TASK,
            default=False,
            text="Whether a run that could not be rehearsed is a HOLD. On a protected target "
            "nothing is deployed that was not rehearsed.",
            variable=Variable(
                "rehearsal_required",
                text="Whether a run that could not be rehearsed is a HOLD; it is a condition of "
                "the verdict otherwise. On a protected target nothing is deployed that was not "
                "rehearsed, whatever stands here.",
            ),
        ),
        Option(
            "sabotage",
            "bool",
            used=TASK,
            default=False,
            text="Whether the twin is then broken, one thing at a time, to find out which checks "
            "notice and which can never fail. Writes sabotage.json; it is no part of the verdict.",
            variable=Variable(
                "rehearsal_sabotage",
                text="Whether the twin is then broken, one thing at a time, to find out which "
                "checks notice and which can never fail. No part of the verdict. It takes a run "
                "of all phases for each change.",
            ),
        ),
        Option(
            "sabotage_tables",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="The tables to break; all of the manifest's where none is named.",
            variable=Variable("rehearsal_sabotage_tables"),
        ),
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        Option(
            "resume",
            "bool",
            default=False,
            text="Whether the run finishes a deployment, see M(gonogo_deploy).",
            value="{{ deploy_continue }}",
        ),
        replace(BUDGETS, value="{{ __deploy_budgets }}"),
        Option(
            "directory",
            "path",
            used=TASK,
            required=True,
            text="Directory of this project on the target host.",
            value="{{ gonogo_remote_dir }}",
        ),
        Option(
            "part",
            used=ENTRY,
            choices=("inspect", "apply_revert_reapply", "try_revert"),
            required=True,
            text="What is tried, see `migrate.rehearse`.",
        ),
        Option("plan", "dict", used=ENTRY, text="The migration."),
        Option("undo", "dict", used=ENTRY, text="The way back from it."),
        Option(
            "untold",
            "list",
            elements="dict",
            used=ENTRY,
            default=[],
            text="Statements of which no object tells whether they were applied, see "
            "`migration.untold`.",
        ),
    ),
)

REPRINT = EntryOptions(
    (
        *SESSIONS,
        Option(
            "definitions",
            "list",
            elements="list",
            used=ENTRY,
            required=True,
            text="Each a name and two texts.",
        ),
    )
)

SABOTAGE = EntryOptions(
    (
        *SESSIONS,
        Option(
            "scripts",
            "list",
            elements="dict",
            used=ENTRY,
            required=True,
            text="The scripts of all phases.",
        ),
        Option("schema", used=ENTRY, required=True, text="The schema that is broken."),
        Option(
            "tables",
            "list",
            elements="str",
            used=ENTRY,
            required=True,
            text="Its tables that are broken.",
        ),
    )
)
