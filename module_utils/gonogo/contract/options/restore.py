"""The options of the stage restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..login import Timeouts
from ..records.restore import RestoreIntent
from ..records.run import Declared
from .option import (
    ENTRY,
    TASK,
    Documented,
    EntryOptions,
    Option,
    Range,
    Returned,
    StageOptions,
    Variable,
)
from .shared import (
    APPROVED,
    DECLARED,
    FENCE,
    PG_BIN,
    PROGRESS,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
    ApprovedTask,
    of_a_person,
    plan_hours,
)

__all__ = ["RESTORE", "RESTORED", "RestoreRequest", "RestoreTask", "RestoredRequest"]

_FILE = Option("file", "path", used=ENTRY, required=True, text="The archive.")

_EXAMPLES = """\
- name: Show the plan
  gonogo_restore:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    run_id: 20260131T120000Z-0a1b2c

- name: Carry it out
  gonogo_restore:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    run_id: 20260131T120000Z-0a1b2c
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

RESTORE = StageOptions(
    role="restore",
    says={"main": "Put a proven backup in the place of the database, after approval"},
    documented=Documented(
        title="Put a proven backup in the place of the database, after approval",
        description=(
            "Restores the backup of a run into a new database on the same server and compares it"
            " there with what was dumped. Then the two change names in one transaction; the "
            "database that was there is kept under another name, read-only.",
            "Only a backup that its run has proven (stage C(twin)) is restored, and only while "
            "its files are those that were sealed.",
            "The new database gets the settings, privileges, comment and connection limit of the"
            " present one, its marker among them.",
            "Sessions in the present database are ended when the names change. Where that fails,"
            " or anything before it, the new database is removed and nothing else has changed.",
            "Where an approved restore was interrupted, the next call finds out on the server "
            "whether it was done, says so and puts it on record; so do the modules of a cleanup,"
            " an undo and the next run.",
            "Takes the run lock while it works; ends sessions that a dead run has left, and "
            "refuses while another run is alive.",
            "Needs CREATEDB and the ownership of the database, or a superuser; pg_signal_backend"
            " where sessions of other roles are to be ended.",
            "What belongs to each owner is restored in a session of its own. Only a superuser "
            "can do that; another login is refused where functions of other roles would run with"
            " its rights.",
        ),
        check_mode="In check mode only the plan is shown.",
        examples=_EXAMPLES,
        returns=(
            Returned("run_id", "str", "Run whose backup it is.", returned="success"),
            Returned("token", "str", "Token of the plan.", returned="success"),
            Returned(
                "kept_as",
                "str",
                "Name that the present database gets, or has got.",
                returned="success",
            ),
            Returned(
                "tables",
                "dict",
                "Table to its rows now and in the backup, where its content is not the same.",
                returned="success",
            ),
            Returned(
                "left",
                "list",
                "Databases that an interrupted restore has left, and that are removed, C(name) "
                "and C(oid).",
                returned="success",
                elements="dict",
            ),
            Returned(
                "alike",
                "list",
                "Names of databases that only look like one. They stay.",
                returned="success",
                elements="str",
            ),
            Returned(
                "intent",
                "dict",
                "What tells afterwards whether it was done: C(database), C(database_oid), "
                "C(system_identifier) and C(kept_as).",
                returned="success",
            ),
            Returned(
                "holds",
                "dict",
                "What an approval is for: a name to its rows and a digest.",
                returned="success",
            ),
            Returned(
                "came",
                "dict",
                "Table to its rows in the plan and in the database that is kept, where it was "
                "written to in the last moment; null where nobody could look.",
                returned="when it was done",
            ),
            Returned(
                "first_attempt",
                "str",
                "Why the first attempt to fill the new database failed, where there was a second"
                " one; else null.",
                returned="when it was done",
            ),
            Returned(
                "proof",
                "dict",
                "What was restored against what was dumped, table by table.",
                returned="when it was done",
            ),
            Returned("committed", "bool", "Whether the databases have changed names."),
        ),
    ),
    declared=(
        *SESSIONS,
        *APPROVED,
        REMOTE_DIR,
        Option(
            "run_id",
            used=TASK,
            text="Id of the run whose backup is restored. It has no default.",
        ),
        plan_hours("restore"),
        Option(
            "maintenance",
            default="postgres",
            text="Database of the same server to work from.",
            variable=Variable(
                "restore_maintenance_database",
                text="Database of the same server to work from, while the other two change names. "
                "The login may connect to it.",
            ),
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_restore on the target host. By default it is looked for in "
            "E(PATH).",
            variable=PG_BIN,
        ),
        RUNS_DIR,
        PROGRESS,
        Option(
            "jobs",
            "int",
            default=0,
            range=Range(0, 256, "sessions; 0 leaves it to the stage"),
            text="How many sessions restore side by side; V(0) is one for each processor of the "
            "target host, at most eight.",
            variable=Variable("restore_jobs"),
        ),
        *of_a_person(
            "restore",
            run="Run whose backup is restored. It must be named, and its backup proven.",
        ),
        _FILE,
        Option("sha256", used=ENTRY, required=True, text="Its digest, as it was sealed."),
        Option("stamp", used=ENTRY, required=True, text="Part of the names of what is made."),
    ),
)

RESTORED = EntryOptions(
    (
        *SESSIONS,
        Option("restored_run_id", used=ENTRY, required=True, text="The run of the restore."),
        DECLARED,
        Option("intent", "dict", used=ENTRY, required=True, text="What was about to be done."),
        Option("holds", "dict", used=ENTRY, required=True, text="What the plan was for."),
        _FILE,
        FENCE,
    )
)


@dataclass(frozen=True)
class RestoreTask(ApprovedTask):
    """What Ansible gives the task."""

    maintenance: str | None
    pg_bin: str | None
    jobs: int


@dataclass(frozen=True)
class RestoreRequest:
    """What the entry is asked. Without `approved_content` it only looks."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared
    file: str
    sha256: str
    stamp: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    maintenance: str = RESTORE.default_of("maintenance")
    pg_bin: str | None = None
    jobs: int = RESTORE.default_of("jobs")
    fence: Sequence[str] = ()
    approved_content: str | None = None


@dataclass(frozen=True)
class RestoredRequest:
    """What the entry `restored` is asked: what became of the restore of another run."""

    login: Mapping[str, str | int | None]
    run_id: str
    restored_run_id: str
    declared: Declared
    intent: RestoreIntent
    holds: Mapping[str, tuple[int | None, str | None]]
    file: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    fence: Sequence[str] = ()
