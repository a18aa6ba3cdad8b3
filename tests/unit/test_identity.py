"""Is it the right database? Every rule turns red once, and once not."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.host.session.identity import problems
from gonogo.host.stages import target
from tests.records import IDENTITY, identity
from tests.records import declared as declared_as

DECLARED: dict[str, Any] = {
    "environment": "staging",
    "database": "apms_staging",
    "refused_databases": ["apms_db"],
    "system_identifier": None,
    "validated": None,
}
OBSERVED: dict[str, Any] = {
    **IDENTITY,
    "database": "apms_staging",
    "environment": "staging",
    "marker_setting": "staging",
    "marker_comment": None,
    "login": "apms",
    "server_version": "16.4",
    "server_version_num": 160004,
    "system_identifier": "7123456789",
    "in_recovery": False,
    "backend_pid": 100,
    "client_backend_pid": 100,
    "server_address": "10.0.0.1",
    "server_port": 5432,
    "server_encoding": "UTF8",
    "blinding_settings": [],
    "session_replication_role": "origin",
}


def found(declared: dict[str, Any], observed: dict[str, Any]) -> list[GonogoError]:
    return problems(declared_as(**{**DECLARED, **declared}), identity(**{**OBSERVED, **observed}))


@pytest.mark.parametrize(
    ("declared", "observed"),
    [
        ({}, {}),
        ({"system_identifier": "7123456789"}, {}),
        ({"system_identifier": ""}, {}),
        ({"refused_databases": []}, {}),
        ({}, {"server_version_num": 130000, "server_version": "13.0"}),
        ({}, {"server_version_num": 190000, "server_version": "19beta1"}),
        ({}, {"server_encoding": "LATIN1"}),
        ({}, {"server_address": None, "server_port": None}),
        ({}, {"marker_setting": None, "marker_comment": "staging"}),
        ({}, {"marker_comment": "staging"}),
    ],
)
def test_right(declared: dict[str, Any], observed: dict[str, Any]) -> None:
    assert found(declared, observed) == []


@pytest.mark.parametrize(
    ("declared", "observed", "message"),
    [
        (
            {},
            {"server_version_num": 120022, "server_version": "12.22"},
            "PostgreSQL 12.22 is not supported\nHINT:  PostgreSQL 13 or later is needed.",
        ),
        (
            {"database": "apms_db", "environment": "staging"},
            {"database": "apms_db"},
            "database 'apms_db' is refused as staging target\n"
            "DETAIL:  The inventory lists it in gonogo_refused_databases: apms_db.\n"
            "HINT:  Correct gonogo_login.db; this name belongs to another environment.",
        ),
        (
            {},
            {"database": "other"},
            "this is another database than the inventory declares\n"
            "DETAIL:  Declared: 'apms_staging'. Connected to: 'other' on 10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Correct gonogo_login (db, service) in the inventory.",
        ),
        (
            {},
            {"environment": "production", "marker_setting": "production"},
            "database 'apms_staging' is production, not staging\n"
            "DETAIL:  The inventory declares 'staging'; the database's own marker "
            "(gonogo.environment in its setting) says 'production' on 10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Use the inventory of that environment, or correct gonogo_login.",
        ),
        (
            {},
            {
                "environment": "production, staging",
                "marker_setting": None,
                "marker_comment": "production, staging",
            },
            "database 'apms_staging' is production, staging, not staging\n"
            "DETAIL:  The inventory declares 'staging'; the database's own marker "
            "(gonogo.environment in its comment) says 'production, staging' on 10.0.0.1:5432 "
            "as 'apms'.\n"
            "HINT:  Use the inventory of that environment, or correct gonogo_login.",
        ),
        (
            {},
            {"marker_comment": "production"},
            "the two markers of database 'apms_staging' contradict each other\n"
            "DETAIL:  Its setting gonogo.environment says 'staging', its comment 'production' on "
            "10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Find out which database this is, then correct the wrong one: "
            'ALTER DATABASE "apms_staging" RESET gonogo.environment; '
            'or COMMENT ON DATABASE "apms_staging" IS ...;',
        ),
        (
            # Not even when the setting is the one that is declared falsely.
            {"environment": "production"},
            {"marker_comment": "production"},
            "the two markers of database 'apms_staging' contradict each other\n"
            "DETAIL:  Its setting gonogo.environment says 'staging', its comment 'production' on "
            "10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Find out which database this is, then correct the wrong one: "
            'ALTER DATABASE "apms_staging" RESET gonogo.environment; '
            'or COMMENT ON DATABASE "apms_staging" IS ...;',
        ),
        (
            {"database": 'we"ird'},
            {
                "environment": None,
                "marker_setting": None,
                "database": 'we"ird',
                "server_address": None,
            },
            "database 'we\"ird' does not say which environment it is\n"
            "DETAIL:  The inventory declares 'staging'; the database carries no marker as 'apms'.\n"
            "HINT:  If it is the right one, mark it once: as a superuser with "
            'ALTER DATABASE "we""ird" SET gonogo.environment = \'staging\'; or as its owner in a '
            "line of its comment, "
            'COMMENT ON DATABASE "we""ird" IS \'gonogo.environment=staging\';',
        ),
        (
            {"system_identifier": "1"},
            {},
            "this is another server than the inventory declares\n"
            "DETAIL:  Declared system identifier: 1. Found: 7123456789 on 10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Correct gonogo_login or gonogo_system_identifier.",
        ),
        (
            {},
            {"client_backend_pid": 99},
            "a connection pooler stands between this run and the server\n"
            "DETAIL:  The connection belongs to process 99, the statement ran in 100.\n"
            "HINT:  Give the server's own port; locks and settings do not survive a pooler.",
        ),
        (
            {},
            {"in_recovery": True},
            "the server is a replica in recovery\n"
            "DETAIL:  It cannot be written to and may lag behind on 10.0.0.1:5432 as 'apms'.\n"
            "HINT:  Connect to the primary.",
        ),
        (
            {},
            {"session_replication_role": "replica", "blinding_settings": ["x=on"]},
            "a setting of the role or the database would blind the checks\n"
            "DETAIL:  Set: session_replication_role=replica, x=on.\n"
            "HINT:  ALTER ROLE or ALTER DATABASE ... RESET the setting.",
        ),
        (
            {},
            {"server_encoding": "SQL_ASCII"},
            "database 'apms_staging' has the encoding SQL_ASCII\n"
            "DETAIL:  Its text cannot be read reliably.\n"
            "HINT:  Use a database with a real encoding, best UTF8.",
        ),
    ],
)
def test_wrong(declared: dict[str, Any], observed: dict[str, Any], message: str) -> None:
    assert [problem.render() for problem in found(declared, observed)] == [message]


def test_the_gravest_comes_first() -> None:
    observed = {"database": "apms_db", "environment": "production", "in_recovery": True}
    assert [problem.primary for problem in found({}, observed)] == [
        "database 'apms_db' is refused as staging target",
        "this is another database than the inventory declares",
        "database 'apms_db' is production, not staging",
        "the server is a replica in recovery",
    ]


def test_names_from_a_server_are_shown_escaped() -> None:
    (first,) = found({}, {"environment": "x\x1b[31m\n\u202eHINT:  ok"})
    assert "\x1b" not in first.render()
    assert "\u202e" not in first.render()
    assert first.render().count("\n") == 3


def _target(monkeypatch: pytest.MonkeyPatch, observed: dict[str, Any], asked: list[str]) -> str:
    """What the stage target says of a server with this identity, a strong login and no pg_dump."""

    def refuse(what: str) -> Any:
        def look(*_: Any) -> None:
            asked.append(what)
            raise GonogoError(f"{what} is wrong", detail=f"about {what}", hint=f"mend {what}")

        return look

    nobody = contextlib.nullcontext()
    monkeypatch.setattr(target, "connect", lambda *_, **__: nobody)
    monkeypatch.setattr(target, "observe", lambda _: identity(**{**OBSERVED, **observed}))
    monkeypatch.setattr(target, "refuse_stronger_login", refuse("the login"))
    monkeypatch.setattr(target, "_clients", refuse("pg_dump"))
    with pytest.raises(GonogoError) as refused:
        target._opened(
            Login(db="apms_staging"),
            run_id="x",
            declared=declared_as(**DECLARED),
            fence=(),
            lease=1.0,
            pg_bin=None,
            backup_directory=Path("nowhere/backups"),
            space_factor=1.0,
            check_only=True,
        )
    return refused.value.render()


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = {"database": "other", "marker_setting": None, "environment": None}
    said = _target(monkeypatch, {**observed, "in_recovery": True}, [])
    assert said.startswith("this is another database than the inventory declares\nDETAIL:")
    for words in (
        "This is wrong as well:",
        "does not say which environment it is",
        "the server is a replica in recovery",
        "the login is wrong: about the login",
        "pg_dump is wrong: about pg_dump",
        "Correct gonogo_login (db, service)",
        "SET gonogo.environment = 'staging'",
        "mend the login",
        "mend pg_dump",
    ):
        assert words in said


def test_a_server_that_is_too_old_is_asked_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    old = {"server_version_num": 120022, "server_version": "12.22"}
    assert "PostgreSQL 12.22 is not supported" in _target(monkeypatch, old, asked)
    assert asked == []
