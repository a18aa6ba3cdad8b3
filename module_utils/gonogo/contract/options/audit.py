"""The options of the stage audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..login import Timeouts
from ..records.audit import BETTER, GONE, KINDS, NEW, WORSE
from ..records.phase import PhaseScript
from ..records.run import Declared
from .option import ENTRY, TASK, Documented, Option, Returned, StageOptions, Variable
from .shared import DECLARED, ENVIRONMENT, PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, SESSIONS
from .target import TARGET

__all__ = ["AUDIT", "AuditRequest", "AuditTask"]

_EXAMPLES = """\
- name: Audit the database, compare with the last audit
  gonogo_audit:
    login: {db: orders, user: orders_reader, host: localhost, passfile: ~/.pgpass}
    environment: production
    runbook: runbooks/derived
    profile: target
    fail_on: [new, worse]
"""
# What an audit takes as a run does.
_AS_A_RUN = (
    *("runbook", "migrations", "profile", "parameters", "waivers", "waivers_file"),
    *("refused_databases", "system_identifier"),
)

AUDIT = StageOptions(
    role="audit",
    says={"main": "Audit the database, compare with the last audit"},
    documented=Documented(
        title="Audit a database, read-only, and compare with the last audit",
        description=(
            "Asks the checks of a runbook that only read (C(transaction) V(read_only) or "
            "V(snapshot)), all of them in one snapshot. Nothing is written to the database, no "
            "backup is taken, and no lock that a run would wait for.",
            "Refuses while a run is at work on the database.",
            "Where O(migrations) is given, or no O(runbook), the derived checks are asked.",
            "Keeps what it finds below C(audits) beside the runs of the environment, and says "
            "what is V(new), V(worse), V(better) or V(gone) since the last audit of the same "
            "host, runbook and profile.",
            "What the database has to be like where a check compares, such as the rights of each "
            "role, is what the baseline has found: the first audit, until O(baseline) makes "
            "another one of it.",
        ),
        check_mode="The stage is skipped.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "audit", "path", "Directory of the audit, on the controller.", returned="success"
            ),
            Returned(
                "changes",
                "dict",
                "How many changes there are of each kind.",
                returned="success",
                sample={"new": 1, "worse": 0, "better": 0, "gone": 1},
            ),
        ),
    ),
    declared=(
        *SESSIONS,
        ENVIRONMENT,
        *(option for option in TARGET.options if option.name in _AS_A_RUN),
        REMOTE_DIR,
        RUNS_DIR,
        PROGRESS,
        PG_BIN,
        Option(
            "baseline",
            "bool",
            used=TASK,
            default=False,
            text="Whether the database as it is now becomes what later audits compare with.",
            variable=Variable("audit_baseline"),
        ),
        Option(
            "fail_on",
            "list",
            elements="str",
            used=TASK,
            choices=KINDS,
            default=[NEW, WORSE],
            text="Changes that fail the task: "
            f"V({NEW}), V({WORSE}), V({BETTER}) or V({GONE}). An audit that could not ask all of "
            "its checks always fails.",
            variable=Variable(
                "audit_fail_on",
                text="Changes since the last audit that make ansible-playbook exit with an error. "
                "Where not all could be asked, it always does.",
            ),
        ),
        DECLARED,
        Option(
            "scripts",
            "list",
            elements="dict",
            used=ENTRY,
            required=True,
            text="The scripts, rendered.",
        ),
    ),
)


@dataclass(frozen=True)
class AuditTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    environment: str
    runbook: str | None
    migrations: str | None
    profile: str
    parameters: Mapping[str, object]
    waivers: Sequence[Mapping[str, object]]
    waivers_file: str | None
    refused_databases: Sequence[str]
    system_identifier: str | None
    baseline: bool
    fail_on: Sequence[str]


@dataclass(frozen=True)
class AuditRequest:
    """What the entry is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared
    scripts: Sequence[PhaseScript]
    timeouts: Timeouts = field(default_factory=Timeouts)
