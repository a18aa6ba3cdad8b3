"""The options of the stage deploy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..login import Timeouts
from ..records.migration import Plan
from ..records.run import Declared
from .option import ENTRY, TASK, Documented, EntryOptions, Option, Returned, StageOptions, Variable
from .shared import (
    APPROVAL,
    BUDGETS,
    DECLARED,
    FENCE,
    LET_GO,
    PG_BIN,
    PROGRESS,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    SIGNATURES,
    SIGNING,
    Approval,
    limits,
    plan_hours,
)

__all__ = ["DEPLOY", "FOUND", "DeployRequest", "DeployTask", "FoundRequest"]

_EXAMPLES = """\
- name: Apply the migration
  gonogo_deploy:
    login: {db: orders, user: orders, host: localhost, passfile: ~/.pgpass}
    budgets: {lock: 1s, hold: 5s}
"""

# Of the keys of an approval those that are the same for a deployment.
_OF_A_PERSON = {"approved_by", "typed", "signatures"}

DEPLOY = StageOptions(
    role="deploy",
    says={"main": "Apply the migration where it is absent and the inventory asks for it"},
    asked_for_by=("deploy_enabled",),
    documented=Documented(
        title="Apply a runbook's migration where it is absent",
        description=(
            "Looks for the migration's objects in the real schema. Where all are there, nothing "
            "is done; where some are, the stage is refused and names every one; where none is, "
            "the migration is applied.",
            "The files are applied in one transaction, but for those declared with "
            "V(transaction=none). A transaction that does not get its locks in time is rolled "
            "back and tried again; so is one whose statement was cancelled, because too many "
            "sessions waited behind it, or one of them for too long, or a replica fell behind.",
            "Every statement's line in deploy.json says how long it took, what it locked and "
            "rewrote, how much it wrote, and for how long the application had to wait for it.",
            "Where the migration tool keeps a record in the database, the migration is recorded "
            "in its own transaction.",
        ),
        check_mode="The stage is skipped, there is no run it could belong to.",
        examples=_EXAMPLES,
        returns=(
            Returned("token", "str", "Token of the plan.", returned="when a plan is shown"),
            Returned(
                "deployment",
                "dict",
                "What was done; the same as deploy.json in the evidence.",
                returned="when the stage takes part in the run",
                contains=(
                    Returned(
                        "action",
                        "str",
                        "What was done: none, applied, refused, blocked or failed.",
                    ),
                    Returned("before", "dict", "What existed before, object by object."),
                    Returned("after", "dict", "What exists now; null when nobody could look."),
                    Returned("statements", "list", "What each statement cost.", elements="dict"),
                    Returned(
                        "failed_attempts",
                        "list",
                        "The attempts before the one that counts.",
                        elements="dict",
                    ),
                    Returned("error", "dict", "Why it ended early."),
                    Returned("changed", "list", "What differs in the schema.", elements="str"),
                    Returned(
                        "leftovers",
                        "list",
                        "Unfinished indexes and the commands that remove them.",
                        elements="dict",
                    ),
                ),
            ),
        ),
    ),
    declared=(
        *SESSIONS,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        PROGRESS,
        Variable(
            "deploy_enabled",
            type="bool",
            default=False,
            text="Whether the migration is applied where it is absent; else the stage is skipped.",
        ),
        Option(
            "approval_required",
            "bool",
            used=TASK,
            default=False,
            text="Whether a person has to approve what would be applied. On a protected target it "
            "is always asked for.",
            variable=Variable("deploy_approval_required"),
        ),
        replace(
            APPROVAL,
            text="The approval of the plan that this run, or an earlier one, has shown.",
            options=(
                Option(
                    "answer",
                    text="V(COMMIT) followed by the plan's token. Anything else changes nothing.",
                ),
                *(key for key in APPROVAL.options if key.name in _OF_A_PERSON),
                Option("run_id", text="Run that has shown the plan, by default this one."),
                Option(
                    "fleet_id",
                    text="Fleet whose plan is approved, in the place of one host's.",
                ),
            ),
        ),
        Option(
            "approval_for",
            used=TASK,
            default="fleet",
            choices=("fleet", "wave", "host"),
            text="What one approval is for, where several hosts are deployed to: all of them, the "
            "hosts of one wave, or each host by itself.",
            variable=Variable("deploy_approval_for"),
        ),
        Option(
            "plan_only",
            "bool",
            default=False,
            text="Whether only the plan is shown.",
        ),
        *SIGNING,
        SIGNATURES,
        plan_hours("deploy"),
        Variable(
            "deploy_run_id",
            type="str",
            text="Run that has shown the approved plan, where nobody can be asked.",
            comment="An approval given without a terminal: the run that has shown the plan, its "
            "token, and who says so.",
            example="20260131T120000Z-0a1b2c",
        ),
        Variable(
            "deploy_fleet_id",
            type="str",
            text="Fleet that has shown the approved plan of all of its hosts, in the place of one "
            "run.",
            comment="",
            example="20260131T120000Z-0a1b2c",
        ),
        Variable(
            "deploy_token",
            type="str",
            text="Token of that plan.",
            comment="",
            example="0123456789",
        ),
        Variable(
            "deploy_approved_by", type="str", text="Who approves it.", comment="", example="Dewi"
        ),
        replace(
            BUDGETS,
            options=limits(
                {
                    "lock": Variable(
                        "deploy_lock_timeout",
                        text="How long a statement waits for one lock. A transaction that does "
                        "not get its locks is rolled back and tried again.",
                    ),
                    "hold": Variable(
                        "deploy_hold_timeout",
                        text="How long the application may be kept waiting by one transaction, "
                        "from its first such lock to its end.",
                    ),
                    "statement": Variable(
                        "deploy_statement_timeout", text="How long one statement may take."
                    ),
                    "attempts": Variable("deploy_attempts"),
                    "wait": Variable(
                        "deploy_wait", text="How long to wait before it is tried again."
                    ),
                }
            ),
            value="{{ __deploy_budgets }}",
        ),
        replace(LET_GO, value="{{ __deploy_let_go }}"),
        Option(
            "resume",
            "bool",
            default=False,
            text="Whether to do what is left of a deployment of which only statements outside of "
            "transactions are missing.",
            variable=Variable(
                "deploy_continue",
                text="Whether to finish a deployment of which only statements outside of "
                "transactions are missing.",
            ),
        ),
        Option("plan", "dict", used=ENTRY, required=True, text="The migration."),
        Option("approval", used=ENTRY, text="Digest of an approval, which is used once."),
        Option("approvals", "path", used=ENTRY, text="Directory that says so."),
        Option(
            "sealed",
            used=ENTRY,
            text="Digest of the schema as it was when the intent was sealed.",
        ),
    ),
)

FOUND = EntryOptions(
    (
        *SESSIONS,
        DECLARED,
        Option("plan", "dict", used=ENTRY, required=True, text="The migration."),
        Option(
            "schema_before",
            "dict",
            used=ENTRY,
            required=True,
            text="The schema before the deployment.",
        ),
        FENCE,
    )
)


@dataclass(frozen=True)
class DeployTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    approval_required: bool | None
    approval: Approval | None
    approval_for: str
    plan_only: bool | None
    plan_hours: int
    budgets: Mapping[str, str | int | None]
    let_go: Mapping[str, float | None]
    resume: bool | None


@dataclass(frozen=True)
class DeployRequest:
    """What the entry is asked. `approval` is the digest of one, `approvals` the directory that says
    whether it was used; `sealed` the digest of the schema when the intent was sealed."""

    login: Mapping[str, str | int | None]
    run_id: str
    plan: Plan
    timeouts: Timeouts = field(default_factory=Timeouts)
    budgets: Mapping[str, str | int | None] = field(default_factory=dict)
    let_go: Mapping[str, float | None] = field(default_factory=dict)
    resume: bool = DEPLOY.default_of("resume")
    plan_only: bool = DEPLOY.default_of("plan_only")
    approval: str | None = None
    approvals: str | None = None
    sealed: str | None = None


@dataclass(frozen=True)
class FoundRequest:
    """What the entry `found` is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared
    plan: Plan
    schema_before: Mapping[str, str]
    timeouts: Timeouts = field(default_factory=Timeouts)
    fence: Sequence[str] = ()
