"""The options of the stage backup."""

from __future__ import annotations

from .option import ENTRY, Option, Range, StageOptions, Variable
from .shared import DATABASE, PG_BIN, REMOTE_DIR, RUNS_DIR

__all__ = ["BACKUP"]

BACKUP = StageOptions(
    role="backup",
    says={"main": "Dump the database, read it back, seal it"},
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
        Option(
            "fingerprint",
            "bool",
            used=ENTRY,
            default=True,
            text="Whether the source is described as it is at the moment of the dump.",
        ),
    ),
)
