"""Dump the database, read the archive back, seal it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from ...contract.errors import GonogoError
from ...contract.login import Timeouts, application_name
from ...contract.options.backup import BackupRequest
from ...contract.records.answers import BackupAnswer
from ...contract.records.run import Identity
from ...contract.records.shape import Shape
from ..archive import clients, dump
from ..compare.source import Source, measured
from ..files import turns, unfinished
from ..progress import lending
from ..session import link
from ..session.connection import reached
from ..session.identity import observe
from ..session.lock import prove, session
from ..session.snapshot import exported, has_room
from .common import login_of

__all__ = ["run"]


_STAGE = "backup"


def run(asked: BackupRequest, *, check_mode: bool) -> BackupAnswer:
    """The record that `dump.take` returns."""
    login, run_id = login_of(asked.login), asked.run_id
    if asked.compress in {"0", "none"}:
        raise GonogoError(
            "an uncompressed archive is refused",
            detail="It has no checksums; damage would be restored silently.",
            hint="Leave backup_compress out: the cheapest that this pg_dump has is taken.",
        )
    if check_mode:
        return BackupAnswer(changed=True, msg=f"would dump {login.db} to {asked.directory}")
    programs = {p: clients.find(p, bin_dir=asked.pg_bin) for p in ("pg_dump", "pg_restore")}
    # The server's part of a dump takes as much of the processor as pg_dump's. Neither part of one
    # table uses up two processors, so there are two tables at least.
    jobs = asked.jobs or max(2, min(4, (os.cpu_count() or 1) // 2))

    def opened(*, patient: bool = False) -> Any:
        # A moment lasts as long as the dump, a fingerprint as long as its largest table.
        unlimited = Timeouts(lock=f"{asked.lock_wait}ms", statement="0", idle_in_transaction="0")
        timeouts = unlimited if patient else Timeouts()
        return session(login, run_id=run_id, stage=_STAGE, timeouts=timeouts, read_only=True)

    def confirm() -> None:
        link.require()
        prove(connection, run_id=run_id)

    # The first is open for the whole time: the run is seen to be alive while the archive is read
    # back. In the transaction of the second, the server would go on saying who was there at first.
    # Where there is no twin, nobody compares the backup with its source, and pg_dump's own
    # snapshot will do.
    with opened() as connection, contextlib.ExitStack() as moment:
        observed = observe(connection)
        # Before the moment: nobody keeps a snapshot while waiting.
        turn = moment.enter_context(turns.taken(_turn(asked, observed), confirm))
        snapshot = source = None
        if asked.fingerprint:
            keeping = moment.enter_context(opened(patient=True))
            room = has_room(connection)
            jobs = jobs if room else 1
            snapshot = moment.enter_context(exported(keeping, lock=room))
            source = Source(
                # It reads several times as fast as a dump writes.
                lambda: opened(patient=True),
                moment=keeping,
                snapshot=snapshot,
                locked=room,
                sessions=max(1, jobs // 2),
            )
        # Until the end that session has nothing to do.
        moment.enter_context(lending(lambda: contextlib.nullcontext(connection)))
        record = dump.take(
            directory=Path(asked.directory).expanduser(),
            name=_name(asked, observed),
            conninfo=login.conninfo(name=application_name(run_id, _STAGE), **reached(connection)),
            environment=login.environment(),
            lock_wait_ms=asked.lock_wait,
            compress=asked.compress,
            jobs=jobs,
            snapshot=snapshot,
            source=source.describe if source else None,
            run_id=run_id,
            observed=observed,
            confirm=confirm,
            **programs,
        )
        size = observed.database_bytes
        shape = (
            source.shaped(run_id=run_id, size=size)
            if source
            else _shape(connection, run_id=run_id, size=size)
        )
    return BackupAnswer(changed=True, backup=record, waited=round(turn.waited, 3), shape=shape)


def _shape(connection: Any, *, run_id: str, size: int) -> Shape | None:
    """As it is now; None where it cannot be read. A backup does not fail for it."""
    try:
        return measured(connection, run_id=run_id, size=size)
    except GonogoError:
        return None


def _turn(asked: BackupRequest, observed: Identity) -> turns.Asked:
    directory = Path(asked.directory).expanduser()
    return turns.Asked(
        directory=turns.directory_beside(directory),
        kind="dump",
        run_id=asked.run_id,
        at_once=asked.at_once,
        timeout=asked.turn_timeout,
        needs=int(observed.database_bytes * asked.room_factor),
        where=directory,
        grows=unfinished.place(directory, _name(asked, observed)),
    )


def _name(asked: BackupRequest, observed: Identity) -> str:
    return f"{observed.database.replace('/', '_')}-{asked.run_id}"
