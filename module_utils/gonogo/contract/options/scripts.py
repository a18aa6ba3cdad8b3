"""The options of the stages preflight and phases."""

from __future__ import annotations

from .option import ENTRY, TASK, Option, StageOptions
from .shared import PG_BIN, REMOTE_DIR, RUNS_DIR, SESSIONS
from .verdict import OBJECTS

__all__ = ["PHASES", "PREFLIGHT"]

# What both entries take.
_ENTRY = (
    Option(
        "scripts",
        "list",
        elements="dict",
        used=ENTRY,
        required=True,
        text="The scripts, rendered.",
    ),
    Option(
        "application_name",
        used=ENTRY,
        default="",
        text="What the sessions are called in which code of the application runs.",
    ),
    Option(
        "objects",
        "dict",
        used=ENTRY,
        options=OBJECTS,
        text="What the checks judge, to be read when they begin; see `judged.read`.",
    ),
    Option(
        "keep_lock",
        "bool",
        used=ENTRY,
        default=False,
        text="Whether the run needs its lock after the phases: it does on a twin.",
    ),
    Option(
        "expected",
        "list",
        elements="dict",
        used=ENTRY,
        default=[],
        text="What has to be there at the end of the phases, see `migrate.standing`.",
    ),
)

PREFLIGHT = StageOptions(
    role="preflight",
    says={"main": "Find the facts, read-only"},
    declared=(
        *SESSIONS,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory of runs on the target host; the scripts are put into a folder named "
            "after the run.",
            value="{{ gonogo_remote_dir }}/runs",
        ),
        Option(
            "after_deploy",
            "bool",
            used=TASK,
            default=False,
            text=(
                "Run the scripts that the runbook declares with V(after: deploy), which ask about "
                "the migrated schema.",
                "Where the stage deploy takes part in a run, they are left out before it; where "
                "it does not, they run with the others, and this does nothing.",
            ),
        ),
        *_ENTRY,
    ),
)

PHASES = StageOptions(
    role="phases",
    says={"main": "Render the phase scripts from the facts and run them"},
    declared=(
        *SESSIONS,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory of runs on the target host.",
            value="{{ gonogo_remote_dir }}/runs",
        ),
        *_ENTRY,
    ),
)
