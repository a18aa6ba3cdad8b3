"""Is this the database the inventory declares? Rules over what was declared and observed.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from typing import Any

from ...contract.errors import GonogoError
from ...contract.records.run import Declared, Identity
from . import catalog, server_names
from .quoting import ident

__all__ = ["is_too_old", "observe", "problems"]

_OLDEST = 130000
_NO_IDENTITY = "pg_database or pg_roles has no row for this session."


def observe(connection: Any) -> Identity:
    """One row of `catalog.IDENTITY`, with the process the connection itself belongs to."""
    with connection.cursor() as cursor:
        cursor.execute(catalog.IDENTITY)
        row = cursor.fetchone()
        names = [column.name for column in cursor.description]
        if row is None:
            raise GonogoError("the database does not say who it is", detail=_NO_IDENTITY)
        found = dict(zip(names, row))
    for key in ("database", "database_owner", "login", "current_user"):
        found[key] = server_names.as_sent(connection, found[key])
    return Identity(**found, client_backend_pid=connection.info.backend_pid)


def problems(declared: Declared, observed: Identity) -> list[GonogoError]:
    """Return every reason not to touch this database, the gravest first; none when it is the
    declared one.
    """
    found = []
    for rule in _RULES:
        problem = rule(declared, observed)
        if problem:
            found.append(problem)
    return found


def is_too_old(observed: Identity) -> bool:
    """Whether the server is of a version that cannot be asked what this project asks."""
    return observed.server_version_num < _OLDEST


def _pooler(_declared: Declared, observed: Identity) -> GonogoError | None:
    if observed.client_backend_pid == observed.backend_pid:
        return None
    return GonogoError(
        "a connection pooler stands between this run and the server",
        detail=f"The connection belongs to process {observed.client_backend_pid}, "
        f"the statement ran in {observed.backend_pid}.",
        hint="Give the server's own port; locks and settings do not survive a pooler.",
    )


def _refused(declared: Declared, observed: Identity) -> GonogoError | None:
    refused = declared.refused_databases
    if observed.database not in refused:
        return None
    return GonogoError(
        f"database {observed.database!r} is refused as {declared.environment} target",
        detail=f"The inventory lists it in gonogo_refused_databases: {', '.join(refused)}.",
        hint="Correct gonogo_login.db; this name belongs to another environment.",
    )


def _database(declared: Declared, observed: Identity) -> GonogoError | None:
    if observed.database == declared.database:
        return None
    return GonogoError(
        "this is another database than the inventory declares",
        detail=f"Declared: {declared.database!r}. Connected to: {observed.database!r}"
        f"{_place(observed)}.",
        hint="Correct gonogo_login (db, service) in the inventory.",
    )


def _contradiction(_declared: Declared, observed: Identity) -> GonogoError | None:
    setting, comment = observed.marker_setting, observed.marker_comment
    if setting is None or comment is None or setting == comment:
        return None
    return GonogoError(
        f"the two markers of database {observed.database!r} contradict each other",
        detail=f"Its setting gonogo.environment says {setting!r}, its comment {comment!r}"
        f"{_place(observed)}.",
        hint="Find out which database this is, then correct the wrong one: "
        f"ALTER DATABASE {_name(observed)} RESET gonogo.environment; "
        f"or COMMENT ON DATABASE {_name(observed)} IS ...;",
    )


def _environment(declared: Declared, observed: Identity) -> GonogoError | None:
    wanted, found = declared.environment, observed.environment
    if found == wanted or _contradiction(declared, observed):
        return None
    if not found:
        return GonogoError(
            f"database {observed.database!r} does not say which environment it is",
            detail=f"The inventory declares {wanted!r}; the database carries no "
            f"marker{_place(observed)}.",
            hint="If it is the right one, mark it once: as a superuser with "
            f"ALTER DATABASE {_name(observed)} SET gonogo.environment = '{wanted}'; or as its "
            "owner in a line of its comment, "
            f"COMMENT ON DATABASE {_name(observed)} IS 'gonogo.environment={wanted}';",
        )
    where = "setting" if observed.marker_setting is not None else "comment"
    return GonogoError(
        f"database {observed.database!r} is {found}, not {wanted}",
        detail=f"The inventory declares {wanted!r}; the database's own marker "
        f"(gonogo.environment in its {where}) says {found!r}{_place(observed)}.",
        hint="Use the inventory of that environment, or correct gonogo_login.",
    )


def _server(declared: Declared, observed: Identity) -> GonogoError | None:
    wanted = declared.system_identifier
    if not wanted or str(wanted) == observed.system_identifier:
        return None
    return GonogoError(
        "this is another server than the inventory declares",
        detail=f"Declared system identifier: {wanted}. Found: {observed.system_identifier}"
        f"{_place(observed)}.",
        hint="Correct gonogo_login or gonogo_system_identifier.",
    )


def _validated(declared: Declared, observed: Identity) -> GonogoError | None:
    """Markers do not prove it: one can have been changed since."""
    there = declared.validated
    if not there or (there.system_identifier, there.database_oid) != (
        observed.system_identifier,
        observed.database_oid,
    ):
        return None
    return GonogoError(
        "the evidence of an earlier environment is about this very database",
        detail=f"It is about database {there.database!r} of the server {there.system_identifier}.",
        hint="Validate on another one. A copy of the server's files has its identity too; restore "
        "a dump instead.",
    )


def _replica(_declared: Declared, observed: Identity) -> GonogoError | None:
    if not observed.in_recovery:
        return None
    return GonogoError(
        "the server is a replica in recovery",
        detail=f"It cannot be written to and may lag behind{_place(observed)}.",
        hint="Connect to the primary.",
    )


def _blinded(_declared: Declared, observed: Identity) -> GonogoError | None:
    settings = list(observed.blinding_settings)
    if observed.session_replication_role != "origin":
        settings.append(f"session_replication_role={observed.session_replication_role}")
    if not settings:
        return None
    return GonogoError(
        "a setting of the role or the database would blind the checks",
        detail=f"Set: {', '.join(sorted(set(settings)))}.",
        hint="ALTER ROLE or ALTER DATABASE ... RESET the setting.",
    )


def _version(_declared: Declared, observed: Identity) -> GonogoError | None:
    if not is_too_old(observed):
        return None
    return GonogoError(
        f"PostgreSQL {observed.server_version} is not supported",
        hint="PostgreSQL 13 or later is needed.",
    )


def _encoding(_declared: Declared, observed: Identity) -> GonogoError | None:
    if observed.server_encoding != "SQL_ASCII":
        return None
    return GonogoError(
        f"database {observed.database!r} has the encoding SQL_ASCII",
        detail="Its text cannot be read reliably.",
        hint="Use a database with a real encoding, best UTF8.",
    )


def _name(observed: Identity) -> str:
    return ident(observed.database)


def _place(observed: Identity) -> str:
    address = observed.server_address
    where = f" on {address}:{observed.server_port}" if address else ""
    return f"{where} as {observed.login!r}"


_RULES = (
    _version,
    _refused,
    _database,
    _contradiction,
    _environment,
    _server,
    _validated,
    _pooler,
    _replica,
    _blinded,
    _encoding,
)
