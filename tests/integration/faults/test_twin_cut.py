"""A twin whose supervisor, server, module or run is killed: nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gonogo.contract.login import Login, application_name
from gonogo.host.session.connection import connect
from gonogo.host.twin import directories
from tests.integration.support.harness import PROJECT, Database
from tests.integration.support.twins import RUN_ID, Rehearsal

SECONDS = 60.0

MODULE = f"""
import json, sys
sys.path.insert(0, {str(PROJECT / "module_utils")!r})
from gonogo.host.stages import find
find("twin").run(json.loads(sys.argv[1]), check_mode=False)
"""


@pytest.fixture
def rehearsal(database: Database, tmp_path: Path) -> Iterator[Rehearsal]:
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        yield run


@pytest.fixture
def twin(rehearsal: Rehearsal) -> Path:
    """Where the server's own files of a twin are that is there."""
    answer = rehearsal.restore(rehearsal.back_up(), keep=True)
    assert answer["proven"] is True
    return Path(answer["twin"]["login"]["host"]).parent


def _until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline, f"not within {SECONDS} seconds: {what}"
        time.sleep(0.02)


def _server(runtime: Path) -> int:
    return int((runtime / "data" / "postmaster.pid").read_text().split("\n")[0])


def _supervisor(runtime: Path) -> int:
    stat = Path(f"/proc/{_server(runtime)}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def _segments(creator: int) -> list[str]:
    """Shared memory that this process has made."""
    rows = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [row for row in rows if row.split()[4] == str(creator)]


def _at_work(*words: str) -> list[int]:
    """Processes that have all these words in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words) and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def _assert_nothing_left(rehearsal: Rehearsal, runtime: Path, server: int) -> None:
    _until(lambda: not rehearsal.home.exists(), "the twin's directory is gone")
    _until(lambda: not runtime.exists(), "the server's directory is gone")
    _until(lambda: not _at_work(str(runtime)), "its processes are gone")
    assert _segments(server) == []


def test_it_has_what_the_others_see_go(rehearsal: Rehearsal, twin: Path) -> None:
    """Or they would see nothing in any case."""
    assert _segments(_server(twin))
    assert _at_work(str(twin))
    assert not directories.is_dead(rehearsal.home)
    assert directories.sweep(rehearsal.directory / "twins") == []


def test_run_that_is_over(rehearsal: Rehearsal, twin: Path) -> None:
    server = _server(twin)
    name = application_name("20260131T130000Z-ffffff", "target")
    with connect(rehearsal.login, name=name) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE application_name = %s",
            (application_name(RUN_ID, "lock"),),
        )
    _assert_nothing_left(rehearsal, twin, server)


def test_server_that_was_killed(rehearsal: Rehearsal, twin: Path) -> None:
    server = _server(twin)
    os.kill(server, signal.SIGKILL)
    _assert_nothing_left(rehearsal, twin, server)


def test_supervisor_that_was_killed(rehearsal: Rehearsal, twin: Path) -> None:
    """The server goes with it, its shared memory too; the directory goes with the next run."""
    server, supervisor = _server(twin), _supervisor(twin)
    os.kill(supervisor, signal.SIGKILL)
    _until(lambda: not _at_work(str(twin)), "the server is gone")
    (swept,) = directories.sweep(rehearsal.directory / "twins")
    assert swept.file == str(rehearsal.home)
    assert swept.size > 1_000_000
    _assert_nothing_left(rehearsal, twin, server)


def test_supervisor_and_server_that_were_killed(rehearsal: Rehearsal, twin: Path) -> None:
    server, supervisor = _server(twin), _supervisor(twin)
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    _until(lambda: directories.is_dead(rehearsal.home), "nobody keeps it")
    assert rehearsal.remove() is True
    _assert_nothing_left(rehearsal, twin, server)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_module_that_was_killed_while_it_restored(
    rehearsal: Rehearsal, tmp_path: Path, how: signal.Signals
) -> None:
    """As a lost connection leaves it: the run's lock goes, and what it has begun goes with it."""
    record = rehearsal.back_up()
    waiting = tmp_path / "waiting"
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in rehearsal.database.cluster.bin.iterdir():
        (programs / program.name).symlink_to(program)
    (programs / "pg_restore").unlink()
    # Says that it has come so far, and then takes as long as a large database would.
    (programs / "pg_restore").write_text(
        f'#!/bin/sh\ncase "$1" in --version) echo "pg_restore (PostgreSQL) 17.0";;'
        f' *) : > "{waiting}"; exec sleep 600;; esac\n'
    )
    (programs / "pg_restore").chmod(0o755)
    rehearsal.pg_bin = str(programs)
    arguments = rehearsal.restore_arguments(record)
    with (tmp_path / "output").open("wb") as output:
        module = subprocess.Popen(
            [sys.executable, "-c", MODULE, json.dumps(arguments)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _until(waiting.exists, "pg_restore works")
        runtime = Path(json.loads((rehearsal.home / "kept.json").read_text())["host"]).parent
        server = _server(runtime)
        module.send_signal(how)
        module.wait()
        rehearsal.release()
        _assert_nothing_left(rehearsal, runtime, server)
    finally:
        # What stands for pg_restore has no session that would end it.
        os.killpg(module.pid, signal.SIGKILL)
        module.wait()


def test_while_it_is_worked_in_the_run_is_seen_alive(rehearsal: Rehearsal, twin: Path) -> None:
    """Whoever holds the run's lock sees sessions in the source only."""
    kept = json.loads((rehearsal.home / "kept.json").read_text())
    login = Login(db=kept["database"], host=kept["host"], port=kept["port"], user=kept["user"])

    def names() -> set[str]:
        with rehearsal.database.admin() as connection:
            rows = connection.execute(
                "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchall()
        return {row[0] for row in rows}

    busy = application_name(RUN_ID, "twin")
    _until(lambda: busy not in names(), "the twin idles")
    with connect(login, name=application_name(RUN_ID, "rehearsal")):
        _until(lambda: busy in names(), "the run is seen in the source")
    _until(lambda: busy not in names(), "the twin idles again")
    assert twin.exists()
