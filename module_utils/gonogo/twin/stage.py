"""The stage twin on the host: restore the backup, prove it, leave the twin or remove it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import clients, fingerprint, link, lock, schema_catalog
from ..connection import DatabaseError, connect, described
from ..errors import GonogoError
from ..login import Login, Timeouts, application_name
from . import account, keeper, place, programs, proof, restoring, scratch
from .errors import UnprovenError

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
    (restored into a `cluster` or a `database` beside the source) and, where the twin is kept,
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
    """Where the archive goes: `login` may do it, with these options of pg_restore."""

    login: Login
    method: str
    owners: bool = True
    options: Sequence[str] = ()


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
    around = source["surroundings"]
    owners = any(role["rolsuper"] for role in around["roles"] if role["rolname"] == around["login"])
    scratch.make(alive, request.run_id, around)
    try:
        damage = _damage(request)
        ready = time.monotonic()
        target = _Target(
            login=scratch.login(request.login, request.run_id),
            method="database",
            owners=owners,
            options=() if owners else ("--no-owner", "--no-privileges"),
        )
        answer = _proven(target, request, source, damage)
    finally:
        scratch.drop(alive, request.run_id)
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
            needed_bytes=int(_size(alive) * request.space_factor),
        ),
        meanwhile=lambda: damage.append(_damage(request)),
    )
    stays = False
    try:
        ready = time.monotonic()
        target = _Target(login=kept.login(superuser=True), method="cluster")
        answer = _timed(_proven(target, request, source, damage[0]), ready - started)
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


def _proven(
    target: _Target, request: Request, source: Mapping[str, Any], damage: str | None
) -> dict[str, Any]:
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
    _prepare(target, request.run_id, source)
    unrestorable: GonogoError | None = None
    try:
        _restore(target, request, source["server_version_num"])
    except restoring.UnrestorableError as error:
        unrestorable = error
    restored_at = time.monotonic()
    answer["seconds"] = {"restore": round(restored_at - started, 3)}
    if unrestorable:
        return {**answer, "reason": _words(unrestorable)}
    twin = _read(target, request.run_id, source["method"])
    found = proof.prove(source, twin, with_owners=target.owners)
    answer["seconds"]["compare"] = round(time.monotonic() - restored_at, 3)
    reason = None if found["equal"] else "the twin does not equal its source"
    return {**answer, "proven": found["equal"], "reason": reason, "proof": found}


def _size(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _prepare(target: _Target, run_id: str, source: Mapping[str, Any]) -> None:
    """What pg_restore takes for granted. Raises UnprovenError when an extension is not there."""
    extensions = [
        name[len("extension ") :] for name in source["schema"] if name.startswith("extension ")
    ]
    with _session(target, run_id) as connection, connection.cursor() as cursor:
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


def _restore(target: _Target, request: Request, version: int) -> None:
    restoring.restore(
        request.archive,
        pg_restore=clients.find("pg_restore", bin_dir=request.pg_bin),
        server_version=version,
        conninfo=target.login.conninfo(name=application_name(request.run_id, _STAGE)),
        environment=target.login.environment(),
        jobs=request.jobs or _cores(),
        options=target.options,
    )


def _read(target: _Target, run_id: str, method: str) -> dict[str, Any]:
    """As the source was read."""
    try:
        with _session(target, run_id) as connection:
            return {
                "schema": schema_catalog.read(connection),
                "sequences": fingerprint.sequences(connection),
                "content": fingerprint.content(
                    lambda: _session(target, run_id), sessions=_cores(), method=method
                ),
            }
    except DatabaseError as error:
        told = described(error)
        raise GonogoError(
            f"the twin cannot be read: {told['message']}", detail=told["detail"]
        ) from error


def _session(target: _Target, run_id: str) -> Any:
    return connect(target.login, name=application_name(run_id, _STAGE), timeouts=_PATIENT)


def _cores() -> int:
    return max(1, min(8, os.cpu_count() or 1))


def _words(error: GonogoError) -> str:
    return f"{error.primary}: {error.detail}" if error.detail else error.primary
