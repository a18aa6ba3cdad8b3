"""The run lock: one run at a time on one database.

A lock row in a table outlives the process that wrote it; a session's advisory lock does not. The
stages of a run are separate processes, so a small process, the *holder*, has the session for all of
them. The holder, and with it the lock, ends when

* a stage ends it (`release`), or
* its connection is lost, or
* no session of the run has been seen for `lease` seconds: the controller is gone.

What runs on the target host may outlive its controller and wake up long after a later run has
fenced it. Therefore every session of a stage proves that its run still has the lock, *after* it
has been opened. The fence waits until no session of the old run is left: one that was open by
then has been ended, and one that is opened later finds the lock gone.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...contract.errors import GonogoError
from ...contract.login import Login, Timeouts, application_name
from ...contract.records.answers import Held
from . import catalog, daemon, link
from .connection import DatabaseError, connect

__all__ = [
    "Held",
    "Witness",
    "acquire",
    "fence",
    "other_runs",
    "prove",
    "release",
    "session",
    "take",
]

_STAGE = "lock"
_POLL_SECONDS = 2.0
_GONE_DEADLINE_SECONDS = 30.0


def acquire(login: Login, *, run_id: str, lease: float) -> Held | None:
    """Take the lock for this run and leave a holder behind. Returns who holds it if it is taken.

    `lease` is in seconds. Raises GonogoError when the holder cannot be started, or when nobody
    is left who would end it.
    """
    link.require()
    outcome = daemon.spawn(lambda report: _holder(report, login, run_id=run_id, lease=lease))
    if outcome is None:
        raise GonogoError("the process that holds the run lock ended before it had the lock")
    if "error" in outcome:
        raise GonogoError(outcome["error"], detail=outcome.get("detail"), hint=outcome.get("hint"))
    return Held(**outcome["held"]) if outcome["held"] else None


def take(connection: Any) -> Held | None:
    """Take the lock until the end of this session. Returns who holds it if it is taken."""
    with connection.cursor() as cursor:
        cursor.execute(catalog.TRY_LOCK, catalog.LOCK_KEY)
        if cursor.fetchone()[0]:
            return None
        cursor.execute(catalog.LOCK_HOLDER, catalog.LOCK_KEY)
        row = cursor.fetchone()
    if row is None:
        return Held(
            run_id=None, application_name="a session that just ended", since="", client=None
        )
    name, since, client = row
    parts = name.split(":")
    run_id = parts[1] if len(parts) == 3 and parts[0] == "gonogo" else None
    return Held(run_id=run_id, application_name=name, since=since.isoformat(), client=client)


def session(
    login: Login,
    *,
    run_id: str,
    stage: str,
    timeouts: Timeouts | None = None,
    read_only: bool = False,
    called: str | None = None,
) -> Any:
    """Open a session of a stage, as `connect` does. Raises GonogoError as `prove` does.

    `called` is the name of a session that runs code of the application: the code must not be able
    to tell it from any other session. Such a session has the mark of its run instead.
    """
    connection = connect(
        login,
        name=application_name(run_id, stage) if called is None else called,
        timeouts=timeouts or Timeouts(),
        read_only=read_only,
    )
    try:
        if called is not None:
            connection.execute(catalog.MARK, (catalog.mark_of(run_id),))
        # The session has its name or mark by now. A fence that did not see it has the lock already.
        prove(connection, run_id=run_id)
    except BaseException:
        connection.close()
        raise
    return connection


def prove(connection: Any, *, run_id: str) -> None:
    """Raise GonogoError unless this run has the lock now, and this session is alive."""
    with connection.cursor() as cursor:
        cursor.execute(catalog.HAS_LOCK, (*catalog.LOCK_KEY, application_name(run_id, _STAGE)))
        if cursor.fetchone()[0]:
            return
    raise GonogoError(
        "this run has lost its lock on the database",
        detail="The process on the target host that held it has ended, a later run has ended it, "
        "or it has seen no session of this run for as long as target_lock_lease says, as where a "
        "host is very busy. Whatever else works on the database now, this run must not.",
        hint="Run the playbook again; where a stage takes its time to begin, raise "
        "target_lock_lease.",
    )


class Witness:
    """Proves, when it is called, that this run may still change the database.

    It is called last before a commit. It has a session of its own, so that the application's code
    cannot tamper with the proof.
    """

    def __init__(self, login: Login, *, run_id: str, stage: str) -> None:
        self._login, self._run_id, self._stage = login, run_id, stage
        self._connection: Any = None

    def __call__(self) -> None:
        """Raise GonogoError unless the controller listens and the run has its lock."""
        link.require()
        if self._connection is not None and not self._connection.closed:
            try:
                prove(self._connection, run_id=self._run_id)
            except DatabaseError:
                self.close()
            else:
                return
        self._connection = session(self._login, run_id=self._run_id, stage=self._stage)

    def lent(self) -> contextlib.AbstractContextManager[Any]:
        """Its session, for who asks the server what the run is at. Raises LookupError where there
        is none at the time."""
        if self._connection is None or self._connection.closed:
            raise LookupError("no session")
        return contextlib.nullcontext(self._connection)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def release(connection: Any, *, run_id: str) -> None:
    """End the holder of this run, and wait until the server has let go of the lock."""
    _end_sessions(connection, run_id=run_id, named=application_name(run_id, _STAGE))


def fence(connection: Any, *, run_ids: Sequence[str]) -> list[str]:
    """End every session of runs that are over, and wait until they are gone. Returns their names.

    A statement whose controller died goes on and commits; only ending its backend stops it.
    """
    ended = []
    for run_id in run_ids:
        names = [str(row) for row in _sessions(connection) if row.run_id == run_id]
        _end_sessions(connection, run_id=run_id, named=None)
        ended.extend(names)
    return ended


def other_runs(connection: Any, *, run_id: str) -> list[str]:
    """Ids of other runs that have a session in this database now, sorted."""
    return sorted({row.run_id for row in _sessions(connection)} - {run_id})


@dataclass(frozen=True)
class _Session:
    pid: int
    application_name: str
    run_id: str

    def __str__(self) -> str:
        """Its name, or that of its stage where it is called like a session of the application."""
        ours = self.application_name.startswith("gonogo:")
        return self.application_name if ours else application_name(self.run_id, "phases")


def _sessions(connection: Any) -> list[_Session]:
    with connection.cursor() as cursor:
        cursor.execute(catalog.BACKENDS)
        return [_Session(*row) for row in cursor.fetchall()]


def _end_sessions(connection: Any, *, run_id: str, named: str | None) -> None:
    """End the session of this name, or all of the run."""
    deadline = time.monotonic() + _GONE_DEADLINE_SECONDS
    while True:
        with connection.transaction(), connection.cursor() as cursor:
            # Where the login acts as another role from the start (ALTER ROLE ... SET role), it may
            # end its own sessions only as itself.
            cursor.execute("SET LOCAL ROLE NONE")
            cursor.execute(catalog.TERMINATE, (run_id, named or "", named is None))
            remaining = cursor.fetchone()[0]
        if not remaining:
            return
        if time.monotonic() > deadline:
            raise GonogoError(
                f"{remaining} session(s) of run {run_id} do not end",
                hint="Look at pg_stat_activity; end them by hand or wait, then run again.",
            )
        time.sleep(0.02)


def _holder(report: daemon.Report, login: Login, *, run_id: str, lease: float) -> None:
    """Hold the lock in a process of its own, and report whether the lock was free."""
    try:
        connection = connect(login, name=application_name(run_id, _STAGE))
    except GonogoError as error:
        report.tell({"error": error.primary, "detail": error.detail, "hint": error.hint})
        return
    with connection:
        held = take(connection)
        report.tell({"held": asdict(held) if held else None})
        if held:
            return
        seen = time.monotonic()
        while time.monotonic() - seen < lease:
            # A socket that can be read means that the server has ended the session.
            if select.select([connection.fileno()], [], [], _POLL_SECONDS)[0]:
                return
            if any(row.run_id == run_id for row in _sessions(connection)):
                seen = time.monotonic()
