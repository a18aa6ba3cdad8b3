"""Prove the target, find the clients, take the run lock; or give it up again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Callable

from ...contract.errors import GonogoError, together
from ...contract.login import Login, application_name
from ...contract.options.target import TargetRequest
from ...contract.records.answers import Released, TargetAnswer
from ...contract.records.run import Clients, Declared, Program
from ..archive import clients
from ..files import unfinished
from ..session import identity, lock
from ..session.connection import connect
from ..session.identity import observe
from ..session.login_rights import refuse_stronger_login
from ..twin import directories
from .common import login_of

__all__ = ["run"]

_STAGE = "target"


def run(asked: TargetRequest, *, check_mode: bool) -> TargetAnswer | Released:
    """As `_opened`, or the lock given up."""
    login, run_id = login_of(asked.login), asked.run_id
    if asked.state == "released":
        # Not the lock alone: a stage that was cut off may still be at work.
        with connect(login, name=application_name(run_id, "release")) as connection:
            ended = lock.fence(connection, run_ids=[run_id])
        return Released(changed=False, fenced=ended)
    # The controller says both where it opens a run.
    assert asked.declared is not None
    assert asked.backup_directory is not None
    return _opened(
        login,
        run_id=run_id,
        declared=asked.declared,
        fence=asked.fence,
        lease=asked.lock_lease,
        pg_bin=asked.pg_bin,
        backup_directory=Path(asked.backup_directory).expanduser(),
        space_factor=asked.space_factor,
        check_only=check_mode,
    )


def _opened(
    login: Login,
    *,
    run_id: str,
    declared: Declared,
    fence: Sequence[str],
    lease: float,
    pg_bin: str | None,
    backup_directory: Path,
    space_factor: float,
    check_only: bool,
) -> TargetAnswer:
    """Prove the target's identity, find the clients, take the run lock.

    Raises GonogoError before anything is written when the target is not the declared one or not
    fit.
    """
    twins = backup_directory.parent / "twins"
    with connect(login, name=application_name(run_id, _STAGE), read_only=True) as connection:
        observed = observe(connection)
        refusals = identity.problems(declared, observed)
        programs = None
        # A server that is too old is asked nothing else.
        if not identity.is_too_old(observed):
            refusals += _refusals(lambda: refuse_stronger_login(connection))
            try:
                programs = _clients(pg_bin, observed.server_version)
            except GonogoError as error:
                refusals.append(error)
        if refusals or programs is None:
            raise together(refusals)
        fenced = lock.fence(connection, run_ids=[] if check_only else fence)
        # Before the room is measured: each may be as large as the database.
        swept = (
            [] if check_only else [*unfinished.sweep(backup_directory), *directories.sweep(twins)]
        )
        free = _room(backup_directory, observed.database_bytes, space_factor)
        opened = TargetAnswer(
            changed=False,
            held=None,
            others=(),
            observed=observed,
            clients=programs,
            free_bytes=free,
            fenced=fenced,
            swept=swept,
        )
        if check_only:
            return opened
        held = lock.acquire(login, run_id=run_id, lease=lease)
        # Only now: a run that has lost its lock may still be at work, but begins nothing more.
        others = lock.other_runs(connection, run_id=run_id)
        if others and held is None:
            lock.release(connection, run_id=run_id)
    return replace(opened, held=held, others=others)


def _refusals(look: Callable[[], None]) -> list[GonogoError]:
    """The error that this raises, if any."""
    try:
        look()
    except GonogoError as error:
        return [error]
    return []


def _clients(pg_bin: str | None, server_version: str) -> Clients:
    found = Clients(_program("pg_dump", pg_bin), _program("pg_restore", pg_bin))
    dump, restore = found.pg_dump.version, found.pg_restore.version
    if clients.major(dump) < clients.major(server_version):
        raise GonogoError(
            f"pg_dump {dump} cannot dump PostgreSQL {server_version}",
            hint="Install the client programs of the server's version, or set gonogo_pg_bin.",
        )
    if clients.major(restore) < clients.major(dump):
        raise GonogoError(
            f"pg_restore {restore} cannot read what pg_dump {dump} writes",
            hint="Let gonogo_pg_bin name a directory that has both, of one version.",
        )
    return found


def _program(name: str, pg_bin: str | None) -> Program:
    path = clients.find(name, bin_dir=pg_bin)
    return Program(path, clients.version(path))


def _room(directory: Path, database_bytes: int, factor: float) -> int:
    """Free bytes where the backup goes. Raises GonogoError when they will not do."""
    existing = directory
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise GonogoError(
            f"the backup directory cannot be written to: {directory}",
            hint="Set gonogo_remote_dir to a directory of the login user.",
        )
    free = shutil.disk_usage(existing).free
    needed = int(database_bytes * factor)
    if free < needed:
        raise GonogoError(
            f"not enough room for the backup in {directory}",
            detail=f"Free: {free} bytes. Wanted: {needed} bytes ({factor} x {database_bytes}).",
            hint="Make room, or set gonogo_remote_dir or target_space_factor.",
        )
    return free
