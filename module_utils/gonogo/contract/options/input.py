"""The options of the stage input."""

from __future__ import annotations

from dataclasses import dataclass

from .option import TASK, Documented, Option, Returned, StageOptions, Variable

__all__ = ["INPUT", "InputTask"]

_EXAMPLES = """\
- name: Refuse what cannot be judged
  gonogo_input:
    group: gonogo
"""

INPUT = StageOptions(
    role="input",
    says={"main": "Refuse what cannot be judged"},
    documented=Documented(
        title="Refuse a request that cannot be judged",
        description=(
            "Checks what a person wrote before the first connection. Command line, inventory "
            "variables, runbook, manifest and templates.",
            "An empty or unknown group, C(--tags), a misspelt variable or runbook key, an "
            "unknown profile, a missing phase file or an undefined name in a template is one "
            "clear error.",
            "Runs on the controller only.",
        ),
        examples=_EXAMPLES,
        returns=(
            Returned(
                "hosts",
                "list",
                "The targets that will be judged.",
                returned="success",
                elements="str",
            ),
        ),
    ),
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


@dataclass(frozen=True)
class InputTask:
    """What Ansible gives the task."""

    group: str
