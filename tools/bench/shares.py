"""Where the time of a run goes: Ansible, SSH, Python on the target host, PostgreSQL."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from psycopg import sql

from sandbox import logins
from tools.bench import product
from tools.bench.figures import Observation
from tools.bench.lab import LOG_PREFIX

if TYPE_CHECKING:
    from tools.bench.lab import Lab

_SAMPLES = 9
assert LOG_PREFIX == "%a %p "
_DURATION = re.compile(r"^(\S+) (\d+) LOG:  duration: ([\d.]+) ms", re.MULTILINE)
_BACKUP = ":backup"
_POLL_SECONDS = 0.02
_GONE_SECONDS = 30


def observe(lab: Lab, database: str) -> Observation:
    """Watch one run closely, and measure what one SSH command and one connection take."""
    log_in, round_trip = _ssh(lab)
    connect = _connect(lab, database)
    log = lab.directory / "modules"
    log.write_text("")
    server_log = lab.cluster.directory / "server.log"
    seen = server_log.stat().st_size
    with _durations_logged(lab, database):
        # The times of statements side by side could not be added up.
        run = product.run(lab, database, python=_watched(lab, log), alone=True)
    statements, sessions = _statements(server_log.read_bytes()[seen:].decode(errors="replace"))
    backup = run.backup()["seconds"]
    calls = [float(line) for line in log.read_text(encoding="utf-8").split()]
    return Observation(
        wall=run.cost.wall,
        modules=sum(end - start for start, end in zip(calls[::2], calls[1::2], strict=True)),
        calls=len(calls) // 2,
        log_in=log_in,
        round_trip=round_trip,
        database=statements + float(backup["dump"]),
        sessions=sessions,
        connect=connect,
        reading_back=float(backup["read_back"]),
    )


def _watched(lab: Lab, log: Path) -> Path:
    """The target host's Python, but it notes when it starts and ends."""
    path = lab.directory / "watched-python"
    clock = f"date +%s.%N >> {shlex.quote(str(log))}"
    python = shlex.quote(str(lab.python))
    path.write_text(f'#!/bin/sh\n{clock}\n{python} "$@"\nstatus=$?\n{clock}\nexit $status\n')
    path.chmod(0o700)
    return path


@contextmanager
def _durations_logged(lab: Lab, database: str) -> Iterator[None]:
    """Have the server write down how long each statement takes, until its sessions have ended."""
    name = sql.Identifier(database)
    with lab.cluster.connect() as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} SET log_duration = on").format(name))
        try:
            yield
            deadline = time.monotonic() + _GONE_SECONDS
            while admin.execute(
                "SELECT FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                (database,),
            ).fetchone():
                assert time.monotonic() < deadline, "a session of a run that has ended goes on"
                time.sleep(_POLL_SECONDS)
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} RESET log_duration").format(name))


def _statements(log: str) -> tuple[float, int]:
    """Seconds of all statements, and the number of sessions.

    Those of the backup are left out: pg_dump works in several sessions side by side, and how long
    it takes is in the run's evidence.
    """
    found = [match for match in _DURATION.findall(log) if not match[0].endswith(_BACKUP)]
    return sum(float(took) for *_, took in found) / 1000, len({pid for _, pid, _ in found})


def _ssh(lab: Lab) -> tuple[float, float]:
    """What it takes to log in, and what one command takes once that is done."""
    command = ["ssh", *lab.client(), lab.ssh.endpoint.host, "true"]
    lab.hang_up()
    taken = []
    for _ in range(1 + _SAMPLES):
        started = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
        taken.append(time.monotonic() - started)
    lab.hang_up()
    round_trip = median(taken[1:])
    return max(taken[0] - round_trip, 0.0), round_trip


def _connect(lab: Lab, database: str) -> float:
    """What it takes to open a session and to close it."""
    taken = []
    for _ in range(_SAMPLES):
        started = time.monotonic()
        lab.cluster.connect(database, logins.OWNER).close()
        taken.append(time.monotonic() - started)
    return median(taken)
