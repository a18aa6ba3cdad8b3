"""The options of the stage backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .option import (
    ENTRY,
    Documented,
    EntryOptions,
    Option,
    Range,
    Returned,
    StageOptions,
    Variable,
)
from .shared import DATABASE, PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, turns

__all__ = ["BACKUP", "SUPERSEDED", "BackupRequest", "BackupTask", "Superseded"]
__all__ += ["SupersededRequest"]

_EXAMPLES = """\
- name: Dump the database, read it back, seal it
  gonogo_backup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/backups
"""

BACKUP = StageOptions(
    role="backup",
    says={"main": "Dump the database, read it back, seal it"},
    documented=Documented(
        title="Take a backup that has been read back in full",
        description=(
            "Dumps the database with pg_dump in the directory format under a temporary name, "
            "reads the whole archive back with pg_restore, records the SHA-256 of its files, and"
            " only then gives it its name.",
            "An earlier backup is never touched; a failure leaves nothing behind. Directories "
            "have mode 0700, files 0600.",
            "On the controller, writes backup.json into the run's evidence.",
        ),
        check_mode="In check mode nothing is dumped, and the task says that it would be.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "backup",
                "dict",
                "The sealed record, also written beside the archive.",
                returned="when not in check mode",
                contains=(
                    Returned(
                        "file", "path", "Path of the archive (a directory) on the target host."
                    ),
                    Returned("files", "dict", "Name to size and SHA-256 of each file."),
                    Returned("size", "int", "Size in bytes."),
                    Returned(
                        "sha256", "str", "SHA-256 of the list of its files as sha256sum prints it."
                    ),
                    Returned(
                        "tables",
                        "list",
                        "Tables whose rows are in it, as SQL names them.",
                        elements="str",
                    ),
                    Returned("read_back", "bool", "Whether all of it was read back."),
                    Returned("seconds", "dict", "Seconds for dump and read_back."),
                ),
            ),
        ),
    ),
    declared=(
        *DATABASE,
        REMOTE_DIR,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory for the archive, on the target host.",
            value="{{ gonogo_remote_dir }}/backups",
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_dump and pg_restore. By default they are looked for in E(PATH).",
            variable=PG_BIN,
        ),
        RUNS_DIR,
        PROGRESS,
        Option(
            "compress",
            default="auto",
            text="Compression, as pg_dump's C(--compress). V(auto) is lz4 where this pg_dump has "
            "it (16 and later), else gzip at level 1. V(0) is refused, an uncompressed archive "
            "hides damage.",
            variable=Variable("backup_compress"),
        ),
        Option(
            "jobs",
            "int",
            default=0,
            range=Range(0, 256, "sessions; 0 leaves it to the stage"),
            text="How many sessions dump tables side by side; V(0) is one for two cores of the "
            "target host, from two to four, as the server needs as many for itself.",
            variable=Variable("backup_jobs"),
        ),
        Option(
            "lock_wait",
            "int",
            default=10000,
            range=Range(1, (1 << 31) - 1, "milliseconds"),
            text="Milliseconds pg_dump waits for a table that somebody has locked.",
            variable=Variable("backup_lock_wait"),
        ),
        *turns("backup", "dumps"),
        Option(
            "room_factor",
            "float",
            used=ENTRY,
            default=1.0,
            text="Room that is promised to the dump, as a multiple of the size of the database.",
        ),
        Option(
            "fingerprint",
            "bool",
            used=ENTRY,
            default=True,
            text="Whether the source is described as it is at the moment of the dump.",
        ),
    ),
)


@dataclass(frozen=True)
class BackupTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    directory: str
    pg_bin: str | None
    compress: str | None
    jobs: int | None
    lock_wait: int | None
    at_once: int | None
    turn_timeout: int | None


@dataclass(frozen=True)
class BackupRequest:
    """What the entry is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    directory: str
    pg_bin: str | None = None
    compress: str = BACKUP.default_of("compress")
    jobs: int = BACKUP.default_of("jobs")
    lock_wait: int = BACKUP.default_of("lock_wait")
    at_once: int = BACKUP.default_of("at_once")
    turn_timeout: int = BACKUP.default_of("turn_timeout")
    room_factor: float = BACKUP.default_of("room_factor")
    fingerprint: bool = BACKUP.default_of("fingerprint")


# Backups that newer ones have taken the place of.
SUPERSEDED = EntryOptions(
    (
        Option("directory", "path", required=True, used=ENTRY, text="Directory of the backups."),
        Option(
            "backups",
            "list",
            elements="dict",
            required=True,
            used=ENTRY,
            text="Those that are to be removed, as they were proven.",
        ),
    )
)


@dataclass(frozen=True)
class Superseded:
    """A backup as the evidence of its run has it."""

    run_id: str
    database: str
    file: str
    sha256: str


@dataclass(frozen=True)
class SupersededRequest:
    """What the entry `superseded` is asked."""

    directory: str
    backups: Sequence[Superseded]
