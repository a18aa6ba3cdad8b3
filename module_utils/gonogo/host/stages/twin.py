"""Restore the backup into a twin and prove that it equals its source; or remove the twin."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.login import Login, Timeouts, application_name
from ...contract.options.twin import TwinRequest
from ...contract.records.answers import Removed
from ...contract.records.source import SourceRecord, Surroundings
from ...contract.records.twin import Confined, KeptTwin, TwinAnswer, TwinSeconds
from ...contract.session_settings import options
from ...contract.side_by_side import sessions
from ..archive import clients, toc
from ..compare import fingerprint, proof
from ..compare.source import surroundings
from ..files import turns
from ..files.turns import Turn
from ..progress import Session, lending
from ..restore import attempts, cluster_globals, restoring, rights, standins
from ..restore.attempts import Manner
from ..restore.errors import UnprovenError
from ..restore.filling import Filling, FillingAsLogin
from ..restore.standins import Doors
from ..session import link, lock, server_names
from ..session.connection import connect
from ..twin import account, directories, programs, scratch, supervisor
from ..twin.supervisor import Kept
from .common import login_of

__all__ = ["restored", "run"]

_STAGE = "twin"
_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
_EXTENSIONS = "SELECT pg_catalog.quote_ident(name) FROM pg_catalog.pg_available_extensions"


@dataclass(frozen=True)
class _Request:
    """What is to be restored and how. `jobs` 0 is one for each processor."""

    login: Login
    run_id: str
    archive: Path
    sha256: str
    directory: Path
    pg_bin: str | None
    server_bin: str | None
    jobs: int
    space_factor: float
    keep: bool
    scratch: bool
    at_once: int
    turn_timeout: float


def run(asked: TwinRequest, *, check_mode: bool) -> TwinAnswer | Removed:
    """As `_restored`, or the twin removed."""
    login, run_id = login_of(asked.login), asked.run_id
    # The supervisor works elsewhere.
    directory = Path(asked.directory).expanduser().absolute()
    if check_mode:
        return Removed(changed=True, msg=f"would restore the backup in {directory}")
    if asked.state == "removed":
        return Removed(changed=_remove(login, directory, run_id=run_id))
    return _restored(_request(asked))


@contextlib.contextmanager
def restored(asked: TwinRequest, alive: Any) -> Iterator[Kept]:
    """A cluster in which the archive is restored, as long as this lasts; it is not compared again.

    `alive` is a session of the run on the source. Raises UnprovenError where this host cannot have
    one, GonogoError where the archive cannot be restored.
    """
    request = _request(asked)
    directories.sweep(request.directory)
    source = _source(request)

    def attempt(manner: Manner) -> Kept:
        damage: list[str | None] = []
        kept = _started(request, alive, source, manner, damage, turn)
        try:
            _fill(kept, request, source, manner, damage[0])
        except BaseException:
            supervisor.end(request.directory, run_id=request.run_id)
            raise
        return kept

    def still() -> None:
        link.require()
        lock.prove(alive, run_id=request.run_id)

    with turns.taken(_turn(request, alive), still) as turn:
        kept, _ = attempts.tried(_jobs(request), attempt)
        try:
            turn.done()
            yield kept
        finally:
            supervisor.end(request.directory, run_id=request.run_id)


def _fill(
    kept: Kept, request: _Request, source: SourceRecord, manner: Manner, damage: str | None
) -> None:
    broken = _broken(request, source, damage, "cluster")
    if broken:
        raise GonogoError(f"the backup cannot be restored: {broken.reason}")
    target = _in(kept, request, source, manner)
    _prepare(target, source)
    with attempts.filling(), lending(target.lent):
        target.filling.fill()
    _settle(target, source, manner)


def _request(asked: TwinRequest) -> _Request:
    # The controller names the archive that is restored.
    assert asked.file is not None
    assert asked.sha256 is not None
    return _Request(
        login=login_of(asked.login),
        run_id=asked.run_id,
        archive=Path(asked.file).expanduser(),
        sha256=asked.sha256,
        # The supervisor works elsewhere.
        directory=Path(asked.directory).expanduser().absolute(),
        pg_bin=asked.pg_bin,
        server_bin=asked.server_bin,
        jobs=asked.jobs,
        space_factor=asked.space_factor,
        keep=asked.keep,
        scratch=asked.scratch,
        at_once=asked.at_once,
        turn_timeout=asked.turn_timeout,
    )


def _restored(request: _Request) -> TwinAnswer:
    """Restore the archive into a twin and compare it with its source.

    A database beside the source is not kept. Raises GonogoError when the run has lost its lock, or
    what was tried failed for a reason that says nothing about the backup.
    """
    with lock.session(
        request.login, run_id=request.run_id, stage=_STAGE, timeouts=_PATIENT
    ) as alive:
        directories.sweep(request.directory)
        scratch.sweep(alive)

        def still() -> None:
            link.require()
            lock.prove(alive, run_id=request.run_id)

        # A supervisor that stays behind has the turn, too, and keeps it.
        with turns.taken(_turn(request, alive), still) as turn:
            try:
                answer = _in_cluster(request, alive, turn)
            except UnprovenError as error:
                answer = _elsewhere(request, alive, error)
            turn.done()
        still()
    return replace(answer, waited=round(turn.waited, 3))


def _turn(request: _Request, alive: Any) -> turns.Asked:
    where, needs = request.directory, 0
    # Where no account can run a server, the copy takes the room of the source's server.
    with contextlib.suppress(UnprovenError):
        where = directories.room(request.directory, account.choose())
        needs = int(_size(alive) * request.space_factor)
    return turns.Asked(
        directory=turns.directory_beside(request.directory),
        kind="twin",
        run_id=request.run_id,
        at_once=request.at_once,
        timeout=request.turn_timeout,
        needs=needs,
        where=where,
        grows=request.directory / request.run_id,
    )


def _remove(login: Login, directory: Path, *, run_id: str) -> bool:
    """End and remove the run's twin. Whether there was one."""
    cluster = supervisor.end(directory, run_id=run_id)
    with connect(login, name=application_name(run_id, _STAGE)) as connection:
        return scratch.drop(connection, run_id) or cluster


@dataclass(frozen=True)
class _Target:
    """The empty database that the archive goes into: where it is, and how it is filled."""

    connect: Callable[[], Any]
    method: str
    filling: Filling | FillingAsLogin
    # In which the server is asked how far it is.
    lent: Session
    # Whether owners and privileges are restored, too.
    owners: bool = True


def _elsewhere(request: _Request, alive: Any, obstacle: UnprovenError) -> TwinAnswer:
    """Into a database beside the source, or nowhere."""
    unproven = TwinAnswer(proven=None, reason=_words(obstacle), hint=obstacle.hint)
    if not request.scratch:
        return unproven
    try:
        return _in_database(request, alive)
    except GonogoError as error:
        # Whatever it is: this login is not the one that would restore the backup in earnest.
        return replace(unproven, reason=f"{unproven.reason}; {_words(error)}")


def _in_database(request: _Request, alive: Any) -> TwinAnswer:
    source = _source(request)
    now = surroundings(alive)
    around = replace(source.surroundings, login=now.login, sent=now.sent, may_create=now.may_create)
    broken = _broken(request, source, _damage(request), "database")
    if broken:
        return broken
    if alive.info.parameter_status("is_superuser") != "on":
        rights.refuse_foreign_code(
            toc.read(request.archive),
            login=around.login,
            written=partial(server_names.as_sent, alive),
        )

    def attempt(manner: Manner) -> TwinAnswer:
        started = time.monotonic()
        scratch.make(alive, request.run_id, around)
        doors = None
        try:
            ready = time.monotonic()
            target, doors = _beside(request, alive, manner, around, source)
            return _timed(_compared(target, source), ready - started)
        finally:
            scratch.drop(alive, request.run_id)
            if doors:
                standins.remove(alive, doors)

    return _told(*attempts.tried(_jobs(request), attempt))


def _beside(
    request: _Request,
    alive: Any,
    manner: Manner,
    around: Surroundings,
    source: SourceRecord,
) -> tuple[_Target, Doors | None]:
    """The database beside the source; a superuser's doors to it."""
    archive = _archive(request, manner)

    def lent() -> contextlib.AbstractContextManager[Any]:
        # One more session could be one too many there.
        return contextlib.nullcontext(alive)

    login = scratch.login(request.login, request.run_id)
    settings = cluster_globals.session_settings(around, alive.info.server_version)
    if manner.settings_first:
        settings = {**cluster_globals.settings_of_database(alive, around), **settings}
    if alive.info.parameter_status("is_superuser") == "on":
        doors = standins.doors_of(
            alive, request.login, database=login.db, run_id=request.run_id, stage=_STAGE
        )
        doors = replace(doors, settings=settings)
        return _Target(doors.connect, "database", Filling(archive, doors), lent), doors
    name = application_name(request.run_id, _STAGE)
    connected = partial(connect, login, name=name, timeouts=_PATIENT, options=options(settings))
    filling = FillingAsLogin(
        archive,
        login,
        name,
        connected,
        version=source.server_version_num,
        with_owners=False,
        settings=settings,
    )
    return _Target(connected, "database", filling, lent, owners=False), None


def _in_cluster(request: _Request, alive: Any, turn: Turn) -> TwinAnswer:
    source = _source(request)
    damage: list[str | None] = []
    confined: list[Confined] = []

    def attempt(manner: Manner) -> TwinAnswer:
        started = time.monotonic()
        kept = _started(request, alive, source, manner, damage, turn)
        confined.append(kept.confinement)
        stays = False
        try:
            ready = time.monotonic()
            answer = _broken(request, source, damage[0], "cluster")
            if not answer:
                target = _in(kept, request, source, manner)
                answer = _timed(_compared(target, source), ready - started)
                if answer.proven:
                    _settle(target, source, manner)
            stays = request.keep and bool(answer.proven)
        finally:
            if not stays:
                supervisor.end(request.directory, run_id=request.run_id)
        login = {key: value for key, value in asdict(kept.login()).items() if value}
        twin = KeptTwin(directory=kept.home, login=login) if stays else None
        return replace(answer, confinement=kept.confinement, twin=twin)

    try:
        return _told(*attempts.tried(_jobs(request), attempt))
    except restoring.UnrestorableError as error:
        return TwinAnswer(
            proven=False,
            reason=_words(error),
            method="cluster",
            seconds=TwinSeconds(),
            confinement=confined[-1] if confined else None,
        )


def _started(
    request: _Request,
    alive: Any,
    source: SourceRecord,
    manner: Manner,
    damage: list[str | None],
    turn: Turn,
) -> Kept:
    """An empty twin. While it is made, once, what is wrong with the archive is put in `damage`."""
    who = account.choose()
    return supervisor.start(
        supervisor.Wanted(
            run_id=request.run_id,
            source=request.login,
            directory=request.directory,
            programs=programs.find(
                source.server_version_num // 10000,
                server_bin=request.server_bin,
                pg_bin=request.pg_bin,
                account=who,
            ),
            account=who,
            around=source.surroundings,
            relations=sum(name.startswith(("table ", "index ")) for name in source.schema),
            needed_bytes=int(_size(alive) * request.space_factor),
            make_room="Make room, or set gonogo_remote_dir or twin_space_factor.",
            stage=_STAGE,
            settled=manner.settings_first,
        ),
        turn=turn.descriptor,
        meanwhile=None if damage else lambda: damage.append(_damage(request)),
    )


def _in(kept: Kept, request: _Request, source: SourceRecord, manner: Manner) -> _Target:
    admin = kept.login(superuser=True)
    doors = Doors(
        admin=admin,
        plain=replace(admin, user=None),
        database=kept.database,
        version=kept.version,
        run_id=request.run_id,
        stage=_STAGE,
        prefix=kept.standins,
        settings=cluster_globals.session_settings(source.surroundings, kept.version),
    )
    filling = Filling(_archive(request, manner), doors)
    return _Target(doors.connect, "cluster", filling, doors.connect)


def _settle(target: _Target, source: SourceRecord, manner: Manner) -> None:
    """What was kept from the database until it was restored."""
    around = source.surroundings
    with target.connect() as connection:
        # As this database reads its name, whose letters may be another encoding's.
        own = connection.execute("SELECT pg_catalog.current_database()").fetchone()[0]
        if not manner.settings_first:
            cluster_globals.settle(connection, own, around, restored=False)
        cluster_globals.settle(connection, own, around, restored=True)


def _told(answer: TwinAnswer, first: GonogoError | None) -> TwinAnswer:
    return replace(answer, first_attempt=_words(first)) if first else answer


def _jobs(request: _Request) -> int:
    return sessions(request.jobs)


def _timed(answer: TwinAnswer, start: float) -> TwinAnswer:
    seconds = replace(answer.seconds or TwinSeconds(), start=round(start, 3))
    return replace(answer, seconds=seconds)


def _damage(request: _Request) -> str | None:
    return restoring.sealed(request.archive, request.sha256)


def _source(request: _Request) -> SourceRecord:
    source = restoring.read_source(request.archive)
    fingerprint.require(source.method)
    return source


def _archive(request: _Request, manner: Manner) -> restoring.Archive:
    return restoring.Archive(
        request.archive,
        pg_restore=clients.find("pg_restore", bin_dir=request.pg_bin),
        jobs=manner.jobs,
    )


def _broken(
    request: _Request, source: SourceRecord, damage: str | None, method: str
) -> TwinAnswer | None:
    """The answer about an archive that is not given to a server, None about one that is."""
    told = TwinAnswer(proven=None, reason=None, method=method, seconds=TwinSeconds())
    if damage:
        reason = f"the archive is not the one that was sealed: {damage}"
        return replace(told, proven=False, reason=reason)
    archived = restoring.data_of(request.archive)
    lost = proof.without_position(source.sequences.before, source.schema, archived)
    if lost:
        reason = "the archive does not say where sequences stand: " + listed(lost)
        return replace(told, proven=False, reason=reason)
    unread = proof.uncompared(source.content, archived)
    if unread:
        reason = "the archive has data that nobody has compared: " + listed(unread)
        return replace(told, reason=reason)
    return None


def _compared(target: _Target, source: SourceRecord) -> TwinAnswer:
    """Restore and compare: the answer without the time of the start."""
    started = time.monotonic()
    _prepare(target, source)
    with lending(target.lent):
        with attempts.filling():
            target.filling.fill()
        restored_at = time.monotonic()
        twin = target.filling.read(source)
    found = proof.prove(source, twin, with_owners=target.owners)
    return TwinAnswer(
        proven=found.equal,
        reason=None if found.equal else "the twin does not equal its source",
        proof=found,
        method=target.method,
        seconds=TwinSeconds(
            restore=round(restored_at - started, 3),
            compare=round(time.monotonic() - restored_at, 3),
        ),
    )


def _size(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _prepare(target: _Target, source: SourceRecord) -> None:
    """What pg_restore takes for granted. Raises UnprovenError when an extension is not there."""
    extensions = [
        name[len("extension ") :] for name in source.schema if name.startswith("extension ")
    ]
    with target.connect() as connection:
        known = connection.execute(_EXTENSIONS).fetchall()
        missing = sorted(set(extensions) - {row[0] for row in known})
        if missing:
            raise UnprovenError(
                f"this host's server has no extension {', '.join(missing)}",
                detail="The database uses it, so the backup cannot be restored without it.",
                hint="Install its package on the host.",
            )
        if "schema public" not in source.schema:
            connection.execute("DROP SCHEMA public")


def _words(error: GonogoError) -> str:
    return f"{error.primary}: {error.detail}" if error.detail else error.primary
