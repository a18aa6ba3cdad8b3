"""Logins, and what of a server's error may be told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo import module
from gonogo.connection import DatabaseError, described
from gonogo.errors import GonogoError
from gonogo.login import Login


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


def test_a_module_reports_what_the_server_says() -> None:
    class Module:
        """As much of AnsibleModule as is needed."""

        def fail_json(self, **result: Any) -> None:
            self.result = result

    fake = Module()
    with module.reported(fake):
        raise error("23505", "duplicate", "Key (a)=(secret)")
    assert fake.result == {
        "msg": "23505: duplicate\nHINT:  h",
        "error": {"primary": "23505: duplicate", "detail": None, "hint": "h"},
    }
    with module.reported(fake):
        raise OSError(13, "Permission denied", "/x")
    assert fake.result["msg"] == "Permission denied: /x"


@pytest.mark.parametrize("db", ["", "host=other dbname=x", "postgresql://other/x"])
def test_a_name_is_no_connection_string(db: str) -> None:
    with pytest.raises(GonogoError) as caught:
        Login(db=db)
    assert caught.value.primary == f"login.db is not a database name: {db!r}"


@pytest.mark.parametrize("option", ["service_file", "passfile", "ca_cert"])
def test_files_of_a_login(tmp_path: Path, option: str) -> None:
    given: dict[str, Any] = {"db": "x", option: str(tmp_path / "none")}
    with pytest.raises(GonogoError) as caught:
        Login(**given)
    assert caught.value.primary == f"login.{option} does not exist: {tmp_path}/none"


def test_a_passfile_is_private(tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    file.write_text("")
    file.chmod(0o640)
    with pytest.raises(GonogoError) as caught:
        Login(db="x", passfile=str(file))
    assert caught.value.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    assert Login(db="x", passfile=str(file)).passfile == str(file)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=evil")
    monkeypatch.setenv("PGHOST", "elsewhere")
    environment = Login(db="x", port=5433).environment(name="gonogo:r:backup")
    assert {key: value for key, value in environment.items() if key.startswith("PG")} == {
        "PGDATABASE": "x",
        "PGPORT": "5433",
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "gonogo:r:backup",
    }
    assert "PATH" in environment
