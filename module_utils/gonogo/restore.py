"""Puts a proven backup in the place of the database it was taken from.

It is restored into a new database on the same server, and compared there with what was dumped;
only then the two change names, in one transaction, and the database that was there stays under
another name. Whatever fails before that removes the new one and touches nothing else.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable

from psycopg import sql

from . import clients, identity, lock, rights, toc
from .canonical import line, sha256
from .connection import DatabaseError, connect, described, reached
from .errors import GonogoError
from .login import Login, Timeouts, application_name
from .source import surroundings
from .target import observe
from .twin import likeness, proof, reading, restoring, standins
from .twin.filling import Filling, FillingAsLogin
from .twin.standins import Doors

__all__ = ["Request", "restore"]

_STAGE = "restore"
_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
_SWAP_SECONDS = 60.0
# Longest name of a database, in bytes.
_NAME_BYTES = 63
# How a later restore knows what an earlier one that was killed has left.
_UNFINISHED = "gonogo: unfinished restore of run "
_IN_USE = "55006"
_SUPERUSER = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user"

# What of the database is neither in a dump nor in an option of CREATE DATABASE, as statements
# with {} for its name. The per cent signs are doubled for the driver.
_AROUND = """
SELECT d.datconnlimit, pg_catalog.shobj_description(d.oid, 'pg_database'), d.datacl IS NOT NULL,
    ARRAY(SELECT format('GRANT %%s ON DATABASE {} TO %%s%%s', a.privilege_type,
            CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_catalog.aclexplode(d.datacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
        WHERE a.grantee <> d.datdba ORDER BY 1),
    ARRAY(SELECT CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE {} SET %%s TO ', k.quoted)
            ELSE format('ALTER ROLE %%I IN DATABASE {} SET %%s TO ', r.rolname, k.quoted) END
            || k.value
        FROM pg_catalog.pg_db_role_setting AS s
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
        CROSS JOIN LATERAL unnest(s.setconfig) AS word
        CROSS JOIN LATERAL (SELECT
            (SELECT string_agg(quote_ident(part), '.')
                FROM unnest(string_to_array(split_part(word, '=', 1), '.')) AS part) AS quoted,
            CASE WHEN split_part(word, '=', 1) = ANY (%(lists)s)
                THEN coalesce(nullif(substr(word, strpos(word, '=') + 1), ''), '''''')
                ELSE quote_literal(substr(word, strpos(word, '=') + 1)) END AS value) AS k
        WHERE s.setdatabase = d.oid ORDER BY 1)
FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
"""

_SESSIONS = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()
    AND application_name NOT LIKE 'gonogo:%%'
"""

_END_SESSIONS = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()
"""

_LEFT = """
SELECT d.datname FROM pg_catalog.pg_database AS d
WHERE starts_with(pg_catalog.shobj_description(d.oid, 'pg_database'), %s)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)
ORDER BY 1
"""

_MAY = """
SELECT r.rolsuper OR (r.rolcreatedb AND pg_catalog.pg_has_role(session_user, d.datdba, 'USAGE')),
    r.rolsuper OR pg_catalog.pg_has_role(session_user, 'pg_signal_backend', 'USAGE'), r.rolsuper
FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d
WHERE r.rolname = session_user AND d.datname = current_database()
"""


@dataclass(frozen=True)
class Request:
    """What is to be put where. `maintenance` is a database to work from; `jobs` 0 is one for each
    processor; `stamp` makes the names of the other two databases.
    """

    login: Login
    run_id: str
    declared: Mapping[str, Any]
    archive: Path
    sha256: str
    maintenance: str
    stamp: str
    pg_bin: str | None
    jobs: int
    fence: Sequence[str]
    timeouts: Timeouts


@dataclass(frozen=True)
class _Names:
    live: str
    new: str
    old: str


def restore(request: Request, *, approved_content: str | None) -> dict[str, Any]:
    """Look at what a restore would do, or do it.

    It is done when `approved_content` is the digest of what it is about: this archive, this
    database, these names. Returns `content` (that digest), `database`, `kept_as` (the name that
    the present database gets), `sessions` (of others, which would be ended), `tables` (name →
    rows now and in the backup, where they are not the same), `left` (databases of restores that
    were killed), `committed` and, once done, `proof` (as `twin.proof.prove`) and `seconds`; or,
    with nothing done, `committed`, `held` (who has the run lock, or None) and `others` (runs with
    sessions here). Raises GonogoError, with nothing changed.
    """
    name = application_name(request.run_id, _STAGE)
    with connect(request.login, name=name, timeouts=request.timeouts) as live:
        observed = observe(live)
        found = identity.problems(request.declared, observed)
        if found:
            raise found[0]
        lock.fence(live, run_ids=request.fence)
        held = lock.hold(live)
        others = lock.other_runs(live, run_id="")
        if held or others:
            return {"committed": False, "held": asdict(held) if held else None, "others": others}
        superuser = _refuse_without_rights(live)
        broken = restoring.sealed(request.archive, request.sha256)
        if broken:
            raise GonogoError(
                "the archive is not the one that was sealed; nothing was changed", detail=broken
            )
        if not superuser:
            rights.refuse_foreign_code(toc.read(request.archive), login=observed["login"])
        names = _names(observed["database"], request.stamp)
        plan = _plan(request, live, observed, names)
        result = {**plan, "committed": False, "held": None, "others": []}
        if approved_content is None or approved_content != plan["content"]:
            return result
        source = restoring.read_source(request.archive)
        around = {**surroundings(live), "acl": _around(live)}
        place = reached(live)
        return {**result, **_carry_out(request, names, source, around, place, live)}


def _refuse_without_rights(live: Any) -> bool:
    """Whether the login is a superuser, who can have each owner's part restored by itself."""
    row = live.execute(_MAY).fetchone()
    if not row[0]:
        raise GonogoError(
            "this login may not put another database in the place of this one",
            detail="It takes CREATEDB and the ownership of the database, or a superuser.",
            hint="Name such a login in the inventory for this playbook: -e '{gonogo_login: ...}'",
        )
    return bool(row[2])


def _names(database: str, stamp: str) -> _Names:
    def with_word(word: str) -> str:
        tail = f"_{word}_{stamp}"
        head = database.encode()[: _NAME_BYTES - len(tail)].decode("utf-8", "ignore")
        return head + tail

    return _Names(live=database, new=with_word("new"), old=with_word("old"))


def _plan(
    request: Request, live: Any, observed: Mapping[str, Any], names: _Names
) -> dict[str, Any]:
    source = restoring.read_source(request.archive)
    about = {
        "sha256": request.sha256,
        "system_identifier": observed["system_identifier"],
        "database_oid": observed["database_oid"],
        "kept_as": names.old,
    }
    now = reading.content(
        request.login,
        run_id=request.run_id,
        stage=_STAGE,
        method=source["method"],
        sessions=_jobs(request),
    )["tables"]
    then = source["content"]["tables"]
    return {
        "content": sha256(line(about)),
        "database": names.live,
        "kept_as": names.old,
        "sessions": live.execute(_SESSIONS, [names.live]).fetchone()[0],
        "tables": {
            table: [now.get(table, {}).get("rows"), then.get(table, {}).get("rows")]
            for table in sorted({*now, *then})
            if now.get(table, {}).get("hash") != then.get(table, {}).get("hash")
        },
        "left": [row[0] for row in live.execute(_LEFT, [_UNFINISHED]).fetchall()],
    }


def _around(live: Any) -> dict[str, Any]:
    row = live.execute(_AROUND, {"lists": sorted(likeness.LISTS)}).fetchone()
    keys = ("connection_limit", "comment", "has_acl", "grants", "settings")
    return dict(zip(keys, row))


def _carry_out(
    request: Request,
    names: _Names,
    source: Mapping[str, Any],
    around: Mapping[str, Any],
    place: Mapping[str, str],
    live: Any,
) -> dict[str, Any]:
    started = time.monotonic()
    with _maintenance(request) as connection:
        for left in connection.execute(_LEFT, [_UNFINISHED]).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(left[0])))
        filling, doors = _filling(request, connection, names, place)
        try:
            _fill(request, connection, names, source, around, filling)
            filled = time.monotonic()
            found = _proven(filling, source)
            compared = time.monotonic()
            _settle(connection, names, around["acl"])
            # Its lock has kept other runs out until now; a name is changed when nobody is there.
            live.close()
            _swap(request, connection, names)
        except BaseException:
            _drop(connection, names, doors)
            raise
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only TO on").format(
                sql.Identifier(names.old)
            )
        )
    seconds = {
        "restore": round(filled - started, 3),
        "compare": round(compared - filled, 3),
        "swap": round(time.monotonic() - compared, 3),
    }
    _look(request, names)
    return {"committed": True, "proof": found, "seconds": seconds}


def _maintenance(request: Request) -> Any:
    return connect(
        request.login,
        name=application_name(request.run_id, _STAGE),
        timeouts=_PATIENT,
        database=request.maintenance,
    )


def _fill(
    request: Request,
    connection: Any,
    names: _Names,
    source: Mapping[str, Any],
    around: Mapping[str, Any],
    filling: Filling | FillingAsLogin,
) -> None:
    likeness.make_database(connection, names.new, around, owner=True)
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(names.new), sql.Literal(f"{_UNFINISHED}{request.run_id}")
        )
    )
    if "schema public" not in source["schema"]:
        with _new(request, names) as new:
            new.execute("DROP SCHEMA public")
    filling.fill()


def _filling(
    request: Request, connection: Any, names: _Names, place: Mapping[str, str]
) -> tuple[Filling | FillingAsLogin, Doors | None]:
    """What fills the new database, and for a superuser the roles that it makes for it."""
    archive = restoring.Archive(
        request.archive,
        pg_restore=clients.find("pg_restore", bin_dir=request.pg_bin),
        jobs=_jobs(request),
    )
    if connection.execute(_SUPERUSER).fetchone()[0]:
        doors = standins.doors_of(
            connection, request.login, database=names.new, run_id=request.run_id, stage=_STAGE
        )
        return Filling(archive, doors), doors
    as_login = FillingAsLogin(
        archive,
        request.login,
        application_name(request.run_id, _STAGE),
        connect=lambda: _new(request, names),
        version=connection.info.server_version,
        with_owners=True,
        place={**place, "dbname": names.new},
    )
    return as_login, None


def _jobs(request: Request) -> int:
    return request.jobs or max(1, min(8, os.cpu_count() or 1))


def _new(request: Request, names: _Names) -> Any:
    return connect(
        request.login,
        name=application_name(request.run_id, _STAGE),
        timeouts=_PATIENT,
        database=names.new,
    )


def _proven(filling: Filling | FillingAsLogin, source: Mapping[str, Any]) -> dict[str, Any]:
    restored = filling.read(source["method"])
    found = proof.prove(source, restored)
    if not found["equal"]:
        unequal = [name for name, table in found["tables"].items() if not table["equal"]]
        unequal += [d["name"] for d in found["schema"]["differences"]]
        raise GonogoError(
            "what was restored does not equal what was dumped; nothing was changed",
            detail=", ".join([*unequal, *found["sequences"]["different"]][:10]) or None,
        )
    return found


def _settle(connection: Any, names: _Names, acl: Mapping[str, Any]) -> None:
    """Give the new database what the present one has beside its content."""
    statements = list(acl["settings"])
    if acl["has_acl"]:
        statements += ["REVOKE ALL ON DATABASE {} FROM PUBLIC", *acl["grants"]]
    if acl["connection_limit"] >= 0:
        statements.append(f"ALTER DATABASE {{}} CONNECTION LIMIT {int(acl['connection_limit'])}")
    name = sql.Identifier(names.new)
    try:
        for statement in statements:
            connection.execute(statement.replace("{}", name.as_string(connection), 1).encode())
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(acl["comment"]))
        )
    except DatabaseError as error:
        raise GonogoError(
            f"the restored database cannot get the settings of the present one: "
            f"{described(error)['message']}; nothing was changed",
            hint="Some settings, a marker among them, only a superuser can give a database.",
        ) from error


def _swap(request: Request, connection: Any, names: _Names) -> None:
    """Change the names, in one transaction: there is a database of the live name at any time.

    Renaming keeps new sessions out and waits for the old ones to end; somebody else ends them
    meanwhile.
    """
    over = threading.Event()
    refused: list[str] = []

    def end_sessions() -> None:
        with _maintenance(request) as other:
            while not over.is_set():
                try:
                    other.execute(_END_SESSIONS, [names.live])
                except DatabaseError as error:
                    refused.append(str(described(error)["message"]))
                    return
                over.wait(0.02)

    ending = threading.Thread(target=end_sessions)
    ending.start()
    deadline = time.monotonic() + _SWAP_SECONDS

    def patient() -> bool:
        return time.monotonic() < deadline and not refused

    try:
        while not _renamed(connection, names, patient=patient):
            pass
    except DatabaseError as error:
        raise GonogoError(
            "the databases cannot change names; nothing was changed",
            detail="\n".join([str(described(error)["message"]), *refused[:1]]),
            hint="Stop the application and whatever else is connected, then run again; or log in "
            "as a role that may end their sessions.",
        ) from error
    finally:
        over.set()
        ending.join()


def _renamed(connection: Any, names: _Names, *, patient: Callable[[], bool]) -> bool:
    """Try to change the names. False while a session is in the way, and there is still time."""
    try:
        with connection.transaction():
            for one, other in ((names.live, names.old), (names.new, names.live)):
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(one), sql.Identifier(other)
                    )
                )
    except DatabaseError as error:
        if error.sqlstate == _IN_USE and patient():
            return False
        raise
    return True


def _drop(connection: Any, names: _Names, doors: Doors | None) -> None:
    """Remove the new database, as well as that can be done; a later restore knows it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(names.new))
    try:
        connection.execute(statement)
        if doors:
            standins.remove(connection, doors)
    except DatabaseError:
        # The error that has led here is the one to be told.
        return


def _look(request: Request, names: _Names) -> None:
    """Whether the database that answers now is the one the inventory declares."""
    name = application_name(request.run_id, _STAGE)
    with connect(request.login, name=name, read_only=True) as connection:
        found = identity.problems(request.declared, observe(connection))
    if found:
        raise GonogoError(
            f"the restore is done, but {found[0].primary}",
            detail=f"The database that was there is {names.old} now.",
            hint=found[0].hint,
        )
