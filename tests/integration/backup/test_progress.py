"""What PostgreSQL says of a run's work, and that a stage shows how far it is.

States are waited for, never times.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.login import Login, application_name
from gonogo.controller.progress import Watch, Words, watched
from gonogo.host import progress
from gonogo.host.progress import server
from gonogo.host.progress.restoring import Archived, Restoring
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import RUN_ID, Rehearsal

OTHER_ID = "20260131T120000Z-ffffff"
PATIENCE = 120.0
TABLE = 'public."Odd ""one"'


@pytest.fixture
def login(database: Database) -> Login:
    return login_of(database.cluster, database.name)


@pytest.fixture
def asking(login: Login) -> Iterator[Any]:
    with connect(login, name=application_name(RUN_ID, "backup")) as connection:
        yield connection


def wait_for(seen: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := seen():
            return found
        time.sleep(0.01)
    pytest.fail("nothing was seen")


@contextlib.contextmanager
def copying(login: Login, run_id: str, table: str) -> Iterator[None]:
    """A COPY that has taken a thousand rows and waits for more."""
    with (
        connect(login, name=application_name(run_id, "backup")) as session,
        session.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN") as copy,
    ):
        copy.write("".join(f"{n}\t{'x' * 200}\n" for n in range(1000)))
        yield


def test_copies_of_this_run_are_seen(login: Login, asking: Any) -> None:
    asking.execute(f"CREATE TABLE {TABLE} (n integer, t text)")
    with copying(login, RUN_ID, TABLE), copying(login, OTHER_ID, TABLE):
        if asking.info.server_version < 140000:
            assert server.copies(asking) is None
            return
        wait_for(lambda: [copy for copy in server.copies(asking) or [] if copy.rows > 500])
        seen = server.copies(asking) or []
    assert [copy.name for copy in seen] == [TABLE]
    wait_for(lambda: server.copies(asking) == [])


def test_copies_in_another_database_have_no_name(
    asking: Any, make_database: Callable[..., Database]
) -> None:
    other = make_database()
    with other.admin() as admin:
        admin.execute("CREATE TABLE public.filled (n integer, t text)")
    there = login_of(other.cluster, other.name)
    with copying(there, RUN_ID, "public.filled"):
        if asking.info.server_version >= 140000:
            (seen,) = wait_for(lambda: server.copies(asking))
            assert seen.name is None
            assert server.touched([seen]) == []


def test_estimates_know_what_was_never_analyzed(asking: Any) -> None:
    asking.execute("CREATE TABLE public.counted AS SELECT generate_series(1, 500) AS n")
    asking.execute("ANALYZE public.counted")
    oid = asking.execute("SELECT 'public.counted'::regclass::oid::bigint").fetchone()[0]
    found = server.estimates(asking)
    assert found[oid] == 500
    assert all(rows >= 0 for rows in found.values())


def test_an_index_at_work_is_seen(login: Login, asking: Any) -> None:
    """One that waits for a transaction that writes, so it is there as long as we look."""
    asking.execute("CREATE TABLE public.indexed (n integer)")
    asking.execute("CREATE TABLE public.others (n integer)")

    def build(run_id: str, table: str) -> None:
        with connect(login, name=application_name(run_id, "deploy")) as session:
            session.execute(f"CREATE INDEX CONCURRENTLY ON {table} (n)")

    with connect(login, name="application") as writer, ThreadPoolExecutor(2) as pool:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO public.indexed VALUES (1)")
        writer.execute("INSERT INTO public.others VALUES (1)")
        building = [
            pool.submit(build, RUN_ID, "public.indexed"),
            pool.submit(build, OTHER_ID, "public.others"),
        ]
        try:
            wait_for(lambda: [one for one in server.builds(asking) if "writers" in one.name])
            names = [one.name for one in server.builds(asking)]
        finally:
            writer.execute("ROLLBACK")
        for one in building:
            one.result()
    assert names == ["index on public.indexed, waiting for writers before build"]


def test_a_stage_shows_how_far_it_is(database: Database, login: Login, tmp_path: Path) -> None:
    """pg_dump waits for a table that somebody has locked."""
    rehearsal = Rehearsal(database, tmp_path, login)
    file = tmp_path / "progress" / "a.json"
    lines: list[str] = []

    def ask() -> str:
        return file.read_text() if file.is_file() else ""

    def back_up() -> Any:
        with progress.telling(str(file), 0.01):
            return rehearsal.back_up(fingerprint=False)

    watch = Watch(ask, lines.append, Words("db1", "backup"), 0.01, time.monotonic())
    with rehearsal.locked(), ThreadPoolExecutor(1) as pool, database.admin() as admin:
        admin.autocommit = True
        admin.execute("CREATE TABLE public.in_the_way (n integer)")
        with admin.transaction(), watched(watch):
            admin.execute("LOCK TABLE public.in_the_way")
            working = pool.submit(back_up)
            wait_for(lambda: [line for line in lines if ": dump" in line])
        assert working.result()["read_back"] is True
    assert lines[0].startswith("db1 backup, ")
    assert "0 tables begun" in lines[0]
    assert not list(file.parent.iterdir())


# What is written there is read, and becomes garbage or nothing at once. In a process of its own:
# the stage twin forks.
SPOIL = """
import json, os, sys
file, names = sys.argv[1:]
seen = set()
while True:
    try:
        for step in json.load(open(file))["steps"]:
            if step["name"] not in seen:
                seen.add(step["name"])
                print(step["name"], file=open(names, "a"))
        open(file, "w").write("garbage")
        os.unlink(file)
    except (OSError, ValueError):
        pass
"""


@contextlib.contextmanager
def spoiled(file: Path, names: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", SPOIL, str(file), str(names)]) as spoiling:
        try:
            yield
        finally:
            spoiling.kill()


def test_a_broken_channel_changes_nothing(database: Database, login: Login, tmp_path: Path) -> None:
    rehearsal = Rehearsal(database, tmp_path, login)
    with rehearsal.locked():
        told = rehearsal.restore(rehearsal.back_up())
        rehearsal.remove()
    again = Rehearsal(database, tmp_path / "again", login)
    again.directory.mkdir()
    file, names = tmp_path / "progress" / "a.json", tmp_path / "names"
    with again.locked(), spoiled(file, names):
        with progress.telling(str(file), 0.001):
            record = again.back_up()
        # Whoever makes the twin forks, which it does beside no thread of ours.
        with progress.telling(str(file), 0.001):
            with_progress = again.restore(record)
    assert with_progress["proven"] is told["proven"] is True
    assert with_progress["proof"] == told["proof"]
    assert {"dump", "restore"} <= {*names.read_text().split()}


def test_no_row_is_told(login: Login, asking: Any) -> None:
    """Of a table only its name, whatever is in it."""
    asking.execute("CREATE TABLE public.secrets (t text)")
    with copying_of(login, "public.secrets", "hunter2"):
        looking = progress.step("restore", Restoring(Archived))
        with progress.lending(lambda: contextlib.nullcontext(asking)), looking as step:
            assert "hunter2" not in str(step.seen())
        assert "hunter2" not in str(server.copies(asking))


@contextlib.contextmanager
def copying_of(login: Login, table: str, text: str) -> Iterator[None]:
    with (
        connect(login, name=application_name(RUN_ID, "twin")) as session,
        session.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN") as copy,
    ):
        copy.write(f"{text}\n" * 10_000)
        yield


def test_a_server_that_tells_nothing_stops_nothing(asking: Any) -> None:
    """A session that was lost, and none at all."""
    asking.close()
    looking = progress.step("migration", server.look_for_builds)
    with progress.lending(lambda: contextlib.nullcontext(asking)), looking as step:
        assert step.seen().now == ()
    with progress.step("migration", server.look_for_builds) as step:
        assert step.seen().now == ()
    with pytest.raises(psycopg.OperationalError):
        asking.execute("SELECT 1")
