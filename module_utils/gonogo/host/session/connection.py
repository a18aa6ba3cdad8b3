"""Connections to the target database. The one file that knows how psycopg connects.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Error as DatabaseError

from ...contract.errors import GonogoError
from ...contract.home import expanded
from ...contract.login import Login, Timeouts, clean_environment
from ...contract.session_settings import NEWER, PEER, pinned, without_limits
from .refusal import refused

__all__ = [
    "DatabaseError",
    "cancel_all",
    "client_options",
    "connect",
    "described",
    "no_event_triggers",
    "reached",
]

_EVENT_TRIGGERS = 170000  # The first version with one for logging in, and a setting for all.

_INVALID_VALUE = "22023"

_DEFAULT_TIMEOUTS = Timeouts()

# SQLSTATE with which a server ends a statement or a session → the setting that made it do so.
_LIMITS = {
    "57014": "statement_timeout",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "57P05": "idle_session_timeout",
}

_ACTIVE = psycopg.pq.TransactionStatus.ACTIVE
# The open sessions of this process.
_opened: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()

# From the first quotation mark to the last, in any of the languages of lc_messages.
_QUOTED = re.compile("[\"'«»„“”‘’「].*[\"'«»„“”‘’」]", re.DOTALL)  # noqa: RUF001 - as they are


def connect(
    login: Login,
    *,
    name: str,
    timeouts: Timeouts = _DEFAULT_TIMEOUTS,
    read_only: bool = False,
    database: str | None = None,
    password: str | None = None,
    options: str | None = None,
) -> psycopg.Connection[Any]:
    """Open an autocommit session called `name` with pinned settings.

    `database` is another one on the same server; `password` is that of a stand-in. The session has
    the settings `options` from its start. Raises GonogoError when the server refuses.
    """
    clean_environment()
    if login.service_file:
        # libpq has had a keyword for it since version 18.
        os.environ["PGSERVICEFILE"] = login.service_file
    if login.service:
        _check_service(login)
    keywords = {**login.keywords(name=name), "client_encoding": "UTF8"}
    if database is not None:
        keywords["dbname"] = database
    if password:
        keywords["password"] = password
    if options:
        keywords["options"] = options
    connection = _opened_with(login, keywords)
    version, own = connection.info.server_version, connection.info.options
    try:
        _pin(connection, timeouts=timeouts, read_only=read_only)
    except DatabaseError as error:
        connection.close()
        if not (error.sqlstate is None or error.sqlstate in _LIMITS):
            raise _cannot_be_set_up(error) from error
        # A limit of the server, the database or the role ended it before ours was set.
        keywords["options"] = f"{own} {without_limits(version)}".strip()
        connection = _opened_with(login, keywords)
        try:
            _pin(connection, timeouts=timeouts, read_only=read_only)
        except DatabaseError as second:
            connection.close()
            raise _cannot_be_set_up(second) from second
    return connection


def _opened_with(login: Login, keywords: Mapping[str, Any]) -> psycopg.Connection[Any]:
    try:
        connection = psycopg.connect(**keywords, autocommit=True, prepare_threshold=None)
    except DatabaseError as error:
        raise refused(login, error) from error
    _opened.add(connection)
    return connection


def _cannot_be_set_up(error: DatabaseError) -> GonogoError:
    told = described(error)
    wrong_value = told["sqlstate"] == _INVALID_VALUE
    return GonogoError(
        "the session cannot be set up",
        detail=told["message"],
        hint="Check gonogo_timeouts; they are written like 5s or 10min."
        if wrong_value
        else told["hint"],
    )


def client_options(connection: psycopg.Connection[Any]) -> str:
    """Options of sessions of client programs beside this one."""
    # They may be this session's own already.
    limits = without_limits(connection.info.server_version)
    return " ".join(dict.fromkeys((connection.info.options, limits))).strip()


def no_event_triggers(server_version: int) -> str | None:
    """Options of a superuser's session that fires no event trigger, its own login's among them."""
    return "-c event_triggers=off" if server_version >= _EVENT_TRIGGERS else None


def cancel_all() -> None:
    """Cancel the running statements of all sessions of this process; another thread calls it."""
    for connection in list(_opened):
        # The session is being closed, or its server does not answer. Nothing else can be done.
        with contextlib.suppress(DatabaseError, RuntimeError):
            if not connection.closed and connection.info.transaction_status == _ACTIVE:
                connection.cancel()


def reached(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The server that a session is connected to, in libpq's words: host, hostaddr, port, user.

    Client programs are told to connect to the same server. By themselves they may reach another
    one: the default directory of the socket differs between builds of libpq, and a host name may
    have several addresses. The options also lift the limits that would end their sessions.
    """
    info = connection.info
    found = {
        "host": info.host,
        "hostaddr": info.hostaddr,
        "port": info.port,
        "user": info.user,
        "options": client_options(connection),
    }
    return {key: str(value) for key, value in found.items() if value}


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
        "hint": diagnostics.message_hint or _hint(state),
    }


def _hint(state: str) -> str | None:
    setting = _LIMITS.get(state)
    if setting is None or state == "57014":
        # People cancel statements too, and so do limits of ours.
        return None
    return (
        f"{setting} has ended the session. Those of this project begin without it: code of the "
        "database has set it since, or a pooler is between."
    )


def _check_service(login: Login) -> None:
    """Refuse a service that names another database, or whose file shows a password to everybody."""
    os.environ["PGSERVICE"] = login.service or ""
    try:
        said = {
            option.keyword.decode(): option.val.decode("utf-8", "backslashreplace")
            for option in psycopg.pq.Conninfo.get_defaults()
            if option.val
        }
    finally:
        os.environ.pop("PGSERVICE", None)
    if said.get("dbname", login.db) != login.db:
        raise GonogoError(
            f"login.db and login.service name two databases: {login.db!r} and {said['dbname']!r}",
            hint="Correct one of them, or leave dbname out of the service.",
        )
    if "password" not in said:
        return
    file = Path(login.service_file) if login.service_file else expanded("~/.pg_service.conf")
    if file.is_file() and file.stat().st_mode & 0o077:
        raise GonogoError(
            f"the service file holds a password and can be read by others: {file}",
            hint=f"chmod 600 {shlex.quote(str(file))}, or name a passfile in the service.",
        )


def _pin(connection: psycopg.Connection[Any], *, timeouts: Timeouts, read_only: bool) -> None:
    """Make the session's behaviour independent of the role's, the database's and the server's."""
    values = {
        **pinned(asdict(timeouts)),
        "default_transaction_read_only": "on" if read_only else "off",
    }
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        # The server converts no text of such a database. This way each byte is a character.
        values["client_encoding"] = "LATIN1"
    newer = {**NEWER, **PEER}
    calls = ", ".join(
        ["pg_catalog.set_config(%s, %s, false)"] * len(values)
        # A setting that this server does not know has no value.
        + [
            "CASE WHEN pg_catalog.current_setting(%s, true) OPERATOR(pg_catalog.<>) ''"
            " THEN pg_catalog.set_config(%s, %s, false) END"
        ]
        * len(newer)
    )
    words = [word for setting in values.items() for word in setting]
    words += [word for name, value in newer.items() for word in (name, name, value)]
    connection.execute(f"SELECT {calls}".encode(), words)
