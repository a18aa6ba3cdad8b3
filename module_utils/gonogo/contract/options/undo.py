"""The options of the stage undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..login import Timeouts
from ..records.migration import Plan
from ..records.run import Declared
from .option import ENTRY, TASK, Documented, Option, Returned, StageOptions, Variable
from .shared import (
    APPROVED,
    BUDGETS,
    PG_BIN,
    PROGRESS,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    ApprovedTask,
    limits,
    of_a_person,
    plan_hours,
)

__all__ = ["UNDO", "UndoRequest", "UndoTask"]

_LIMITS = limits(
    {
        "lock": Variable("undo_lock_timeout", text="How long a statement waits for one lock."),
        "statement": Variable("undo_statement_timeout", text="How long one statement may take."),
        "attempts": Variable("undo_attempts"),
    }
)

_EXAMPLES = """\
- name: Show the plan
  gonogo_undo:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
  register: plan

- name: Carry it out
  gonogo_undo:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

UNDO = StageOptions(
    role="undo",
    says={"main": "Take a migration back, after approval"},
    documented=Documented(
        title="Take a migration back, after approval",
        description=(
            "Rehearses the runbook's undo scripts in a transaction that is rolled back, proves "
            "that they leave the schema as it was before the deployment and the rows of every "
            "table that stays as they are, and shows the plan with its token.",
            "The plan names every row that would be lost. Without an approval of exactly that "
            "plan nothing is changed.",
            "Holds the run lock while it works. Ends sessions that a dead run has left; refuses "
            "while another run is alive and names it.",
            "Where the migration tool keeps a record in the database, it says in the same "
            "transaction that the migration was taken back.",
            "No answer, a wrong token, another run, an expired plan or V(ROLLBACK) changes "
            "nothing.",
        ),
        check_mode="In check mode only the plan is shown.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "run_id", "str", "Run whose migration it is.", returned="when a run has deployed"
            ),
            Returned(
                "token", "str", "Token of the plan.", returned="when there is anything to take back"
            ),
            Returned(
                "state",
                "str",
                "State of the migration before: absent, applied, partial or unfinished.",
                returned="when a run has deployed",
            ),
            Returned(
                "changes",
                "list",
                "Names of what changes in the schema.",
                returned="when a run has deployed",
                elements="str",
            ),
            Returned(
                "removed",
                "list",
                "Those of them that are there no more.",
                returned="when a run has deployed",
                elements="str",
            ),
            Returned(
                "lost",
                "dict",
                "Table, or column of a table that stays, to number of rows that are lost with it.",
                returned="when a run has deployed",
            ),
            Returned(
                "compared",
                "list",
                "Tables whose rows were compared before and after.",
                returned="when a run has deployed",
                elements="str",
            ),
            Returned(
                "locked_seconds",
                "float",
                "For how long nobody else could use the tables it touches.",
                returned="when a run has deployed",
            ),
            Returned(
                "holds",
                "dict",
                "What an approval is for: a name to its rows and a digest.",
                returned="when a run has deployed",
            ),
            Returned("committed", "bool", "Whether it is gone for good."),
        ),
    ),
    declared=(
        *SESSIONS,
        *APPROVED,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        PROGRESS,
        Option(
            "run_id",
            used=TASK,
            text="Id of the run whose migration is taken back. By default the newest of the "
            "environment that has deployed.",
        ),
        plan_hours("undo"),
        replace(
            BUDGETS,
            options=tuple(
                replace(
                    key, text="Not used here; the plan says how long the application would wait."
                )
                if key.name == "hold"
                else key
                for key in _LIMITS
            ),
        ),
        *of_a_person(
            "undo",
            run="Run whose migration is taken back. By default the newest on this target that has "
            "looked at it and not been undone.",
        ),
        Option("plan", "dict", used=ENTRY, required=True, text="The undo."),
        Option(
            "schema_before",
            "dict",
            used=ENTRY,
            text="The schema before the migration was applied, where that is known.",
        ),
    ),
)


@dataclass(frozen=True)
class UndoTask(ApprovedTask):
    """What Ansible gives the task."""

    budgets: Mapping[str, str | int | None]


@dataclass(frozen=True)
class UndoRequest:
    """What the entry is asked. Without `approved_content` it only looks."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared
    plan: Plan
    schema_before: Mapping[str, str] | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    budgets: Mapping[str, str | int | None] = field(default_factory=dict)
    fence: Sequence[str] = ()
    approved_content: str | None = None
