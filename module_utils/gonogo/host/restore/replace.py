"""Puts a proven backup in the place of the database it was taken from.

It is restored into a new database on the same server, and compared there with what was dumped;
only then the two change names, in one transaction, and the database that was there stays under
another name. Whatever fails before that removes the new one and touches nothing else.

An approval is for what the present database held when the plan was shown, and for the databases
that the plan says will be removed. Both are looked at again before anything is begun, and the
present database once more before it loses its name.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from psycopg import sql

from ...contract import session_settings
from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.login import Login, Timeouts, application_name
from ...contract.records.reading import plain
from ...contract.records.restore import (
    LeftDatabase,
    RestoreDone,
    RestoreIntent,
    RestorePlan,
    RestoreSeconds,
)
from ...contract.records.run import Declared, Identity
from ...contract.records.source import SourceRecord, Surroundings, TableContent
from ...contract.records.twin import Proof
from ...contract.side_by_side import sessions
from ..archive import clients, toc
from ..compare import proof
from ..compare.source import surroundings
from ..progress import lending
from ..session import exclusive, identity, link, server_names
from ..session.connection import DatabaseError, connect, described, reached
from ..session.identity import observe
from . import (
    attempts,
    cluster_globals,
    exchange,
    holdings,
    made_database,
    restoring,
    rights,
    standins,
)
from .attempts import Manner
from .exchange import Names
from .filling import Filling, FillingAsLogin
from .restored import PURPOSE, STAGE
from .standins import Doors

__all__ = ["Outcome", "Request", "restore"]

_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
# Longest name of a database, in bytes.
_NAME_BYTES = 63
_SUPERUSER = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user"
_SHOWN = 20

# What of the database is neither in a dump nor in an option of CREATE DATABASE, as statements
# with {} for its name. It is read in the session that runs them, which reads the names of roles in
# its own way (`server_names`). The per cent signs are doubled for the driver.
_AROUND = """
SELECT d.datconnlimit, pg_catalog.shobj_description(d.oid, 'pg_database'), d.datacl IS NOT NULL,
    ARRAY(SELECT format('GRANT %%s ON DATABASE {} TO %%s%%s', a.privilege_type,
            CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_catalog.aclexplode(d.datacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
        WHERE a.grantee <> d.datdba ORDER BY 1)
FROM pg_catalog.pg_database AS d WHERE d.oid = %(oid)s
"""

# The same of its settings, and whether only a superuser can give it each of them.
_SETTINGS = """
SELECT CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE {} SET %%s TO ', k.quoted)
        ELSE format('ALTER ROLE %%I IN DATABASE {} SET %%s TO ', r.rolname, k.quoted) END
        || k.value,
    EXISTS (SELECT FROM pg_catalog.pg_settings AS g
        WHERE lower(g.name) = lower(k.name) AND g.context <> 'user')
FROM pg_catalog.pg_db_role_setting AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) AS word
CROSS JOIN LATERAL (SELECT split_part(word, '=', 1) AS name,
    (SELECT string_agg(quote_ident(part), '.')
        FROM unnest(string_to_array(split_part(word, '=', 1), '.')) AS part) AS quoted,
    CASE WHEN split_part(word, '=', 1) = ANY (%(lists)s)
        THEN coalesce(nullif(substr(word, strpos(word, '=') + 1), ''), '''''')
        ELSE quote_literal(substr(word, strpos(word, '=') + 1)) END AS value) AS k
WHERE d.oid = %(oid)s ORDER BY 1
"""

_SESSIONS = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datid = %s AND pid <> pg_catalog.pg_backend_pid()
    AND application_name NOT LIKE 'gonogo:%%'
"""

# A database, and who owns it.
_LIKE = """
SELECT pg_catalog.to_jsonb(d), pg_catalog.pg_get_userbyid(d.datdba)::text
FROM pg_catalog.pg_database AS d WHERE d.oid = %s
"""
_NAMES = "SELECT datname::text FROM pg_catalog.pg_database"

_MAY = """
SELECT r.rolsuper OR (r.rolcreatedb AND pg_catalog.pg_has_role(session_user, d.datdba, 'USAGE')),
    r.rolsuper OR pg_catalog.pg_has_role(session_user, 'pg_signal_backend', 'USAGE'), r.rolsuper
FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d
WHERE r.rolname = session_user AND d.datname = current_database()
"""


@dataclass(frozen=True)
class Request:
    """What is to be put where. `maintenance` is a database to work from; `jobs` 0 is one for each
    processor; `stamp` is a part of the name that the present database gets.
    """

    login: Login
    run_id: str
    declared: Declared
    archive: Path
    sha256: str
    maintenance: str
    stamp: str
    pg_bin: str | None
    jobs: int
    fence: Sequence[str]
    timeouts: Timeouts


@dataclass(frozen=True)
class Outcome:
    """Who else is at work; what is planned, where nobody is; what was done, where anything was."""

    occupants: exclusive.Occupants
    plan: RestorePlan | None = None
    done: RestoreDone | None = None

    def answer(self) -> dict[str, object]:
        """As it travels: the keys of all of them, and whether it was `committed`."""
        return {
            **(plain(self.plan) if self.plan else {}),
            **self.occupants.answer(),
            "committed": self.done is not None,
            **(plain(self.done) if self.done else {}),
        }


def restore(request: Request, *, approved_content: str | None) -> Outcome:
    """Look at what a restore would do, or do it.

    It is done when `approved_content` is the digest of what it is about (`RestorePlan`). Raises
    GonogoError, with nothing changed.
    """
    name = application_name(request.run_id, STAGE)
    with connect(request.login, name=name, timeouts=request.timeouts) as live:
        observed = observe(live)
        occupants = exclusive.enter(
            live,
            observed=observed,
            declared=request.declared,
            fence=request.fence,
            stronger_login=True,
        )
        if occupants:
            return Outcome(occupants)
        superuser = _refuse_without_rights(live)
        broken = restoring.sealed(request.archive, request.sha256)
        if broken:
            raise GonogoError(
                "the archive is not the one that was sealed; nothing was changed",
                detail=broken,
                hint="Put the archive back from a copy, or restore another run.",
            )
        names = _names(live, observed.database, request.stamp)
        with _maintenance(request) as connection:
            acl = _around(connection, observed.database_oid)
            if not superuser:
                login = server_names.as_read(live, observed.login)
                rights.refuse_foreign_code(
                    toc.read(request.archive),
                    login=login,
                    written=lambda name: server_names.as_sent(live, name),
                )
                _may_settle(connection, observed.database, acl)
            left, alike = made_database.unused(connection, PURPOSE)
        plan = _plan(request, live, observed, names, left, alike)
        if approved_content is None or approved_content != plan.content:
            return Outcome(occupants, plan)
        source = restoring.read_source(request.archive)
        around = _Around(surroundings(live), acl, observed.database_oid)
        place = reached(live)
        return Outcome(
            occupants, plan, _carry_out(request, names, plan, source, around, place, live)
        )


def _refuse_without_rights(live: Any) -> bool:
    """Whether the login is a superuser, who can have each owner's part restored by itself."""
    row = live.execute(_MAY).fetchone()
    if not row[0]:
        raise GonogoError(
            "this login may not put another database in the place of this one",
            detail="It takes CREATEDB and the ownership of the database, or a superuser.",
            hint="Give this playbook such a login: -e "
            + shlex.quote(f'{{"gonogo_login": {{"db": "{live.info.dbname}", "user": "..."}}}}'),
        )
    return bool(row[2])


def _names(live: Any, database: str, stamp: str) -> Names:
    taken = {server_names.as_sent(live, row[0]) for row in live.execute(_NAMES).fetchall()}

    def with_tail(tail: str) -> str:
        head = database.encode()[: _NAME_BYTES - len(tail)].decode("utf-8", "ignore")
        return head + tail

    # A run can be restored more than once: the next name that is free.
    kept = (with_tail(f"_old_{stamp}{f'_{n}' if n > 1 else ''}") for n in itertools.count(1))
    return Names(
        live=database,
        new=with_tail(f"_new_{secrets.token_hex(8)}"),
        old=next(name for name in kept if name not in taken),
    )


def _plan(
    request: Request,
    live: Any,
    observed: Identity,
    names: Names,
    left: Sequence[made_database.Made],
    alike: Sequence[str],
) -> RestorePlan:
    source = restoring.read_source(request.archive)
    now = _holds(request, source.method)
    about = {
        "sha256": request.sha256,
        "system_identifier": observed.system_identifier,
        "database_oid": observed.database_oid,
        "kept_as": names.old,
        "holds": now,
        "left": [[one.oid, one.name] for one in left],
    }
    then = source.content.tables
    nothing = TableContent("")
    return RestorePlan(
        content=sha256(line(about)),
        intent=RestoreIntent(
            names.live, observed.database_oid, observed.system_identifier, names.old
        ),
        holds={**now, **{f"database {one.name}": (None, str(one.oid)) for one in left}},
        database=names.live,
        kept_as=names.old,
        sessions=live.execute(_SESSIONS, [observed.database_oid]).fetchone()[0],
        tables={
            table: (now.get(table, (None, None))[0], then.get(table, nothing).rows)
            for table in sorted(({*now} - {holdings.LARGE_OBJECTS}) | {*then})
            if now.get(table, (None, None))[1] != then.get(table, nothing).hash
        },
        left=[LeftDatabase(one.oid, one.name) for one in left],
        alike=list(alike),
    )


def _holds(request: Request, method: str, *, database: str | None = None) -> holdings.Holds:
    """What the present database holds, or another one on its server."""
    return holdings.read(
        request.login,
        run_id=request.run_id,
        stage=STAGE,
        method=method,
        sessions=_jobs(request),
        database=database,
    )


@dataclass(frozen=True)
class _Acl:
    """What is beside a database, as statements of a session: `settings` each with whether only a
    superuser can give it."""

    connection_limit: int
    comment: str | None
    has_acl: bool
    grants: Sequence[str]
    settings: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class _Around:
    """Of the present database: what of the server belongs to it, what is beside it, its OID."""

    surroundings: Surroundings
    acl: _Acl
    oid: int


def _around(connection: Any, oid: int) -> _Acl:
    """What is around a database, as the statements of this session give it to another one."""
    limit, comment, has_acl, grants = connection.execute(_AROUND, {"oid": oid}).fetchone()
    words = {"oid": oid, "lists": sorted(cluster_globals.LISTS)}
    settings = connection.execute(_SETTINGS, words).fetchall()
    return _Acl(limit, comment, has_acl, grants, settings)


def _carry_out(
    request: Request,
    names: Names,
    plan: RestorePlan,
    source: SourceRecord,
    around: _Around,
    place: Mapping[str, str],
    live: Any,
) -> RestoreDone:
    started = time.monotonic()
    acl = around.acl
    holds = {name: value for name, value in plan.holds.items() if value[0] is not None}
    with _maintenance(request) as connection:
        _remove_left(connection, plan.left)

        def attempt(manner: Manner) -> Filled:
            return _filled(request, connection, names, source, around, place, manner)

        made, first = attempts.tried(_jobs(request), attempt)
        filled = time.monotonic()
        try:
            found = _proven(made.filling, source)
            compared = time.monotonic()
            _settle(connection, names.new, [*made.settings_left, *_rest(acl)])
            _refuse_what_came(holdings.moved(holds, _holds(request, source.method)))
            # Its lock has kept other runs out until now; a name is changed when nobody is there.
            live.close()
            exchange.change_names(
                connection,
                lambda: _maintenance(request),
                names,
                oid=around.oid,
                comment=acl.comment,
            )
        except BaseException:
            link.let_be()
            _drop(connection, made.database, made.doors)
            raise
        swapped = time.monotonic()
    seconds = RestoreSeconds(
        restore=round(filled - started, 3),
        compare=round(compared - filled, 3),
        swap=round(swapped - compared, 3),
    )
    _look(request, names)
    came = _came(request, names, source.method, holds)
    return RestoreDone(found, came, seconds, first.render() if first else None)


def _came(
    request: Request, names: Names, method: str, holds: holdings.Holds
) -> holdings.Moved | None:
    """What was written after the last look and before the names were changed, None if unknown."""
    try:
        return holdings.moved(holds, _holds(request, method, database=names.old))
    except (GonogoError, DatabaseError):
        return None


def _remove_left(connection: Any, left: Sequence[LeftDatabase]) -> None:
    """Remove what the plan has named, as long as it still is what the plan has named."""
    there, _ = made_database.unused(connection, PURPOSE)
    named = {(one.oid, one.name) for one in left}
    for one in there:
        if (one.oid, one.name) not in named:
            continue
        try:
            made_database.drop(connection, one)
        except DatabaseError as error:
            raise GonogoError(
                f"database {one.name}, which an interrupted restore has left, cannot be removed; "
                "nothing else was changed",
                detail=str(described(error)["message"]),
                hint="Remove it by hand, then run the playbook again.",
            ) from error


def _made(request: Request, connection: Any, names: Names, around: _Around) -> made_database.Made:
    (like, owner) = connection.execute(_LIKE, [around.oid]).fetchone()
    name = server_names.as_read(connection, names.new)
    try:
        return made_database.made(
            connection,
            name,
            request.run_id,
            PURPOSE,
            lambda: cluster_globals.make_database(
                connection, name, replace(around.surroundings, database=like), owner=owner
            ),
        )
    except DatabaseError as error:
        raise GonogoError(
            "the new database cannot be made; nothing was changed",
            detail=str(described(error)["message"]),
        ) from error


def _refuse_what_came(came: holdings.Moved) -> None:
    if came:
        raise GonogoError(
            "the database was written to while the backup was restored; nothing was changed",
            detail="\n".join(
                f"{name}: {_rows(then)} in the plan, {_rows(now)} now"
                for name, (then, now) in list(came.items())[:_SHOWN]
            ),
            hint="Stop the application, then run the playbook again and approve the new plan.",
        )


def _rows(number: int | None) -> str:
    return "nothing" if number is None else f"{number} rows"


def _maintenance(request: Request) -> Any:
    return connect(
        request.login,
        name=application_name(request.run_id, STAGE),
        timeouts=_PATIENT,
        database=request.maintenance,
    )


@dataclass(frozen=True)
class Filled:
    """The new database with the archive in it, and which settings it is still without."""

    database: made_database.Made
    filling: Filling | FillingAsLogin
    doors: Doors | None
    settings_left: Sequence[str]


def _filled(
    request: Request,
    connection: Any,
    names: Names,
    source: SourceRecord,
    around: _Around,
    place: Mapping[str, str],
    manner: Manner,
) -> Filled:
    settings = around.acl.settings
    before = [one for one, late in settings if manner.settings_first and not late]
    filling, doors = _filling(request, connection, names, source, place, manner)
    new = _made(request, connection, names, around)
    try:
        _settle(connection, names.new, before)
        if "schema public" not in source.schema:
            with _new(request, names) as session:
                session.execute("DROP SCHEMA public")
        # One more session could be one too many here.
        with attempts.filling(), lending(lambda: contextlib.nullcontext(connection)):
            filling.fill()
    except BaseException:
        link.let_be()
        _drop(connection, new, doors)
        raise
    return Filled(new, filling, doors, [one for one, _ in settings if one not in before])


def _filling(
    request: Request,
    connection: Any,
    names: Names,
    source: SourceRecord,
    place: Mapping[str, str],
    manner: Manner,
) -> tuple[Filling | FillingAsLogin, Doors | None]:
    """What fills the new database, and for a superuser the roles that it makes for it."""
    archive = restoring.Archive(
        request.archive,
        pg_restore=clients.find("pg_restore", bin_dir=request.pg_bin),
        jobs=manner.jobs,
    )
    version = connection.info.server_version
    settings = cluster_globals.session_settings(source.surroundings, version)
    if connection.execute(_SUPERUSER).fetchone()[0]:
        doors = standins.doors_of(
            connection, request.login, database=names.new, run_id=request.run_id, stage=STAGE
        )
        doors = replace(doors, settings=settings)
        return Filling(archive, doors), doors
    as_login = FillingAsLogin(
        archive,
        request.login,
        application_name(request.run_id, STAGE),
        connect=lambda: _new(request, names, settings),
        version=version,
        with_owners=True,
        place={**place, "dbname": names.new},
        settings=settings,
    )
    return as_login, None


def _jobs(request: Request) -> int:
    return sessions(request.jobs)


def _new(request: Request, names: Names, settings: Mapping[str, str] | None = None) -> Any:
    return connect(
        request.login,
        name=application_name(request.run_id, STAGE),
        timeouts=_PATIENT,
        database=names.new,
        options=session_settings.options(settings or {}),
    )


def _proven(filling: Filling | FillingAsLogin, source: SourceRecord) -> Proof:
    unread = proof.uncompared(source.content, restoring.data_of(filling.archive.directory))
    if unread:
        raise GonogoError(
            "the archive has data that nobody has compared; nothing was changed",
            detail=listed(unread),
            hint="Restore the backup of a run of this version of the project.",
        )
    restored = filling.read(source)
    found = proof.prove(source, restored)
    if not found.equal:
        unequal = [name for name, table in found.tables.items() if not table.equal]
        unequal += [difference.name for difference in found.schema.differences]
        raise GonogoError(
            "what was restored does not equal what was dumped; nothing was changed",
            detail=", ".join([*unequal, *found.sequences.different][:10]) or None,
            hint="The new database was removed. Where the twin of that run was equal, compare the "
            "versions and extensions of this server with those it was restored into then.",
        )
    return found


def _may_settle(connection: Any, database: str, acl: _Acl) -> None:
    """Whether this login may give a database what the present one has: tried, and rolled back.

    Raises GonogoError as `_settle` does, before anybody has approved anything.
    """
    connection.execute("BEGIN")
    try:
        _settle(connection, database, [*(one for one, _ in acl.settings), *_rest(acl)])
    finally:
        connection.execute("ROLLBACK")


def _rest(acl: _Acl) -> list[str]:
    """What the present database has beside its content and its settings, but for its comment: until
    the names are changed, that one says what the new one is.
    """
    statements = []
    if acl.has_acl:
        statements += ["REVOKE ALL ON DATABASE {} FROM PUBLIC", *acl.grants]
    if acl.connection_limit >= 0:
        statements.append(f"ALTER DATABASE {{}} CONNECTION LIMIT {int(acl.connection_limit)}")
    return statements


def _settle(connection: Any, database: str, statements: Sequence[str]) -> None:
    """Give a database some of what the present one has."""
    name = sql.Identifier(server_names.as_read(connection, database))
    try:
        for statement in statements:
            connection.execute(statement.replace("{}", name.as_string(connection), 1))
    except DatabaseError as error:
        raise GonogoError(
            f"the restored database cannot get the settings of the present one: "
            f"{described(error)['message']}; nothing was changed",
            hint="Some settings only a superuser can give a database. Restore as one; or, where it "
            "is the marker, let one write it into the comment instead: ALTER DATABASE ... RESET "
            "gonogo.environment; COMMENT ON DATABASE ... IS 'gonogo.environment=...';",
        ) from error


def _drop(connection: Any, new: made_database.Made, doors: Doors | None) -> None:
    """Remove the new database, as well as that can be done; a later restore knows it.

    One that has the name of the present one by now is not the new one any more.
    """
    try:
        made_database.drop(connection, new)
        if doors:
            standins.remove(connection, doors)
    except DatabaseError:
        # The error that has led here is the one to be told.
        return


def _look(request: Request, names: Names) -> None:
    """Whether the database that answers now is the one the inventory declares."""
    name = application_name(request.run_id, STAGE)
    with connect(request.login, name=name, read_only=True) as connection:
        found = identity.problems(request.declared, observe(connection))
    if found:
        raise GonogoError(
            f"the restore is done, but {found[0].primary}",
            detail=f"The database that was there is {names.old} now.",
            hint=found[0].hint,
        )
