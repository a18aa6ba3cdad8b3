"""The options of the stage copy_sql."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .option import ENTRY, Documented, Option, Returned, StageOptions
from .shared import PROGRESS, REMOTE_DIR, RUNS_DIR

__all__ = ["FILES", "FilesRequest", "FilesTask"]

_EXAMPLES = """\
- name: Copy the SQL and compare checksums
  gonogo_files:
    directory: ~/.gonogo/runs
"""

FILES = StageOptions(
    role="copy_sql",
    module="files",
    called="Copy SQL",
    says={"main": "Copy the runbook's SQL and compare checksums"},
    documented=Documented(
        title="Copy a set of text files in one go and compare checksums",
        description=(
            "Writes the SQL files of the run's runbook into a directory of the target host that "
            "only the login user can read, then reads each back and compares its SHA-256.",
            "The files come from the run the stage target opened.",
        ),
        examples=_EXAMPLES,
        returns=(
            Returned("directory", "path", "Where the files are.", returned="success"),
            Returned(
                "written",
                "list",
                "Names of the files that were new or different.",
                returned="success",
                elements="str",
            ),
        ),
    ),
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
        PROGRESS,
        Option("files", "dict", used=ENTRY, required=True, text="The texts, by name."),
    ),
)


@dataclass(frozen=True)
class FilesTask:
    """What Ansible gives the task."""

    directory: str


@dataclass(frozen=True)
class FilesRequest:
    """What the entry is asked: to place texts by their names."""

    directory: str
    files: Mapping[str, str]
