"""The options of the stage target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..login import Timeouts
from ..records.migration import Recorded
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
    DATABASE,
    DECLARED,
    ENVIRONMENT,
    EVIDENCE_SSH_ARGS,
    EVIDENCE_STORE,
    FENCE,
    PG_BIN,
    PROGRESS,
    REMOTE_DIR,
    RUNS_DIR,
    SESSIONS,
)

__all__ = ["HISTORY", "TARGET", "HistoryRequest", "TargetRequest", "TargetTask"]

_EXAMPLES = """\
- name: Prove the target and open the run
  gonogo_target:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    runbook: runbooks/20251229010228_add_master_tables_final_v2
    profile: target
    residue: keep
    refused_databases: [orders]
    backup_directory: ~/.gonogo/backups
"""

TARGET = StageOptions(
    role="target",
    says={"main": "Prove the target, open the run, take the lock"},
    leaves_process=True,
    documented=Documented(
        title="Prove the identity of a target database and take the run lock",
        description=(
            "Opens a run. The target is protected unless its inventory says "
            "C(gonogo_protected=false); this is read from the inventory itself, not from a "
            "variable of the task. Refuses a database whose name, environment marker, server or "
            "role is not what the inventory declares, before anything is written to it.",
            "The marker is the setting C(gonogo.environment) of the database itself, made with "
            "C(ALTER DATABASE ... SET), or a line C(gonogo.environment=...) of its comment, made"
            " with C(COMMENT ON DATABASE). Where both are there they must agree. A dump restored"
            " into another database does not carry it.",
            "Takes the run lock, an advisory lock held by a small process on the target host "
            "that ends by itself when the run does.",
            "Ends sessions that a dead run has left, and removes its unfinished backup; refuses "
            "while another run is alive and names it.",
            "On the controller, opens the evidence directory of the run.",
        ),
        check_mode="In check mode identity, clients and room are checked, the lock is not taken "
        "and no run is opened.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "observed",
                "dict",
                "What the database says about itself.",
                returned="success",
                sample={
                    "database": "orders_staging",
                    "environment": "staging",
                    "login": "orders_staging",
                    "server_version": "16.4",
                },
            ),
            Returned(
                "clients", "dict", "Path and version of pg_dump and pg_restore.", returned="success"
            ),
            Returned(
                "free_bytes",
                "int",
                "Free bytes in the backup directory's file system.",
                returned="success",
            ),
            Returned(
                "fenced",
                "list",
                "Names of sessions of dead runs that were ended.",
                returned="success",
                elements="str",
            ),
            Returned(
                "swept",
                "list",
                "Unfinished backups that cut runs have left, and that were removed.",
                returned="success",
                elements="dict",
                contains=(
                    Returned("file", "path", "Path on the target host."),
                    Returned("size", "int", "Size in bytes."),
                ),
            ),
            Returned(
                "held", "dict", "Who holds the run lock instead of this run.", returned="success"
            ),
            Returned(
                "others",
                "list",
                "Ids of other runs that have sessions in the database.",
                returned="success",
                elements="str",
            ),
            Returned(
                "run_id", "str", "Id of the run that was opened.", returned="when not in check mode"
            ),
            Returned(
                "evidence",
                "path",
                "Directory of the run's evidence, on the controller.",
                returned="when not in check mode",
            ),
        ),
    ),
    declared=(
        *DATABASE,
        replace(ENVIRONMENT, text="Environment the inventory declares, such as V(staging)."),
        Option(
            "runbook",
            "path",
            used=TASK,
            on_controller=True,
            text="Folder of the runbook, on the controller. For a folder of O(migrations) that of "
            "the derived checks, unless this one is about such a folder, too: it has no migration "
            "of its own.",
            variable=Variable("gonogo_runbook"),
        ),
        Option(
            "migrations",
            "path",
            used=TASK,
            on_controller=True,
            text="Folder of the migrations of an application, on the controller, as its migration "
            "tool keeps them. What is pending of them is judged by the derived checks. A "
            "O(runbook) that has a migration of its own is not used then, and neither are its "
            "O(profile) and its parameters.",
            variable=Variable("gonogo_migrations"),
        ),
        Option(
            "migration_tool",
            used=TASK,
            default="auto",
            text="The migration tool of O(migrations), see docs/migration-tools.md; V(auto) finds "
            "it by what only its folder has.",
            variable=Variable(
                "gonogo_migration_tool",
                text="The migration tool of gonogo_migrations. By default it is found by what only "
                "its folder has.",
                example="auto",
            ),
        ),
        Option(
            "migration_schema",
            used=TASK,
            default="public",
            text="Schema of the application, in which its tool keeps its record unless it has a "
            "schema of its own.",
            variable=Variable(
                "gonogo_migration_schema",
                text="Schema of the application whose migrations these are; public if unset.",
                example="public",
            ),
        ),
        Option(
            "migrate_command",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="The words of the command with which the migration tool of O(migrations) applies "
            "what is pending, where these are programs. It runs in that folder, on copies of the "
            "database, and what it says to them is judged.",
            variable=Variable(
                "gonogo_migrate_command",
                text="The words of the command with which a migration tool applies what is "
                "pending, where its migrations are programs. It runs in gonogo_migrations, on "
                "two copies of the database and on nothing else, and what it says to them is "
                "judged and applied. No shell reads it.",
                example="[alembic, upgrade, head]",
            ),
        ),
        Option(
            "irreversible",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="Migrations of O(migrations) that are not to be taken back by their own files, by "
            "name or file: the proven backup is the way back from them.",
            variable=Variable("gonogo_irreversible"),
        ),
        Option(
            "baseline",
            "path",
            used=TASK,
            on_controller=True,
            text="File of SQL, on the controller, with which the history of O(migrations) begins "
            "where it does not begin with an empty database: the schema before its first "
            "migration, or with all up to O(baseline_version).",
            variable=Variable(
                "gonogo_baseline",
                text="File of SQL, on the controller, with which the history of gonogo_migrations "
                "begins where it does not begin with an empty database: the schema before its "
                "first migration, or with all up to gonogo_baseline_version, as pg_dump "
                "--schema-only --no-owner --no-privileges writes it.",
            ),
        ),
        Option(
            "baseline_version",
            used=TASK,
            text="Name of the migration up to which O(baseline) has all. Without a file the "
            "history counts from there on: what is there is taken as it is, and no drift is "
            "looked for.",
            variable=Variable(
                "gonogo_baseline_version",
                text="Name of the migration up to which gonogo_baseline has all. Without a file "
                "the history counts from there on: what is there is taken as it is, and no drift "
                "is looked for.",
                example="20260101000000_first",
            ),
        ),
        Option(
            "queries",
            "path",
            used=TASK,
            on_controller=True,
            text="File of the queries of the application of O(migrations), on the controller: SQL "
            "with a semicolon behind each, as the application sends them, with placeholders "
            "(C($1), C(?), C(:name), C(%s)) in the place of values. They are never executed: "
            "what was understood before has to be understood with the migration. What stands in "
            "the file is kept in the evidence.",
            variable=Variable(
                "gonogo_queries",
                text="File of the application's queries, on the controller. They are never "
                "executed: what was understood before has to be understood with the migration. "
                "Placeholders stand in the place of values; the evidence keeps the queries.",
            ),
        ),
        Option(
            "own_checks",
            "path",
            used=TASK,
            on_controller=True,
            text="Folder of own checks about O(migrations), on the controller: each a C(.sql) file "
            "of one query with a head of comments, see docs/own-checks.md. They are asked in a "
            "transaction in which nothing can be written.",
            variable=Variable(
                "gonogo_own_checks",
                text="Folder of own checks beside the migrations, on the controller: each a .sql "
                "file of one query with a head of comments, see docs/own-checks.md.",
            ),
        ),
        Option(
            "criteria",
            "dict",
            used=TASK,
            text="How criteria of the derived checks count: id, and V(critical), V(important), "
            "V(hold) or V(none). Only the inventory can set it.",
            variable=Variable(
                "gonogo_criteria",
                text="How criteria of the derived checks count, where it is not as they say: id, "
                "and critical, important, hold or none. The verdict says so. Only the inventory "
                "can set it.",
                example="{D8: none}",
            ),
        ),
        Option(
            "profile",
            used=TASK,
            default="target",
            text="Which of the runbook's profiles to expect.",
            variable=Variable("gonogo_profile"),
        ),
        Option(
            "residue",
            used=TASK,
            default="rollback",
            choices=("keep", "rollback"),
            text="Whether test rows are committed (V(keep)) or never visible to anybody "
            "(V(rollback)).",
            variable=Variable(
                "gonogo_residue",
                text="Whether test rows are committed and removed by the approved cleanup, or "
                "never visible to anybody.",
            ),
        ),
        Option(
            "parameters",
            "dict",
            used=TASK,
            default={},
            text="Values for the runbook's parameters.",
            variable=Variable("gonogo_parameters"),
        ),
        Option(
            "waivers",
            "list",
            elements="dict",
            used=TASK,
            default=[],
            text="Accepted deviations. Each has C(check) or C(criterion), C(owner), C(reason) and "
            "C(expires), and where it is not for every host C(hosts): names of hosts and groups, "
            "with V(*) and V(?) for any characters.",
            variable=Variable(
                "gonogo_waivers",
                text="Accepted deviations, each with check or criterion, owner, reason and "
                "expires; hosts (names of hosts and groups) where it is not for every host.",
            ),
        ),
        Option(
            "waivers_file",
            "path",
            used=TASK,
            on_controller=True,
            text="File of accepted deviations, on the controller: a list in YAML, as O(waivers), "
            "for all hosts together.",
            variable=Variable(
                "gonogo_waivers_file",
                text="File of accepted deviations, on the controller: a list in YAML, as "
                "gonogo_waivers, for all hosts together.",
            ),
        ),
        Option(
            "refused_databases",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="Names of databases that are never this target.",
            variable=Variable("gonogo_refused_databases"),
        ),
        Option(
            "system_identifier",
            used=TASK,
            text="The server's system identifier, where it is known.",
            variable=Variable("gonogo_system_identifier"),
        ),
        Variable(
            "gonogo_protected",
            type="bool",
            text="Whether promotion, twin, rehearsal and approval are required, and no test row "
            "stays; true if unset. Only the inventory can set it.",
        ),
        Variable(
            "gonogo_promotion_from",
            type="str",
            text="Environment whose GO this one asks for. A protected target always asks for one. "
            "Only the inventory can set it.",
        ),
        Variable(
            "gonogo_customer",
            type="str",
            text="Whose database it is, where several have the same migrations. Evidence of "
            "another customer does not admit a run. Only the inventory can set it.",
        ),
        Option(
            "promotion",
            "dict",
            used=TASK,
            required=True,
            text="The evidence of another environment that admits this run. Of which environment "
            "it has to be, and how old, only the inventory can say.",
            options=(
                Option(
                    "evidence",
                    "path",
                    on_controller=True,
                    text="Directory of that run, on the controller.",
                    variable=Variable(
                        "gonogo_promotion_evidence",
                        text="Directory of the run on that environment, on the controller. By "
                        "default the newest one that gonogo_evidence_store has of these files.",
                    ),
                ),
            ),
        ),
        EVIDENCE_STORE,
        EVIDENCE_SSH_ARGS,
        Variable(
            "gonogo_promotion_keys",
            type="list",
            elements="str",
            text="Public keys of the gates whose GO is believed, each as its text in PEM. Where "
            "there are any, the evidence of another environment has to be attested by one of them, "
            "see docs/attestation.md. Only the inventory can set it.",
        ),
        Variable(
            "gonogo_promotion_max_age_hours",
            type="int",
            range=Range(1, 8760, "hours"),
            text="How old that run may be, in hours; 168, a week, if nothing is said. Only the "
            "inventory can set it.",
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_dump and pg_restore on the target host. By default they are "
            "looked for in E(PATH).",
            variable=PG_BIN,
        ),
        Variable(
            "gonogo_waves",
            type="list",
            elements="str",
            text="In which waves the hosts are begun: how many at a time, as numbers or "
            "percentages, of which the last counts for all that are left; or names of groups, "
            "with the hosts of none of them at the end. Without it all are begun at once.",
            example="[1, 10%, 100%]",
        ),
        Variable(
            "gonogo_waves_stop",
            type="list",
            elements="str",
            choices=("HOLD", "NO-GO"),
            text="Verdicts of a wave that keep the next one from beginning; both if unset. A host "
            "without a verdict does it in any case.",
        ),
        Variable(
            "gonogo_waves_max_fail",
            type="int",
            range=Range(0, 100_000, "hosts"),
            text="How many hosts of a wave may have such a verdict or none, and the next one is "
            "begun all the same; 0 if unset. Where every host of a wave has failed, Ansible "
            "begins no other.",
        ),
        REMOTE_DIR,
        RUNS_DIR,
        PROGRESS,
        Option(
            "backup_directory",
            "path",
            required=TASK,
            text="Where the backup will go, on the target host.",
            value="{{ gonogo_remote_dir }}/backups",
        ),
        Option(
            "space_factor",
            "float",
            default=1.0,
            range=Range(0, 1e9, "times the size of the database"),
            text="How much room the backup needs at most, as a multiple of the database's size.",
            variable=Variable(
                "target_space_factor",
                text="Free space wanted for the backup, as a multiple of the database's size. A "
                "compressed archive of ordinary text needs about a third.",
            ),
        ),
        Option(
            "lock_lease",
            "int",
            default=900,
            range=Range(1, 86_400, "seconds"),
            text="Seconds after which the run lock is given up when no session of the run has "
            "been seen.",
            variable=Variable(
                "target_lock_lease",
                text="Seconds without any session of the run after which the run lock is given up.",
            ),
        ),
        Option(
            "take_over",
            used=TASK,
            text="Id of a run whose sessions are to be ended although its controller cannot be "
            "asked whether it is dead.",
            variable=Variable(
                "target_take_over",
                text="Id of a run whose sessions are ended although its controller cannot be "
                "asked whether it is dead.",
                example="20260131T120000Z-0a1b2c",
            ),
        ),
        Option(
            "state",
            used=ENTRY,
            choices=("open", "released"),
            default="open",
            text="Released: no lock is taken, and what is still at work of the run is ended.",
        ),
        replace(DECLARED, required=False),
        FENCE,
    ),
)


@dataclass(frozen=True)
class ShownPromotion:
    evidence: str | None


@dataclass(frozen=True)
class TargetTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    environment: str
    runbook: str | None
    migrations: str | None
    migration_tool: str
    migration_schema: str
    irreversible: Sequence[str]
    baseline: str | None
    baseline_version: str | None
    queries: str | None
    own_checks: str | None
    criteria: Mapping[str, object] | None
    migrate_command: Sequence[str]
    profile: str
    residue: str
    parameters: Mapping[str, object]
    waivers: Sequence[Mapping[str, object]]
    waivers_file: str | None
    refused_databases: Sequence[str]
    system_identifier: str | None
    promotion: ShownPromotion
    evidence_store: str | None
    evidence_ssh_args: str | None
    pg_bin: str | None
    backup_directory: str | None
    space_factor: float | None
    lock_lease: int | None
    take_over: str | None


@dataclass(frozen=True)
class TargetRequest:
    """What the entry is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    declared: Declared | None = None
    pg_bin: str | None = None
    backup_directory: str | None = None
    space_factor: float = TARGET.default_of("space_factor")
    lock_lease: int = TARGET.default_of("lock_lease")
    state: str = TARGET.default_of("state")
    fence: Sequence[str] = ()


HISTORY = EntryOptions(
    (
        *SESSIONS,
        Option("tool", used=ENTRY, required=True, text="The migration tool."),
        Option("schema", used=ENTRY, required=True, text="The schema of its record."),
        Option(
            "queries",
            "bool",
            used=ENTRY,
            default=False,
            text="Whether it is asked which queries the database has served, too.",
        ),
        Option(
            "expected",
            "list",
            elements="dict",
            used=ENTRY,
            default=[],
            text="The migrations that it is asked about, where the record names none.",
        ),
    )
)


@dataclass(frozen=True)
class HistoryRequest:
    """What the entry `history` is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    tool: str
    schema: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    queries: bool = False
    expected: Sequence[Recorded] = ()
