"""What of a server's error may be told, and what a refused login says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract.login import Login
from gonogo.host import answer
from gonogo.host.session import connection
from gonogo.host.session.connection import DatabaseError, described
from gonogo.host.session.refusal import refused
from gonogo.host.stages import Entry
from gonogo.host.transport.driver import DriverMissingError


def error(state: str | None, message: str | None, detail: str | None = None) -> DatabaseError:
    """An error as psycopg gives it."""

    class RefusedError(DatabaseError):
        sqlstate = state
        diag: Any = SimpleNamespace(
            message_primary=message, message_detail=detail, message_hint="h"
        )

    return RefusedError("server\n  closed")


@pytest.mark.parametrize(
    ("given", "message", "detail"),
    [
        (("23505", 'duplicate key violates "ux"', "Key (email)=(a@b.c)"), 'duplicate key violates "ux"', None),
        (("23514", "new row violates ck", "Failing row contains (1, secret)."), "new row violates ck", None),
        (("22P02", 'invalid input syntax for type uuid: "secret"'), 'invalid input syntax for type uuid: "…"', None),
        (("22003", 'value "9" is out of range for type integer'), 'value "…" is out of range for type integer', None),
        (("22P02", "ungültige Eingabesyntax für Typ uuid: »secret«"), 'ungültige Eingabesyntax für Typ uuid: "…"', None),
        (("22P02", 'for type json: "a"b\nsecret"'), 'for type json: "…"', None),
        (("22012", "division by zero"), "division by zero", None),
        (("42P01", 'relation "x" does not exist', "d"), 'relation "x" does not exist', "d"),
        (("55P03", "canceling statement due to lock timeout"), "canceling statement due to lock timeout", None),
        ((None, None), "server closed", None),
    ],
)  # fmt: skip
def test_no_contents_of_rows(given: tuple[Any, ...], message: str, detail: str | None) -> None:
    told = described(error(*given))
    assert told == {"sqlstate": given[0], "message": message, "detail": detail, "hint": "h"}


def asked(arguments: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    package = {"file": "/root-owned/lib/gonogo.json", "sha256": ""}
    told = answer.answer("files", arguments, check_mode=check_mode, package=package, search_path=[])
    return dict(told)


def test_a_module_reports_what_the_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(raised: Exception) -> dict[str, Any]:
        def fail(_params: Any, *, check_mode: bool) -> dict[str, Any]:
            del check_mode
            raise raised

        monkeypatch.setattr(answer, "find", lambda _: Entry({}, fail))
        return asked({}, check_mode=False)

    assert failing(error("23505", "duplicate", "Key (a)=(secret)")) == {
        "failed": True,
        "msg": "23505: duplicate\nHINT:  h",
        "error": {"primary": "23505: duplicate", "detail": None, "hint": "h"},
    }
    assert failing(OSError(13, "Permission denied", "/x"))["msg"] == "Permission denied: /x"
    missing = failing(DriverMissingError("this Python has no psycopg"))
    assert (missing["failed"], missing["missing"]) == (True, "psycopg")
    assert "a fault of this project (ZeroDivisionError)" in failing(ZeroDivisionError())["msg"]


def test_when_nobody_listens_every_session_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[bool] = []
    monkeypatch.setattr(connection, "cancel_all", lambda: cancelled.append(True))
    answer._cancel_all()
    assert cancelled == [True]


def test_paths_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/there")
    spec = {
        "directory": {"type": "path"},
        "login": {"type": "dict", "options": {"passfile": {"type": "path"}, "db": {"type": "str"}}},
        "pg_bin": {"type": "path"},
    }
    seen: dict[str, Any] = {}
    entry = Entry(spec, lambda params, check_mode: seen.update(params, check=check_mode) or {})
    monkeypatch.setattr(answer, "find", lambda _: entry)
    given = {"directory": "~/a", "login": {"passfile": "$HOME/p", "db": "~x"}, "pg_bin": None}
    monkeypatch.setattr(answer, "require_own", lambda *_, **__: None)
    asked(given, check_mode=True)
    login = {"passfile": "/home/there/p", "db": "~x"}
    assert seen == {"directory": "/home/there/a", "login": login, "pg_bin": None, "check": True}
    assert given["directory"] == "~/a"


# --- refused by the server, or on the way to it -------------------------------------------------


class FailedError(DatabaseError):
    """As psycopg gives it: what libpq said, and what it knows of the attempt."""

    def __init__(self, said: str, *, needs_password: bool = False) -> None:
        super().__init__(said)
        self.attempt = SimpleNamespace(needs_password=needs_password)

    @property
    def pgconn(self) -> Any:
        return self.attempt


def test_a_refusal_is_one_error() -> None:
    twice = 'connection to server at "::1", port 1 failed: FATAL:  no pg_hba.conf entry\n' * 2
    found = refused(Login(db="x"), FailedError(f"connection failed: {twice}"))
    assert found.render() == (
        "cannot connect to database 'x'\n"
        'DETAIL:  connection to server at "::1", port 1 failed: FATAL:  no pg_hba.conf entry\n'
        "HINT:  The server has no rule that lets this login in. Rules can depend on TLS: mind "
        "login.ssl_mode."
    )


def test_a_refusal_says_every_address_once() -> None:
    said = (
        "connection failed: last\nMultiple connection attempts failed. All failures were:\n"
        "- host: 'db', port: '1', hostaddr: '::1': connection failed: first\n"
        "- host: 'db', port: '1', hostaddr: '127.0.0.1': connection is bad: last"
    )
    assert refused(Login(db="x"), FailedError(said)).detail == "first\nlast"


def test_a_refusal_in_another_language() -> None:
    told = refused(Login(db="x"), FailedError("FATAL:  Passwort-Authentifizierung fehlgeschlagen"))
    assert told.hint == "Check login (host, port, user, service, passfile) in the inventory."
    told = refused(Login(db="x"), FailedError("kein Passwort angegeben", needs_password=True))
    assert "No line of the password file" in str(told.hint)
