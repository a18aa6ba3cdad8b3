"""Making a cluster that is thrown away, starting its server, ending it.

The server ends with the process that started it: the kernel sees to that where it can. Elsewhere
the server is ended by whoever finds its directory later.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Callable

from ..restore.errors import UnprovenError
from . import postmaster
from .account import Account
from .confinement import Confinement, prepared

__all__ = ["PORT", "end", "end_orphan", "initialize", "launch", "locks_for"]

PORT = 5432  # A part of the socket's name, nothing more.
_START_SECONDS = 120.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.01
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG

# The server is reached through the socket alone. It is never started a second time, so nothing has
# to survive a crash. Dynamic shared memory lies in the data directory: /dev/shm is small in
# containers, and nothing can stay behind this way.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1d",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    "log_destination": "stderr",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_MEGABYTE = 1 << 20
_LOCKS = 256
# The server has room for as many locks as the product of both.
_SESSIONS = 100


def initialize(
    data: Path, *, programs: Path, account: Account, superuser: str, encoding: str, log: Path
) -> None:
    """Run initdb. Raises UnprovenError with what it said.

    `encoding` is the source's: the names of roles and databases are in no encoding, and are the
    same bytes here only where they are written as the source reads them. `superuser` is one that
    logs in (`server_names`).
    """
    command: list[str | bytes] = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={superuser}".encode(),
        "--auth=reject",
        f"--encoding={encoding}",
        "--locale=C",
        "--no-sync",
    ]
    child = _spawn(command, account, log, signal.SIGTERM)
    if child.wait() != 0:
        raise UnprovenError("the twin's cluster could not be made", detail=_last_words(log))


def launch(
    data: Path,
    *,
    programs: Path,
    account: Account,
    sockets: Path,
    log: Path,
    settings: Mapping[str, str],
    spawned: Callable[[subprocess.Popen[bytes]], None],
    confined: bool = False,
) -> Confinement:
    """Start the server and wait until it accepts connections at its socket.

    `spawned` is called with its process as soon as there is one. The server is confined as far as
    the host can; where it does not start that way, it is started without, unless it has to be
    `confined`. Returns its confinement. Raises UnprovenError with the end of its log, and no server
    is left then.
    """
    command: list[str | bytes] = [str(programs / "postgres"), "-D", str(data), "-p", str(PORT)]
    own = {**_SETTINGS, **_memory(), **settings, "unix_socket_directories": str(sockets)}
    for name, value in own.items():
        command += ["-c", f"{name}={value}".encode()]
    with prepared(programs, [data, sockets]) as confinement:
        child = _spawn(command, account, log, signal.SIGQUIT, confinement.enter)
        spawned(child)
        if _is_ready(child, data):
            return confinement
    # Nothing of the archive is in it yet.
    end(child)
    if confined or confinement.enter is None:
        raise UnprovenError("the twin's server did not start", detail=_last_words(log))
    reason = f"the server does not start that way: {_last_words(log)}"
    child = _spawn(command, account, log, signal.SIGQUIT)
    spawned(child)
    if _is_ready(child, data):
        return Confinement(reason=reason)
    raise UnprovenError("the twin's server did not start", detail=_last_words(log))


def _is_ready(child: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the server accepts connections; False when it has ended or takes too long."""
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in (data / "postmaster.pid").read_text().split("\n")]
            # First the pid, in the eighth line what the server is doing.
            if lines[0] == str(child.pid) and lines[7:8] == ["ready"]:
                return True
        time.sleep(_POLL_SECONDS)
    return False


def locks_for(relations: int) -> str:
    """`max_locks_per_transaction` with which some sessions can lock everything at once.

    A later stage may dump the twin again, or change all of it in one transaction.
    """
    return str(max(_LOCKS, 4 * relations // _SESSIONS))


def end(child: subprocess.Popen[bytes]) -> None:
    """End the server and wait for its end. Nothing has to be saved, so no checkpoint."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        if child.poll() is None:
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_STOP_SECONDS)


def end_orphan(data: Path) -> None:
    """End the server on this data directory whose supervisor is gone, if it still runs."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and postmaster.quit_server(data):
        time.sleep(_POLL_SECONDS)


def _spawn(
    command: Sequence[str | bytes],
    account: Account,
    log: Path,
    last: signal.Signals,
    enter: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that gets the signal `last` when this process ends, however it ends.

    `enter` is called last, by its process.
    """
    prepare = _dies_with_us(last)

    def before_exec() -> None:
        prepare()
        if enter:
            enter()

    with log.open("ab") as output:
        try:
            return account.spawn(command, output, before_exec)
        except (OSError, subprocess.SubprocessError) as error:
            raise UnprovenError(
                f"{command[0]!s} could not be run as {account.name}", detail=str(error)
            ) from error


def _dies_with_us(last: signal.Signals) -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    kernel, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        kernel.prctl(_SET_DEATH_SIGNAL, int(last), 0, 0, 0)
        if os.getppid() != parent:
            # It has ended before the kernel knew of our wish.
            os._exit(1)

    return prepare


def _memory() -> dict[str, str]:
    """A part of what the host has to spare; indexes are built by one process for each processor."""
    spare = _available() // _MEGABYTE
    cores = os.cpu_count() or 1
    return {
        # The kernel's cache is as fast for what is written once and read a few times, and saves the
        # page faults.
        "shared_buffers": f"{_between(32, spare // 8, 256)}MB",
        "maintenance_work_mem": f"{_between(16, spare // 8 // cores, 1024)}MB",
        "work_mem": f"{_between(4, spare // 64 // cores, 64)}MB",
        "max_worker_processes": str(max(8, cores)),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(max(0, cores - 1)),
        # As many indexes are built side by side as there are processors, up to eight.
        "max_parallel_maintenance_workers": "2" if cores > 8 else "0",
    }


def _available() -> int:
    """Bytes that can be had without swapping; a quarter of the memory where nobody says it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    return 0


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(line.strip() for line in lines[-4:]) or "It wrote nothing."
