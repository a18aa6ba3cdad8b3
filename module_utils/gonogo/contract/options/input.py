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
            "Says all that is wrong with each host. With several hosts it does not fail for one of "
            "them: the stage target refuses the host by itself, and the others are judged.",
            "Runs on the controller only.",
        ),
        examples=_EXAMPLES,
        returns=(
            Returned(
                "hosts",
                "list",
                "The targets of the run.",
                returned="success",
                elements="str",
            ),
            Returned(
                "faulty",
                "dict",
                "Of the hosts that cannot be judged as they are: the name, and all that is wrong.",
                returned="success",
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
