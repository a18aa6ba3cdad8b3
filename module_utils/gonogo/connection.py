"""Connections to the target database. The one file that knows how psycopg connects.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import GonogoError

try:
    import psycopg
    from psycopg import Error as DatabaseError

    PSYCOPG_ERROR: str | None = None
except ImportError as error:
    PSYCOPG_ERROR = str(error)

    class DatabaseError(Exception):  # type: ignore[no-redef]
        """Stands in, so that the files that name it can be read and `connect` can say why."""


__all__ = [
    "LOGIN_SPEC",
    "DatabaseError",
    "Login",
    "Timeouts",
    "application_name",
    "clean_environment",
    "connect",
    "described",
]

# The one place where the login's options are spelled; modules use it as suboptions.
LOGIN_SPEC: dict[str, Any] = {
    "db": {"type": "str", "required": True},
    "user": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "service": {"type": "str"},
    "service_file": {"type": "path"},
    "passfile": {"type": "path", "no_log": False},
    "ssl_mode": {
        "type": "str",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path"},
    "connect_timeout": {"type": "int", "default": 10},
}

_ENVIRONMENT = {
    "db": "PGDATABASE",
    "user": "PGUSER",
    "host": "PGHOST",
    "port": "PGPORT",
    "service": "PGSERVICE",
    "service_file": "PGSERVICEFILE",
    "passfile": "PGPASSFILE",
    "ssl_mode": "PGSSLMODE",
    "ca_cert": "PGSSLROOTCERT",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}

# A dead network must not keep a lock: both kinds of probe are needed, one finds a peer that is
# gone while the session idles, the other while a statement runs.
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


# From the first quotation mark to the last, in any of the languages of lc_messages.
_QUOTED = re.compile("[\"'«»„“”‘’「].*[\"'«»„“”‘’」]", re.DOTALL)  # noqa: RUF001 - as they are


@dataclass(frozen=True)
class Login:
    """How to reach the database. Secrets are never in it: they are in the passfile."""

    db: str
    user: str | None = None
    host: str | None = None
    port: int | None = None
    service: str | None = None
    service_file: str | None = None
    passfile: str | None = None
    ssl_mode: str | None = None
    ca_cert: str | None = None
    connect_timeout: int = 10

    def __post_init__(self) -> None:
        # libpq's tools would read such a database name as a whole connection string.
        if "=" in self.db or "://" in self.db or not self.db:
            raise GonogoError(
                f"login.db is not a database name: {self.db!r}",
                hint="Give the bare name; host, port and user have options of their own.",
            )
        for option in ("service_file", "passfile", "ca_cert"):
            value = getattr(self, option)
            if value and not Path(value).is_file():
                raise GonogoError(f"login.{option} does not exist: {value}")
        if self.passfile and Path(self.passfile).stat().st_mode & 0o077:
            raise GonogoError(
                f"login.passfile can be read by others: {self.passfile}",
                detail="libpq would ignore it.",
                hint=f"chmod 600 {self.passfile}",
            )

    def environment(self, *, name: str) -> dict[str, str]:
        """Return the environment for psql, pg_dump and the like; other PG* variables are dropped.

        Nothing of it has to stand in an argument list, where every user of the host could read it.
        """
        given = {
            _ENVIRONMENT[key]: str(value)
            for key, value in asdict(self).items()
            if value is not None
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return {**kept, **given, "PGAPPNAME": name}


@dataclass(frozen=True)
class Timeouts:
    """Server-side limits in PostgreSQL's notation (`5s`, `10min`)."""

    lock: str = "5s"
    statement: str = "10min"
    idle_in_transaction: str = "2min"


def application_name(run_id: str, stage: str) -> str:
    """Name of a session of this project; a later run finds leftovers by it."""
    return f"gonogo:{run_id}:{stage}"


def clean_environment() -> None:
    """Drop the caller's PG* variables: PGOPTIONS or PGHOST would redirect every connection."""
    for key in [key for key in os.environ if key.startswith("PG")]:
        del os.environ[key]


def connect(
    login: Login,
    *,
    name: str,
    timeouts: Timeouts = Timeouts(),
    read_only: bool = False,
    settings: Mapping[str, str] | None = None,
) -> psycopg.Connection[Any]:
    """Open an autocommit session called `name` with pinned settings.

    Raises GonogoError when psycopg is missing or the server refuses.
    """
    if PSYCOPG_ERROR:
        raise GonogoError(
            "psycopg is not available to this Python",
            detail=PSYCOPG_ERROR,
            hint="Set ansible_python_interpreter to a Python that has psycopg 3.",
        )
    clean_environment()
    if login.service_file:
        # libpq has a keyword for it only from version 18 on.
        os.environ["PGSERVICEFILE"] = login.service_file
    keywords: dict[str, Any] = {
        "dbname": login.db,
        "user": login.user,
        "host": login.host,
        "port": login.port,
        "service": login.service,
        "passfile": login.passfile,
        "sslmode": login.ssl_mode,
        "sslrootcert": login.ca_cert,
        "connect_timeout": login.connect_timeout,
        "application_name": name,
        "client_encoding": "UTF8",
        **_KEEPALIVES,
    }
    try:
        connection = psycopg.connect(
            **{key: value for key, value in keywords.items() if value is not None},
            autocommit=True,
            prepare_threshold=None,
        )
    except DatabaseError as error:
        raise GonogoError(
            f"cannot connect to database {login.db!r}",
            detail=" ".join(str(error).split()),
            hint="Check login (host, port, user, service, passfile) in the inventory.",
        ) from error
    try:
        _pin(connection, timeouts=timeouts, read_only=read_only, settings=settings or {})
    except DatabaseError as error:
        connection.close()
        raise GonogoError(
            "the session cannot be set up",
            detail=described(error)["message"],
            hint="Check gonogo_timeouts; they are written like 5s or 10min.",
        ) from error
    return connection


def described(error: DatabaseError) -> dict[str, str | None]:
    """Return sqlstate, message, detail and hint of a server's error, without contents of rows.

    Errors about data (class 22) quote the value in their message, those about constraints
    (class 23) the row in their detail. Neither may reach the evidence.
    """
    diagnostics = error.diag
    state = error.sqlstate or ""
    message = diagnostics.message_primary or " ".join(str(error).split()) or type(error).__name__
    return {
        "sqlstate": error.sqlstate,
        "message": _QUOTED.sub('"…"', message) if state.startswith("22") else message,
        "detail": None if state.startswith(("22", "23")) else diagnostics.message_detail,
        "hint": diagnostics.message_hint,
    }


def _pin(
    connection: psycopg.Connection[Any],
    *,
    timeouts: Timeouts,
    read_only: bool,
    settings: Mapping[str, str],
) -> None:
    """Make the session's behaviour independent of the role's, the database's and the server's."""
    pinned = {
        "search_path": "",
        "row_security": "off",
        "lock_timeout": timeouts.lock,
        "statement_timeout": timeouts.statement,
        "idle_in_transaction_session_timeout": timeouts.idle_in_transaction,
        "timezone": "UTC",
        "datestyle": "ISO, YMD",
        "intervalstyle": "postgres",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "quote_all_identifiers": "off",
        "default_transaction_read_only": "on" if read_only else "off",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        **settings,
    }
    if connection.info.server_version >= 140000:
        pinned["client_connection_check_interval"] = "5s"
    with connection.cursor() as cursor:
        for setting, value in pinned.items():
            cursor.execute("SELECT pg_catalog.set_config(%s, %s, false)", (setting, value))
