"""The options of the stage cleanup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..login import Timeouts
from ..records.ledger import LedgerTable
from ..records.run import Declared
from .option import ENTRY, TASK, Documented, Option, Returned, StageOptions
from .shared import (
    APPROVED,
    PG_BIN,
    PROGRESS,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    ApprovedTask,
    of_a_person,
    plan_hours,
)

__all__ = ["CLEANUP", "CleanupRequest", "CleanupTask"]

_EXAMPLES = """\
- name: Show the plan
  gonogo_cleanup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
  register: plan

- name: Carry it out
  gonogo_cleanup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

CLEANUP = StageOptions(
    role="cleanup",
    says={"main": "Remove the test rows of a run, after approval"},
    documented=Documented(
        title="Remove the test rows a run has left, after approval",
        description=(
            "Rehearses the removal of the rows in a run's ledger in a transaction that is rolled"
            " back, proves that nothing outside the ledger would change, and shows the plan with"
            " its token.",
            "Holds the run lock while it works. Ends sessions that a dead run has left; refuses "
            "while another run is alive and names it.",
            "With an approval of exactly that plan the same is done again and, if nothing has "
            "changed since, committed.",
            "No answer, a wrong token, another run, an expired plan or V(ROLLBACK) changes "
            "nothing.",
        ),
        check_mode="In check mode only the plan is shown.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "run_id", "str", "Run whose rows they are.", returned="when a run has left rows"
            ),
            Returned("token", "str", "Token of the plan.", returned="when a run has left rows"),
            Returned(
                "rows",
                "dict",
                "Table to number of rows of the run that are there.",
                returned="when a run has left rows",
            ),
            Returned(
                "holds",
                "dict",
                "What an approval is for: a name to its rows and a digest.",
                returned="when a run has left rows",
            ),
            Returned("committed", "bool", "Whether the rows are gone for good."),
            Returned(
                "remaining",
                "int",
                "Rows of the ledger that are left, counted afterwards in a session of its own.",
                returned="when a run has left rows",
            ),
            Returned(
                "compared",
                "int",
                "How many tables were compared before and after.",
                returned="when a run has left rows",
            ),
            Returned(
                "unseen",
                "list",
                "Tables the login cannot read. They were not compared, and not written to.",
                returned="when a run has left rows",
                elements="str",
            ),
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
            text="Id of the run whose rows are removed. By default the newest run of the "
            "environment that has left any.",
        ),
        plan_hours("cleanup"),
        *of_a_person(
            "cleanup", run="Run whose rows are removed. By default the newest that has left any."
        ),
        Option(
            "ledger",
            "list",
            elements="dict",
            used=ENTRY,
            required=True,
            text="The rows that the run has made, by table.",
        ),
        Option("script", used=ENTRY, required=True, text="The runbook's cleanup, rendered."),
    ),
)


@dataclass(frozen=True)
class CleanupTask(ApprovedTask):
    """What Ansible gives the task."""


@dataclass(frozen=True)
class CleanupRequest:
    """What the entry is asked. Without `approved_content` it only looks."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared
    ledger: Sequence[LedgerTable]
    script: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    fence: Sequence[str] = ()
    approved_content: str | None = None
