"""The options of the stage explain."""

from __future__ import annotations

from dataclasses import dataclass

from .option import TASK, Documented, Option, Returned, StageOptions, Variable

__all__ = ["EXPLAIN", "ExplainTask"]

_EXAMPLES = """\
- name: Explain a run
  gonogo_explain:
    run: runs/staging/20260131T120000Z-0a1b2c
"""

EXPLAIN = StageOptions(
    role="explain",
    says={"main": "Say what a run has come to, and what may be done next"},
    documented=Documented(
        title="Explain a run from its evidence alone",
        description=(
            "Proves the evidence of a run, computes its verdict again, and says the decision, its"
            " reasons, what was found in which objects and rows, and the next commands: which of"
            " them take nobody, and which take the approval of a person.",
            "The playbook ends with the same as one line of JSON, for programs: docs/programs.md"
            " has its keys. Nothing is asked of a host.",
        ),
        check_mode="In check mode it is the same: nothing is changed.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "explanation",
                "dict",
                "What the last line of the playbook says, see docs/programs.md.",
                returned="success",
            ),
        ),
    ),
    declared=(
        Option(
            "run",
            "path",
            used=TASK,
            on_controller=True,
            text="Directory of the run's evidence, on the controller.",
            variable=Variable("explain_run", example="runs/staging/20260131T120000Z-0a1b2c"),
        ),
        Option(
            "head",
            used=TASK,
            text=(
                "Head of the evidence as a run, a cleanup, an undo or a restore has printed it."
                " What was written after it is named, and other evidence is an error."
            ),
            variable=Variable("explain_head"),
        ),
    ),
)


@dataclass(frozen=True)
class ExplainTask:
    """What Ansible gives the task."""

    run: str | None
    head: str | None
