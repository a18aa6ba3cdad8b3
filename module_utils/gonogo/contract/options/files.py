"""The options of the stage copy_sql."""

from __future__ import annotations

from .option import ENTRY, Option, StageOptions
from .shared import REMOTE_DIR, RUNS_DIR

__all__ = ["FILES"]

FILES = StageOptions(
    role="copy_sql",
    module="files",
    says={"main": "Copy the runbook's SQL and compare checksums"},
    declared=(
        REMOTE_DIR,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory of the run on the target host. A folder named after the run is made "
            "in it.",
            value="{{ gonogo_remote_dir }}/runs",
        ),
        RUNS_DIR,
        Option("files", "dict", used=ENTRY, required=True, text="The texts, by name."),
    ),
)
