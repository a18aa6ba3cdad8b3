"""Dump the database, read the archive back, seal it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import backup, clients, link
from ..errors import GonogoError
from ..login import application_name
from .common import login_of, options, provide_psycopg

__all__ = ["SPEC", "run"]

SPEC = options(
    directory={"type": "path", "required": True},
    pg_bin={"type": "path"},
    compress={"type": "str", "default": "auto"},
    jobs={"type": "int", "default": 0},
    lock_wait={"type": "int", "default": 10000},
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`backup`: the record that `backup.take` returns."""
    provide_psycopg(params)
    from ..connection import reached
    from ..lock import prove, session
    from ..target import observe

    login, run_id = login_of(params), params["run_id"]
    if params["compress"] in {"0", "none"}:
        raise GonogoError(
            "an uncompressed archive is refused",
            detail="It has no checksums; damage would be restored silently.",
        )
    if check_mode:
        return {"changed": True, "msg": f"would dump {login.db} to {params['directory']}"}
    programs = {p: clients.find(p, bin_dir=params["pg_bin"]) for p in ("pg_dump", "pg_restore")}

    def confirm() -> None:
        link.require()
        prove(connection, run_id=run_id)

    # Open for the whole time: the run is seen to be alive while the archive is read back.
    with session(login, run_id=run_id, stage="backup", read_only=True) as connection:
        observed = observe(connection)
        record = backup.take(
            directory=Path(params["directory"]).expanduser(),
            name=f"{observed['database'].replace('/', '_')}-{run_id}",
            conninfo=login.conninfo(name=application_name(run_id, "backup"), **reached(connection)),
            environment=login.environment(),
            lock_wait_ms=params["lock_wait"],
            compress=params["compress"],
            # The server's half of a dump takes as much of the processor as pg_dump's.
            jobs=params["jobs"] or max(1, min(4, (os.cpu_count() or 1) // 2)),
            about={
                "database": observed["database"],
                "environment": observed["environment"],
                "system_identifier": observed["system_identifier"],
                "server_version": observed["server_version"],
                "run_id": run_id,
                "pg_dump": clients.version(programs["pg_dump"]),
            },
            confirm=confirm,
            **programs,
        )
    return {"changed": True, "backup": record}
