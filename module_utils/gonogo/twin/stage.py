"""The stage twin on the host: restore the backup, prove it, leave the twin or remove it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

from .. import clients, link, lock, rights, toc
from ..connection import connect
from ..errors import GonogoError
from ..login import Login, Timeouts, application_name
from ..source import surroundings
from . import account, keeper, place, programs, proof, restoring, scratch, standins
from .errors import UnprovenError
from .filling import Filling, FillingAsLogin
from .standins import Doors

__all__ = ["Request", "remove", "restored"]

_STAGE = "twin"
_PATIENT = Timeouts(statement="0", idle_in_transaction="0")


@dataclass(frozen=True)
class Request:
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


def restored(request: Request) -> dict[str, Any]:
    """Restore the archive into a twin and compare it with its source.

    Returns `proven` (true, false, or None where it could not be tried), `reason` (why it is not
    proven), `proof` (as `proof.prove`), `seconds` (of start, restore and compare), `method`
    (restored into a `cluster` or a `database` beside the source), `confinement` (of the cluster's
    server, as `confinement.Confinement.told`) and, where the twin is kept,
    `twin` (directory, and login for the entries of later stages); a database is not kept. Raises
    GonogoError when the run has lost its lock, or what was tried failed for a reason that says
    nothing about the backup.
    """
    with lock.session(
        request.login, run_id=request.run_id, stage=_STAGE, timeouts=_PATIENT
    ) as alive:
        place.sweep(request.directory)
        scratch.sweep(alive)
        try:
            answer = _in_cluster(request, alive)
        except UnprovenError as error:
            answer = _elsewhere(request, alive, error)
        link.require()
        lock.prove(alive, run_id=request.run_id)
    return answer


def remove(login: Login, directory: Path, *, run_id: str) -> bool:
    """End and remove the run's twin. Whether there was one."""
    cluster = keeper.end(directory, run_id=run_id)
    with connect(login, name=application_name(run_id, _STAGE)) as connection:
        return scratch.drop(connection, run_id) or cluster


@dataclass(frozen=True)
class _Target:
    """The empty database that the archive goes into: where it is, and how it is filled."""

    connect: Callable[[], Any]
    method: str
    filling: Filling | FillingAsLogin
    # Whether owners and privileges are restored, too.
    owners: bool = True


def _elsewhere(request: Request, alive: Any, obstacle: UnprovenError) -> dict[str, Any]:
    """Into a database beside the source, or nowhere."""
    unproven = {"proven": None, "reason": _words(obstacle), "hint": obstacle.hint}
    if not request.scratch:
        return unproven
    try:
        return _in_database(request, alive)
    except GonogoError as error:
        # Whatever it is: this login is not the one that would restore the backup in earnest.
        return {**unproven, "reason": f"{unproven['reason']}; {_words(error)}"}


def _in_database(request: Request, alive: Any) -> dict[str, Any]:
    started = time.monotonic()
    source = restoring.read_source(request.archive)
    now = surroundings(alive)
    around = {**source["surroundings"], "login": now["login"], "may_create": now["may_create"]}
    owners = alive.info.parameter_status("is_superuser") == "on"
    login = scratch.login(request.login, request.run_id)
    name = application_name(request.run_id, _STAGE)
    doors = None
    damage = _damage(request)
    if owners:
        doors = standins.doors_of(
            alive, request.login, database=login.db, run_id=request.run_id, stage=_STAGE
        )
    elif not damage:
        rights.refuse_foreign_code(toc.read(request.archive), login=around["login"])
    scratch.make(alive, request.run_id, around)
    try:
        ready = time.monotonic()
        archive = _archive(request)
        if doors:
            target = _Target(doors.connect, "database", Filling(archive, doors))
        else:
            connected = partial(connect, login, name=name, timeouts=_PATIENT)
            version = source["server_version_num"]
            filling = FillingAsLogin(archive, login, name, connected, version, with_owners=False)
            target = _Target(connected, "database", filling, owners=False)
        answer = _proven(target, source, damage)
    finally:
        scratch.drop(alive, request.run_id)
        if doors:
            standins.remove(alive, doors)
    if answer["proven"] is False and "proof" not in answer and not answer["broken"]:
        raise GonogoError(answer["reason"])
    return _timed(answer, ready - started)


def _in_cluster(request: Request, alive: Any) -> dict[str, Any]:
    started = time.monotonic()
    source = restoring.read_source(request.archive)
    who = account.choose()
    damage: list[str | None] = []
    kept = keeper.start(
        keeper.Wanted(
            run_id=request.run_id,
            source=request.login,
            directory=request.directory,
            programs=programs.find(
                source["server_version_num"] // 10000,
                server_bin=request.server_bin,
                pg_bin=request.pg_bin,
                account=who,
            ),
            account=who,
            around=source["surroundings"],
            relations=sum(name.startswith(("table ", "index ")) for name in source["schema"]),
            needed_bytes=int(_size(alive) * request.space_factor),
        ),
        meanwhile=lambda: damage.append(_damage(request)),
    )
    stays = False
    try:
        ready = time.monotonic()
        admin = kept.login(superuser=True)
        doors = Doors(
            admin=admin,
            plain=replace(admin, user=None),
            database=kept.database,
            version=kept.version,
            run_id=request.run_id,
            stage=_STAGE,
            prefix=kept.standins,
        )
        target = _Target(doors.connect, "cluster", Filling(_archive(request), doors))
        answer = _timed(_proven(target, source, damage[0]), ready - started)
        answer["confinement"] = dict(kept.confinement)
        stays = request.keep and answer["proven"]
    finally:
        if not stays:
            keeper.end(request.directory, run_id=request.run_id)
    if stays:
        login = {key: value for key, value in asdict(kept.login()).items() if value}
        answer["twin"] = {"directory": kept.home, "login": login}
    return answer


def _timed(answer: dict[str, Any], start: float) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if key != "broken"}
    return {**kept, "seconds": {"start": round(start, 3), **answer["seconds"]}}


def _damage(request: Request) -> str | None:
    return restoring.sealed(request.archive, request.sha256)


def _archive(request: Request) -> restoring.Archive:
    return restoring.Archive(
        request.archive,
        pg_restore=clients.find("pg_restore", bin_dir=request.pg_bin),
        jobs=request.jobs or max(1, min(8, os.cpu_count() or 1)),
    )


def _proven(target: _Target, source: Mapping[str, Any], damage: str | None) -> dict[str, Any]:
    """Restore and compare: the answer without the time of the start, and whether it is `broken`.

    What is not the archive that was sealed (`damage`) is not given to a server.
    """
    started = time.monotonic()
    answer: dict[str, Any] = {"proven": False, "broken": bool(damage), "method": target.method}
    if damage:
        return {
            **answer,
            "reason": f"the archive is not the one that was sealed: {damage}",
            "seconds": {},
        }
    unread = proof.uncompared(source, restoring.data_of(target.filling.archive))
    if unread:
        return {
            **answer,
            "proven": None,
            "reason": "the archive has data that nobody has compared: " + ", ".join(unread[:20]),
            "seconds": {},
        }
    _prepare(target, source)
    unrestorable: GonogoError | None = None
    try:
        target.filling.fill()
    except restoring.UnrestorableError as error:
        unrestorable = error
    restored_at = time.monotonic()
    answer["seconds"] = {"restore": round(restored_at - started, 3)}
    if unrestorable:
        return {**answer, "reason": _words(unrestorable)}
    try:
        twin = target.filling.read(source)
    except restoring.UnrestorableError as error:
        return {**answer, "reason": _words(error)}
    found = proof.prove(source, twin, with_owners=target.owners)
    answer["seconds"]["compare"] = round(time.monotonic() - restored_at, 3)
    reason = None if found["equal"] else "the twin does not equal its source"
    return {**answer, "proven": found["equal"], "reason": reason, "proof": found}


def _size(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _prepare(target: _Target, source: Mapping[str, Any]) -> None:
    """What pg_restore takes for granted. Raises UnprovenError when an extension is not there."""
    extensions = [
        name[len("extension ") :] for name in source["schema"] if name.startswith("extension ")
    ]
    with target.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.quote_ident(name) FROM pg_catalog.pg_available_extensions"
        )
        missing = sorted(set(extensions) - {row[0] for row in cursor.fetchall()})
        if missing:
            raise UnprovenError(
                f"this host's server has no extension {', '.join(missing)}",
                detail="The database uses it, so the backup cannot be restored without it.",
                hint="Install its package on the host.",
            )
        if "schema public" not in source["schema"]:
            cursor.execute("DROP SCHEMA public")


def _words(error: GonogoError) -> str:
    return f"{error.primary}: {error.detail}" if error.detail else error.primary
