"""Connections to the target database. The one file that knows how psycopg connects.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import Error as DatabaseError

from .errors import GonogoError
from .login import Login, Timeouts, clean_environment

__all__ = ["DatabaseError", "connect", "described"]

_DEFAULT_TIMEOUTS = Timeouts()

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


def connect(
    login: Login,
    *,
    name: str,
    timeouts: Timeouts = _DEFAULT_TIMEOUTS,
    read_only: bool = False,
    settings: Mapping[str, str] | None = None,
) -> psycopg.Connection[Any]:
    """Open an autocommit session called `name` with pinned settings.

    Raises GonogoError when the server refuses.
    """
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
