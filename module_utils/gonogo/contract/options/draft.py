"""The options of the stage draft."""

from __future__ import annotations

from dataclasses import dataclass

from .option import TASK, Documented, Option, Returned, StageOptions, Variable
from .target import TARGET

__all__ = ["DRAFT", "DraftTask"]

_EXAMPLES = """\
- name: Write down what is derived
  gonogo_draft:
    directory: ../app/gonogo
    migrations: ../app/migrations
"""
# As the stage target has them.
_FOLDER = tuple(
    one
    for one in TARGET.options
    if one.name in ("migrations", "migration_tool", "migration_schema")
)

DRAFT = StageOptions(
    role="draft",
    says={"main": "Write down what is derived, as a runbook"},
    documented=Documented(
        title="Write the derived runbook of a folder of migrations",
        description=(
            "Writes the runbook that judges a folder of migrations as a folder of data and SQL, to"
            " be read, changed and kept. What is derived is below C(derived/), with what each"
            " migration does; what is written by hand stands beside it and is never touched.",
            "Where there is a draft already, shows in what a new one would differ, and writes"
            " nothing unless O(update) says so. A derived file that was changed by hand is not"
            " written over.",
        ),
        check_mode="In check mode nothing is written.",
        examples=_EXAMPLES,
        returns=(
            Returned("runbook", "path", "Folder of the runbook.", returned="success"),
            Returned(
                "differing",
                "list",
                "Derived files that are not what would be derived now.",
                returned="success",
                elements="str",
            ),
        ),
    ),
    declared=(
        *_FOLDER,
        Option(
            "directory",
            "path",
            used=TASK,
            on_controller=True,
            text="Folder of the runbook, on the controller.",
            variable=Variable("draft_directory"),
        ),
        Option(
            "update",
            "bool",
            used=TASK,
            default=False,
            text="Whether what is derived now takes the place of what was.",
            variable=Variable("draft_update"),
        ),
    ),
)


@dataclass(frozen=True)
class DraftTask:
    """What Ansible gives the task."""

    migrations: str | None
    migration_tool: str
    migration_schema: str
    directory: str | None
    update: bool
