"""The options of the stage twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..records.drift import ReplayPlan
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
from .shared import DATABASE, PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, turns

__all__ = ["CAPTURE", "TWIN", "CaptureRequest", "TwinRequest", "TwinTask"]

_EXAMPLES = """\
- name: Restore the backup into a twin, compare it with its source
  gonogo_twin:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/twins
"""

TWIN = StageOptions(
    role="twin",
    says={"main": "Restore the backup into a twin, compare it with its source"},
    leaves_process=True,
    documented=Documented(
        title="Restore the backup into a twin and prove that it equals its source",
        description=(
            "Makes a throw-away cluster on the target host, restores the archive that the stage "
            "backup has sealed into it, and compares it with the source at the moment of the "
            "dump, every table by its number of rows and an order-independent hash of them, "
            "every sequence, and the schema by the catalog.",
            "The cluster runs as the login user, or as an unprivileged account where that is "
            "root. It listens on a Unix socket in a private directory only, and nothing of it "
            "stays behind.",
            "Where the host has no server programs of the source's major version, a database "
            "beside the source takes it, if the role may create one. Without either the backup "
            "stays unproven, and the task says why.",
            "On the controller, writes twin.json into the run's evidence. Fails when the twin "
            "does not equal its source.",
        ),
        check_mode="In check mode nothing is restored, and the task says that it would be.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "twin",
                "dict",
                "What is written to twin.json.",
                returned="when not in check mode",
                contains=(
                    Returned(
                        "proven",
                        "bool",
                        "Whether the twin equals its source; null where it could not be tried.",
                    ),
                    Returned("reason", "str", "Why the backup is not proven."),
                    Returned(
                        "required", "bool", "Whether an unproven backup stands in the way of a GO."
                    ),
                    Returned("backup_sha256", "str", "The sealed archive that was restored."),
                    Returned(
                        "method", "str", "Where it was restored.", returned="when it was tried"
                    ),
                    Returned(
                        "confinement",
                        "dict",
                        "What was taken from the server of a cluster: files, network, signals; "
                        "and the reason where not all of it.",
                        returned="when it was restored into a cluster",
                    ),
                    Returned(
                        "first_attempt",
                        "str",
                        "Why the first attempt to restore it failed. The second one restores in "
                        "a row, into a fresh database without settings.",
                        returned="when there was a second one",
                    ),
                    Returned(
                        "seconds",
                        "dict",
                        "Seconds for start and restore and compare.",
                        returned="when it was tried",
                    ),
                    Returned(
                        "proof",
                        "dict",
                        "Rows and hash of every table, source and twin; differences of "
                        "sequences, large objects and schema.",
                        returned="when it was restored",
                    ),
                ),
            ),
        ),
    ),
    declared=(
        *DATABASE,
        Option(
            "enabled",
            "bool",
            used=TASK,
            default=True,
            text="Whether the backup is restored at all.",
            variable=Variable(
                "twin_enabled",
                text="Whether the backup is restored into a throw-away cluster and compared with "
                "its source.",
            ),
        ),
        Option(
            "required",
            "bool",
            used=TASK,
            default=False,
            text="Whether an unproven backup stands in the way of a GO.",
            variable=Variable(
                "twin_required",
                text="Whether an unproven backup (no server programs on the host, no room, "
                "switched off) is a HOLD. It is a condition of the verdict otherwise. One that is "
                "proven bad is a NO-GO in any case.",
            ),
        ),
        Option(
            "keep_backups",
            "int",
            used=TASK,
            range=Range(1, 100_000, "backups"),
            text="How many of the newest proven backups of a database stay on the host, the one "
            "of this run among them. Older ones are removed once this one is proven; those that "
            "a way back may need stay. Without it all stay.",
            variable=Variable("gonogo_keep_backups", example="7"),
        ),
        REMOTE_DIR,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory for the twin, on the target host.",
            value="{{ gonogo_remote_dir }}/twins",
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_restore. By default it is looked for in E(PATH).",
            variable=PG_BIN,
        ),
        Option(
            "server_bin",
            "path",
            text="Directory of initdb and postgres, of the source's major version. By default "
            "they are looked for beside pg_dump and where packages put them.",
            variable=Variable(
                "gonogo_server_bin",
                text="Directory of initdb and postgres of the source's version on the host. By "
                "default looked for beside pg_dump and in the usual places.",
            ),
        ),
        RUNS_DIR,
        PROGRESS,
        Option(
            "scratch",
            "bool",
            default=True,
            text="Whether the backup may be restored into a database beside the source, on its "
            "server, where the host can have no cluster. It is dropped afterwards.",
            variable=Variable(
                "twin_scratch",
                text="Whether a database beside the source, on its server, may take the backup "
                "where the host can have no cluster of its own. It takes the room of a copy "
                "there, and is dropped afterwards.",
            ),
        ),
        Option(
            "jobs",
            "int",
            default=0,
            range=Range(0, 256, "sessions; 0 leaves it to the stage"),
            text="How many sessions restore side by side; V(0) is one for each processor of the "
            "target host, at most eight.",
            variable=Variable("twin_jobs"),
        ),
        Option(
            "space_factor",
            "float",
            default=1.2,
            range=Range(0, 1e9, "times the size of the database"),
            text="Free space the twin needs, as a multiple of the database's size.",
            variable=Variable("twin_space_factor"),
        ),
        *turns("twin", "twins"),
        Option(
            "migrate_environment",
            "dict",
            used=TASK,
            default={},
            text="Variables of the environment of the migration tool's command, beside "
            "E(DATABASE_URL), E(PGHOST), E(PGPORT), E(PGUSER) and E(PGDATABASE). In their values "
            "C({url}), C({host}), C({port}), C({user}) and C({database}) stand for those of the "
            "copy, and C({address}) for what comes behind the scheme of the URL.",
            variable=Variable(
                "gonogo_migrate_environment",
                text="Variables of the environment of gonogo_migrate_command, beside DATABASE_URL, "
                "PGHOST, PGPORT, PGUSER and PGDATABASE. In their values {url}, {host}, {port}, "
                "{user} and {database} stand for those of the copy, and {address} for what comes "
                "behind the scheme of the URL. Nothing secret.",
                example='{DB_HOST: "{host}", SQLALCHEMY_URL: "postgresql+psycopg://{address}"}',
            ),
        ),
        Option(
            "migrate_timeout",
            "int",
            used=TASK,
            default=600,
            range=Range(1, 86_400, "seconds"),
            text="Seconds that one run of the migration tool's command may take.",
            variable=Variable(
                "gonogo_migrate_timeout",
                text="Seconds that one run of gonogo_migrate_command may take; 600 if unset.",
                example="600",
            ),
        ),
        Option(
            "migrate_records",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="Names of tables in which the migration tool keeps its record, beside those that "
            "are known by name.",
            variable=Variable(
                "gonogo_migrate_records",
                text="Names of tables in which the tool of gonogo_migrate_command keeps its "
                "record, beside those that are known by name (docs/migration-tools.md).",
                example="[app_migrations]",
            ),
        ),
        Option(
            "state",
            used=ENTRY,
            choices=("restored", "removed"),
            default="restored",
            text="Whether a twin is made or removed.",
        ),
        Option("file", "path", used=ENTRY, text="The archive."),
        Option("sha256", used=ENTRY, text="Its digest, as it was sealed."),
        Option(
            "keep",
            "bool",
            used=ENTRY,
            default=False,
            text="Whether the next stage works on the twin, and ends it.",
        ),
    ),
)


@dataclass(frozen=True)
class TwinTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    enabled: bool | None
    required: bool | None
    keep_backups: int | None
    directory: str
    pg_bin: str | None
    server_bin: str | None
    scratch: bool | None
    jobs: int | None
    space_factor: float | None
    at_once: int | None
    turn_timeout: int | None
    migrate_environment: Mapping[str, object]
    migrate_timeout: int
    migrate_records: Sequence[str]


@dataclass(frozen=True)
class TwinRequest:
    """What the entry is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    directory: str
    pg_bin: str | None = None
    server_bin: str | None = None
    scratch: bool = TWIN.default_of("scratch")
    jobs: int = TWIN.default_of("jobs")
    space_factor: float = TWIN.default_of("space_factor")
    at_once: int = TWIN.default_of("at_once")
    turn_timeout: int = TWIN.default_of("turn_timeout")
    state: str = TWIN.default_of("state")
    file: str | None = None
    sha256: str | None = None
    keep: bool = TWIN.default_of("keep")


CAPTURE = EntryOptions(
    (
        *DATABASE,
        Option("copy", "dict", used=ENTRY, required=True, text="What the entry `twin` is asked."),
        Option(
            "command",
            "list",
            elements="str",
            used=ENTRY,
            required=True,
            text="The words of the command.",
        ),
        Option("folder", "path", used=ENTRY, required=True, text="Where it runs."),
        Option("folder_sha256", used=ENTRY, required=True, text="The digest of its files."),
        Option(
            "environment",
            "dict",
            used=ENTRY,
            default={},
            text="What its environment has beside the address.",
        ),
        Option("seconds", "float", used=ENTRY, required=True, text="How long it may take."),
        Option(
            "records",
            "list",
            elements="str",
            used=ENTRY,
            default=[],
            text="Further tables in which its tool keeps its record.",
        ),
        Option(
            "history",
            "dict",
            used=ENTRY,
            text="What is to be known of the history; then it is run on an empty database, and a "
            "copy compared with that.",
        ),
    ),
    leaves_process=True,
)


@dataclass(frozen=True)
class CaptureRequest:
    """What the entry `capture` is asked; `copy` says which backup is restored, and where."""

    login: Mapping[str, str | int | None]
    run_id: str
    copy: TwinRequest
    command: Sequence[str]
    folder: str
    folder_sha256: str
    seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)
    records: Sequence[str] = ()
    history: ReplayPlan | None = None
