"""The options of the stage rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..login import Timeouts
from ..records.drift import ReplayPlan
from ..records.migration import Plan, Statement
from ..records.phase import PhaseScript
from .option import ENTRY, TASK, Documented, EntryOptions, Option, Returned, StageOptions, Variable
from .scripts import JOBS
from .shared import BUDGETS, PER_SHAPE, PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, SESSIONS

__all__ = [
    "REHEARSAL",
    "REPRINT",
    "SABOTAGE",
    "RehearsalRequest",
    "RehearsalTask",
    "ReprintRequest",
    "SabotageRequest",
]

_EXAMPLES = """\
- name: Try everything on the twin
  gonogo_rehearsal:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo
"""

REHEARSAL = StageOptions(
    role="rehearsal",
    says={"main": "Try everything on the twin"},
    asked_for_by=("rehearsal_enabled", "twin_enabled"),
    documented=Documented(
        title="Try migration, way back and phases on the twin",
        description=(
            "Works on the twin that the stage twin has left, a copy of the database on the "
            "target host, and removes it at the end. The database itself is not touched.",
            "Where the run deploys, applies the migration there, takes it back, compares schema "
            "and rows with what was there before, and applies it again. Nothing is ended there "
            "for its time; what takes longer than the budgets of the deployment is measured "
            "twice and is a HOLD where it stays so. Records of each statement how long it took, "
            "what it locked, rewrote and wrote.",
            "Then runs preflight and phases with rows that stay, races included, whatever the "
            "inventory says about the database itself, and tries once more whether the migration"
            " can be taken back.",
            "Where another run admits this one, compares the schema, as it is with the "
            "migration, with the one that run has seen.",
            "On the controller, writes rehearsal.json and schema.json into the run's evidence. "
            "Fails where the run would deploy and the rehearsal is no GO; else what it finds is "
            "part of the verdict.",
        ),
        check_mode="In check mode nothing is tried.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "rehearsal",
                "dict",
                "What is written to rehearsal.json.",
                returned="when not in check mode",
                contains=(
                    Returned(
                        "done", "bool", "Whether there was a twin to try it on; null where not."
                    ),
                    Returned("reason", "str", "Why there was none."),
                    Returned(
                        "state",
                        "str",
                        "What was there of the migration before.",
                        returned="where the run deploys",
                    ),
                    Returned(
                        "deployment",
                        "dict",
                        "What applying it came to, statement by statement, as of gonogo_deploy.",
                        returned="where it was applied",
                    ),
                    Returned(
                        "undone",
                        "dict",
                        "What taking it back came to: seconds, and the tables nobody else could "
                        "use meanwhile.",
                        returned="where it was applied",
                    ),
                    Returned(
                        "rows_changed",
                        "dict",
                        "Tables that were there before whose rows the migration has changed.",
                    ),
                    Returned(
                        "rows_removed",
                        "dict",
                        "Tables that were there before and have fewer rows with the migration, "
                        "or are gone: rows and hash of what they held.",
                    ),
                    Returned(
                        "problem",
                        "dict",
                        "What is wrong with the migration or its undo.",
                        returned="where something is",
                    ),
                    Returned(
                        "slow",
                        "list",
                        "Statements that took longer than they may, with all times and what they"
                        " rewrote.",
                    ),
                    Returned(
                        "alone",
                        "bool",
                        "Whether nothing else was in their way when they were tried again.",
                        returned="where they were",
                    ),
                    Returned(
                        "unlike_promotion",
                        "list",
                        "What of the schema is not as it was validated.",
                        returned="where another run admits this one",
                    ),
                    Returned(
                        "retried",
                        "dict",
                        "What applying again came to of what no object tells: changes of the "
                        "schema, and statements that could not be tried.",
                        returned="where a migration has such statements and seems to be there",
                    ),
                    Returned("checks", "list", "The result of every check, as in checks.jsonl."),
                    Returned(
                        "back",
                        "dict",
                        "What taking it back would come to with the rows of the phases.",
                        returned="where there is an undo",
                    ),
                ),
            ),
        ),
    ),
    declared=(
        *SESSIONS,
        Variable(
            "rehearsal_enabled",
            type="bool",
            default=True,
            text="Whether migration, way back and phases are tried on the twin first. Without a "
            "twin there is nothing to try them on.",
            comment="Whether everything is tried on the twin before the database itself sees it: "
            "the migration where deploy_enabled asks for it, the way back from it, and all phases "
            "with rows that stay.",
        ),
        Option(
            "required",
            "bool",
            used=TASK,
            default=False,
            text="Whether a run that could not be rehearsed is a HOLD. On a protected target "
            "nothing is deployed that was not rehearsed.",
            variable=Variable(
                "rehearsal_required",
                text="Whether a run that could not be rehearsed is a HOLD; it is a condition of "
                "the verdict otherwise. On a protected target nothing is deployed that was not "
                "rehearsed, whatever stands here.",
            ),
        ),
        Option(
            "sabotage",
            "bool",
            used=TASK,
            default=False,
            text="Whether the twin is then broken, one thing at a time, to find out which checks "
            "notice and which can never fail. Writes sabotage.json; it is no part of the verdict.",
            variable=Variable(
                "rehearsal_sabotage",
                text="Whether the twin is then broken, one thing at a time, to find out which "
                "checks notice and which can never fail. No part of the verdict. It takes a run "
                "of all phases for each change.",
            ),
        ),
        Option(
            "sabotage_tables",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="The tables to break; all of the manifest's where none is named.",
            variable=Variable("rehearsal_sabotage_tables"),
        ),
        Option(
            "per_shape",
            "bool",
            used=TASK,
            text="Whether the rehearsal on another database of the same shape counts for this one, "
            "where another host of the play has been chosen to rehearse for it.",
            variable=PER_SHAPE,
        ),
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        PROGRESS,
        Option(
            "resume",
            "bool",
            default=False,
            text="Whether the run finishes a deployment, see M(gonogo_deploy).",
            value="{{ deploy_continue }}",
        ),
        replace(BUDGETS, value="{{ __deploy_budgets }}"),
        replace(JOBS, used=TASK, variable=None, value="{{ phases_jobs }}"),
        Option(
            "directory",
            "path",
            used=TASK,
            required=True,
            text="Directory of this project on the target host.",
            value="{{ gonogo_remote_dir }}",
        ),
        Option(
            "part",
            used=ENTRY,
            choices=("inspect", "apply_revert_reapply", "try_revert"),
            required=True,
            text="What is tried, see `migrate.rehearse`.",
        ),
        Option("plan", "dict", used=ENTRY, text="The migration."),
        Option("undo", "dict", used=ENTRY, text="The way back from it."),
        Option(
            "untold",
            "list",
            elements="dict",
            used=ENTRY,
            default=[],
            text="Statements of which no object tells whether they were applied, see "
            "`migration.untold`.",
        ),
        Option(
            "replay", "dict", used=ENTRY, text="The history of a folder, see `records/drift.py`."
        ),
    ),
)

REPRINT = EntryOptions(
    (
        *SESSIONS,
        Option(
            "definitions",
            "list",
            elements="list",
            used=ENTRY,
            required=True,
            text="Each a name and two texts.",
        ),
    )
)

SABOTAGE = EntryOptions(
    (
        *SESSIONS,
        Option(
            "scripts",
            "list",
            elements="dict",
            used=ENTRY,
            required=True,
            text="The scripts of all phases.",
        ),
        Option("schema", used=ENTRY, required=True, text="The schema that is broken."),
        Option(
            "tables",
            "list",
            elements="str",
            used=ENTRY,
            required=True,
            text="Its tables that are broken.",
        ),
    )
)


@dataclass(frozen=True)
class RehearsalTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    required: bool | None
    sabotage: bool | None
    sabotage_tables: Sequence[str]
    per_shape: bool | None
    resume: bool | None
    budgets: Mapping[str, str | int | None]
    jobs: int | None
    directory: str


@dataclass(frozen=True)
class RehearsalRequest:
    """What the entry is asked. `part` is what is tried, see `migrate.rehearse`."""

    login: Mapping[str, str | int | None]
    run_id: str
    part: str
    plan: Plan | None
    undo: Plan | None
    untold: Sequence[Statement] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    resume: bool = REHEARSAL.default_of("resume")
    budgets: Mapping[str, str | int | None] = field(default_factory=dict)
    replay: ReplayPlan | None = None


@dataclass(frozen=True)
class ReprintRequest:
    """`definitions` are each a name and two texts."""

    login: Mapping[str, str | int | None]
    run_id: str
    definitions: Sequence[tuple[str, str | None, str | None]]
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True)
class SabotageRequest:
    """The scripts of all phases, and the tables of a schema that are broken."""

    login: Mapping[str, str | int | None]
    run_id: str
    scripts: Sequence[PhaseScript]
    schema: str
    tables: Sequence[str]
    timeouts: Timeouts = field(default_factory=Timeouts)
