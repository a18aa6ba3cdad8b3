"""The process that owns the twin: it makes the cluster, has the run's lock in it, and ends it.

The stages of a run are separate processes, so a small process has to outlive them. It ends the
server and removes the directories when

* its session in the twin has ended: a stage has asked for the end (`end`), or the server is gone,
* its run no longer has the lock on the source: the run is over, or a later run has fenced it,
* it cannot ask the source.

While sessions of the run work in the twin, the supervisor has a session of the run in the source
too: the holder of the run's lock sees from it that the run is alive.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.home import account_name
from ...contract.login import Login, Timeouts, application_name
from ...contract.records.source import Surroundings
from ...contract.records.twin import Confined
from ..files import removal
from ..restore import cluster_globals, standins
from ..restore.errors import UnprovenError
from ..session import catalog, daemon, lock
from ..session.connection import DatabaseError, connect, described, no_event_triggers
from . import directories, preload, server
from .account import Account
from .confinement import Confinement

__all__ = ["Kept", "Wanted", "end", "kept_in", "start"]

_KEPT = "kept.json"
_POLL_SECONDS = 0.5
_GONE_SECONDS = 60.0


@dataclass(frozen=True)
class Wanted:
    """The twin that is asked for.

    `around` is what `source.surroundings` has found, `relations` the number of tables and indexes.
    """

    run_id: str
    source: Login
    directory: Path
    programs: Path
    account: Account
    around: Surroundings
    relations: int
    needed_bytes: int
    # What to do where there is not so much room.
    make_room: str
    # What its sessions on the source are called while others work in the twin.
    stage: str
    # Whether the database has its settings before its rows.
    settled: bool = True


@dataclass(frozen=True)
class Kept:
    """The twin that was made: its directory, and how to log in to it."""

    home: str
    host: str
    port: int
    database: str
    superuser: str
    user: str
    version: int
    # What the names of stand-ins begin with. They are let in too: one for each role of the source,
    # and one more.
    standins: str
    confinement: Confined

    def login(self, *, superuser: bool = False) -> Login:
        """As the login of the source, or as the twin's superuser."""
        user = self.superuser if superuser else self.user
        return Login(db=self.database, host=self.host, port=self.port, user=user)

    def session(self, name: str, *, database: str | None = None) -> Any:
        """A session of the superuser that fires no event trigger of the database, or of another one
        of the cluster."""
        return connect(
            self.login(superuser=True),
            name=name,
            database=database,
            timeouts=Timeouts(statement="0", idle_in_transaction="0"),
            options=no_event_triggers(self.version),
        )


def start(wanted: Wanted, *, turn: int, meanwhile: Callable[[], None] | None = None) -> Kept:
    """Make an empty twin, and leave its supervisor behind, which has the `turn` (a descriptor).

    `meanwhile` is called here while the twin is made, which takes one processor. Raises
    UnprovenError where this host cannot have a twin, GonogoError when making it fails.
    """
    outcome = daemon.spawn(
        lambda report: _supervise(wanted, report), meanwhile=meanwhile, keep=[turn]
    )
    if outcome is None:
        raise GonogoError("the supervisor of the twin ended before the twin was there")
    if "error" in outcome:
        # The supervisor has told why, and is about to remove what it had begun.
        end(wanted.directory, run_id=wanted.run_id)
        kind = UnprovenError if outcome.get("unproven") else GonogoError
        raise kind(outcome["error"], detail=outcome.get("detail"), hint=outcome.get("hint"))
    return Kept(**outcome["kept"])


def end(directory: Path, *, run_id: str) -> bool:
    """End the run's twin and wait until nothing of it is left. Whether there was one."""
    home = directory / run_id
    if not home.is_dir():
        return False
    deadline, left = time.monotonic() + _GONE_SECONDS, -1
    while not directories.is_dead(home):
        kept = kept_in(home)
        if kept:
            name = application_name(run_id, "end")
            with contextlib.suppress(GonogoError, DatabaseError), kept.session(name) as connection:
                lock.release(connection, run_id=run_id)
        if time.monotonic() > deadline:
            # The more tables there were, the longer it takes to remove the files.
            before, left = left, directories.files_of(home)
            if left == before:
                raise GonogoError(
                    f"the twin in {home} does not end",
                    hint="End the processes that have this directory in their command line.",
                )
            deadline = time.monotonic() + _GONE_SECONDS
        time.sleep(0.02)
    directories.remove(home)
    return True


def kept_in(home: Path) -> Kept | None:
    """The twin as its supervisor has noted it; None where there is no note yet.

    A note that leads to another socket than the twin's does not count: sessions are ended there.
    """
    try:
        with removal.opened(home) as directory:
            kept = Kept(**json.loads(removal.read_small(directory, _KEPT)))
    except (OSError, TypeError, ValueError):
        return None
    return kept if kept.host in directories.sockets_of(home) else None


def _supervise(wanted: Wanted, report: daemon.Report) -> None:
    """Everything the supervisor does, in the process that `daemon.spawn` has made."""
    child: subprocess.Popen[bytes] | None = None
    home = wanted.directory / wanted.run_id

    def spawned(process: subprocess.Popen[bytes]) -> None:
        nonlocal child
        child = process

    mark = -1
    try:
        with contextlib.ExitStack() as stack:
            try:
                where, mark = directories.make(wanted.directory, wanted.run_id, wanted.account)
                _refuse_no_room(where, wanted)
                kept = _make(wanted, where, spawned)
                twin = kept.session(application_name(wanted.run_id, "lock"))
                stack.enter_context(twin)
                if lock.take(twin) is not None:
                    raise GonogoError(  # noqa: TRY301 - told below as all others
                        "another session has the lock in the twin"
                    )
                source = stack.enter_context(connect(wanted.source, name=_idle_name(wanted.run_id)))
            except GonogoError as error:
                unproven = isinstance(error, UnprovenError)
                told = {"error": error.primary, "detail": error.detail, "hint": error.hint}
                report.tell({**told, "unproven": unproven})
                return
            except DatabaseError as error:
                told = described(error)
                report.tell(
                    {"error": told["message"], "detail": told["detail"], "hint": told["hint"]}
                )
                return
            directories.note(home / _KEPT, json.dumps(asdict(kept)))
            report.tell({"kept": asdict(kept)})
            assert child is not None
            with contextlib.suppress(DatabaseError, OSError):
                _watch(wanted, child, twin, source)
    finally:
        if child:
            server.end(child)
        if mark >= 0:
            directories.remove(home)


def _watch(asked: Wanted, child: subprocess.Popen[bytes], twin: Any, source: Any) -> None:
    """Return when the twin is to be ended."""
    run_id = asked.run_id
    held = (*catalog.LOCK_KEY, application_name(run_id, "lock"))
    name = _idle_name(run_id)
    while child.poll() is None:
        # A socket that can be read means that the server has ended the session.
        if select.select([twin.fileno(), source.fileno()], [], [], _POLL_SECONDS)[0]:
            return
        with source.cursor() as cursor:
            cursor.execute(catalog.HAS_LOCK, held)
            if not cursor.fetchone()[0]:
                return
            with twin.cursor() as busy:
                busy.execute(catalog.BACKENDS)
                at_work = bool(busy.fetchall())
            due = application_name(run_id, asked.stage) if at_work else _idle_name(run_id)
            if due != name:
                cursor.execute(
                    "SELECT pg_catalog.set_config('application_name', %s, false)", (due,)
                )
                name = due


def _idle_name(run_id: str) -> str:
    """The name of the session while nobody works in the twin. It is not counted as one of the
    run's: the lock lasts as long as those, and this session lasts as long as the lock.
    """
    return f"gonogo-twin:{run_id}"


def _refuse_no_room(where: directories.Directories, wanted: Wanted) -> None:
    free = directories.free_bytes(where)
    if free < wanted.needed_bytes:
        raise UnprovenError(
            f"not enough room for the twin in {where.data}",
            detail=f"Free: {free} bytes. Wanted: {wanted.needed_bytes} bytes.",
            hint=wanted.make_room,
        )


def _make(wanted: Wanted, where: directories.Directories, spawned: Any) -> Kept:
    around = wanted.around
    database, sent = str(around.database["datname"]), around.sent
    superuser = sent.superuser
    server.initialize(
        where.data,
        programs=wanted.programs,
        account=wanted.account,
        superuser=superuser,
        encoding=around.encoding,
        log=where.log,
    )
    prefix = standins.new_prefix()
    others = [f"{prefix}{number}" for number in range(len(around.roles) + 1)]
    _open_to_us(where, wanted.account, users=(superuser, sent.login, *others))
    login = Login(db="template1", host=str(where.sockets), port=server.PORT, user=superuser)
    confinement = _started(wanted, where, login, spawned)
    kept = Kept(
        home=str(where.home),
        host=str(where.sockets),
        port=server.PORT,
        database=sent.name,
        superuser=superuser,
        user=sent.login,
        version=0,
        standins=prefix,
        confinement=confinement.told(),
    )
    with _session(login) as connection:
        cluster_globals.make_roles(connection, around)
        owner = cluster_globals.owner_of(around)
        cluster_globals.make_database(connection, database, around, owner=owner)
        cluster_globals.settle_money(connection, database, around)
        if wanted.settled:
            cluster_globals.settle(connection, database, around, restored=False)
        return replace(kept, version=connection.info.server_version)


def _started(
    wanted: Wanted, where: directories.Directories, login: Login, spawned: Any
) -> Confinement:
    """Start the server with the libraries that the source's has loaded, as far as this host has
    them.

    The server itself says which of them it has. So it is started without any first, and once more
    where there are some.
    """
    child: subprocess.Popen[bytes] | None = None

    def noted(process: subprocess.Popen[bytes]) -> None:
        nonlocal child
        child = process
        spawned(process)

    def launch(settings: Mapping[str, str], *, confined: bool = False) -> Confinement:
        return server.launch(
            where.data,
            programs=wanted.programs,
            account=wanted.account,
            sockets=where.sockets,
            log=where.log,
            settings={
                "max_locks_per_transaction": server.locks_for(wanted.relations),
                **settings,
            },
            spawned=noted,
            confined=confined,
        )

    confinement = launch({})
    with _session(login) as connection:
        libraries = preload.wanted(connection, wanted.around)
    if not libraries:
        return confinement
    assert child is not None
    server.end(child)
    try:
        return launch(
            preload.settings(libraries, wanted.around), confined=confinement.enter is not None
        )
    except UnprovenError:
        # It has started without them before. An object that needs one is named when it is made.
        return launch({})


def _session(login: Login) -> Any:
    return connect(login, name="gonogo-twin", timeouts=Timeouts(statement="0"))


def _open_to_us(where: directories.Directories, account: Account, *, users: Sequence[str]) -> None:
    """Let the account that runs this log in through the socket, as any of these users."""
    us = account_name(os.geteuid())
    # An account without a name cannot be known by `peer`; nobody else enters the socket's
    # directory.
    method = "peer map=twin" if us else "trust"
    files = {
        "pg_hba.conf": f"local all all {method}\n",
        "pg_ident.conf": "".join(
            f"twin {_token(us or '')} {_token(user)}\n" for user in dict.fromkeys(users)
        ),
    }
    for name, text in files.items():
        path = where.data / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        account.own(path)


def _token(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
