"""What a role, a database or a server limits ends none of our sessions, nor those of programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.host.checks.execution import run_script
from gonogo.host.session import lock
from gonogo.host.session.connection import connect, reached
from tests.integration.support.harness import Database
from tests.integration.support.twins import RUN_ID, Rehearsal

Make = Callable[..., Database]

# Everything that anybody may set and that ends something, or lets the planner do something else.
# What a version adds is in it.
_SETTINGS = """
SELECT name, boot_val, vartype, min_val, max_val FROM pg_catalog.pg_settings
WHERE context = 'user' AND ({}) ORDER BY name
"""
_ENDING = "name ~ 'timeout|keepalives|_check_interval$'"
_PLANNING = "name ~ '^enable_|_cost$|_limit$|^geqo|^jit|parallel' AND category ~ '^Query Tuning'"
# Of replication alone; and how much is done side by side, which is for the server to say.
_NOT_OURS = {"wal_sender_timeout", "max_parallel_workers_per_gather"}


def _made_another(database: Database, which: str) -> dict[str, str]:
    """Set all of them for the database, each to something else; what it was in our sessions."""
    with connect(database.login(), name="test") as session:
        rows = session.execute(_SETTINGS.format(which).encode()).fetchall()
        before = {row[0]: _value(session, row[0]) for row in rows}
    with database.admin() as admin:
        for name, boot, kind, least, most in rows:
            odd = {"bool": "off" if boot == "on" else "on", "enum": boot}.get(kind)
            odd = odd or next(v for v in ("97", "1", least, most) if _within(v, least, most))
            admin.execute(f"ALTER DATABASE \"{database.name}\" SET {name} = '{odd}'".encode())
    return {name: value for name, value in before.items() if name not in _NOT_OURS}


def _within(value: str, least: str, most: str) -> bool:
    return float(least) <= float(value) <= float(most)


def _value(session: Any, name: str) -> str:
    return str(session.execute("SELECT current_setting(%s)", (name,)).fetchone()[0])


@pytest.mark.parametrize("which", [_ENDING, _PLANNING], ids=["ending", "planning"])
def test_a_session_has_its_own_settings(database: Database, which: str) -> None:
    wanted = _made_another(database, which)
    with connect(database.login(), name="test") as session:
        assert {name: _value(session, name) for name in wanted} == wanted


def test_no_limit_ends_the_session_of_a_client_program(database: Database) -> None:
    _made_another(database, _ENDING)
    with connect(database.login(), name="test") as session:
        place = reached(session)
    with psycopg.connect(database.login().conninfo(name="test", **place)) as program:
        names = [row[0] for row in program.execute(_SETTINGS.format(_ENDING).encode()).fetchall()]
        limits = {n: _value(program, n) for n in names if n.endswith("_timeout")}
    others = {"tcp_user_timeout", *_NOT_OURS}
    assert {value for name, value in limits.items() if name not in others} == {"0"}


def _limited(database: Database, **limits: str) -> None:
    with database.admin() as admin:
        known = {row[0] for row in admin.execute("SELECT name FROM pg_catalog.pg_settings")}
        for name, value in limits.items():
            if name in known:
                admin.execute(f"ALTER DATABASE \"{database.name}\" SET {name} = '{value}'")


def test_a_run_keeps_its_lock(database: Database) -> None:
    """The process that holds it waits, longer than sessions may."""
    _limited(database, idle_session_timeout="100ms", transaction_timeout="100ms")
    login = database.login()
    assert lock.acquire(login, run_id=RUN_ID, lease=600) is None
    asked = (
        "SELECT clock_timestamp() - backend_start > interval '1 second'"
        " FROM pg_catalog.pg_stat_activity WHERE application_name = %s"
    )
    with lock.session(login, run_id=RUN_ID, stage="backup") as session:
        while (row := session.execute(asked, (f"gonogo:{RUN_ID}:lock",)).fetchone()) == (False,):
            time.sleep(0.1)
        assert row == (True,), "the lock is gone"
        lock.prove(session, run_id=RUN_ID)
        lock.release(session, run_id=RUN_ID)


def test_a_limit_that_is_faster_than_the_first_statement(database: Database) -> None:
    _limited(
        database, idle_session_timeout="1ms", transaction_timeout="1ms", statement_timeout="1ms"
    )
    for _ in range(20):
        with connect(database.login(), name="test") as session:
            session.execute("SELECT pg_catalog.pg_sleep(0.01)")


def test_a_backup_is_proven_whatever_the_database_limits(
    database: Database, tmp_path: Path
) -> None:
    """The programs are idle while their other sessions work, and the twin has the same limits."""
    _limited(
        database,
        idle_session_timeout="5ms",
        transaction_timeout="5ms",
        idle_in_transaction_session_timeout="5ms",
        statement_timeout="5ms",
        lock_timeout="5ms",
    )
    rehearsal = Rehearsal(database, tmp_path, database.login())
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up(jobs=2), jobs=2)
    assert answer["proven"] is True, answer["reason"]


_SORT = """-- @setup x
SET work_mem = '64kB';
-- @setup y
SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) AS n ORDER BY -n OFFSET 1) AS q;
"""


def test_a_limit_is_named_with_who_has_set_it(database: Database) -> None:
    _limited(database, temp_file_limit="64kB")
    expected = {
        _SORT: f"temp_file_limit is 64kB here, set by ALTER DATABASE {database.name}.",
        "-- @setup x\nSELECT pg_catalog.pg_sleep(3600);": (
            "statement_timeout is 50ms here, set by gonogo_timeouts.statement."
        ),
    }
    for script, said in expected.items():
        with connect(database.login(), name="test", timeouts=Timeouts(statement="50ms")) as session:
            if script is _SORT:
                session.execute("SET statement_timeout = 0")
            outcome = run_script(session, name="x", text=script)
        assert outcome.error is not None
        assert said in str(outcome.error.detail)


def test_too_few_sessions_are_named(make_database: Make) -> None:
    database = make_database()
    with database.admin() as admin:
        admin.execute(f'ALTER DATABASE "{database.name}" CONNECTION LIMIT 1')
    with (
        connect(database.login(), name="test"),
        pytest.raises(GonogoError) as caught,
    ):
        connect(database.login(), name="test")
    assert "CONNECTION LIMIT" in str(caught.value.hint)
