"""Which processes belong to an SSH server: those of its connections, and what runs in them.

Read from /proc; on a system without it there are none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import process
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.process import Process
    from sandbox.ssh.endpoint import Endpoint

_PROC = Path("/proc")
_LISTENS = "0A"

_STOP_SECONDS = 15


def connections(endpoint: Endpoint) -> list[Process]:
    """The processes of sshd that hold connections to ``endpoint``, the oldest first."""
    return [
        one
        for pid in _pids()
        # A command may have inherited the connection, but runs another program.
        if _program(pid).startswith("sshd")
        and _is_connected(pid, endpoint)
        and (one := process.find(pid)) is not None
    ]


def commands(host: str, port: int, server: Process) -> list[Process]:
    """What was started over SSH at ``host`` and ``port`` since ``server`` began, and still runs.

    Every such process has inherited the variable SSH_CONNECTION, which ends with the address
    and port of the server; one that took the same port earlier is no matter of ours. Neither
    are the caller and those it was started by, should it have logged in there.
    """
    place = f" {host} {port}"
    spared = set(_ancestors(os.getpid()))
    return [
        one
        for pid in _pids()
        if pid not in spared
        and _connection(pid).endswith(place)
        and (one := process.find(pid)) is not None
        and _ticks(one.started) >= _ticks(server.started)
    ]


def end(processes: list[Process]) -> None:
    """Tell them to end, and end by force what does not listen.

    Raises: SandboxError when one does not end.
    """
    for one in processes:
        one.send(signal.SIGTERM)
    for one in processes:
        if one.wait(_STOP_SECONDS):
            continue
        one.send(signal.SIGKILL)
        if not one.wait(_STOP_SECONDS):
            raise SandboxError(f"a process of the SSH server (PID {one.pid}) does not end")


def _is_connected(pid: int, endpoint: Endpoint) -> bool:
    """Whether a process holds a connection whose own end is ``endpoint``."""
    inodes = set(_sockets(pid))
    place = _place(endpoint)
    with contextlib.suppress(OSError):
        # The process's own list, as it may live in another network namespace than we do.
        for name in ("tcp", "tcp6"):
            for line in (_PROC / str(pid) / "net" / name).read_text().splitlines()[1:]:
                # Columns: number local_address remote_address state queues timer retransmits
                # uid timeout inode ...
                columns = line.split()
                if columns[1] == place and columns[3] != _LISTENS and columns[9] in inodes:
                    return True
    return False


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of a process's sockets."""
    with contextlib.suppress(OSError):
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                kind, _, inode = str(descriptor.readlink()).partition(":")
                if kind == "socket":
                    yield inode.strip("[]")


def _place(endpoint: Endpoint) -> str:
    """An address and port as the kernel lists them: words of 32 bits in its own byte order."""
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    address = socket.inet_pton(family, endpoint.host)
    words = [
        int.from_bytes(address[at : at + 4], sys.byteorder) for at in range(0, len(address), 4)
    ]
    return "".join(f"{word:08X}" for word in words) + f":{endpoint.port:04X}"


def _pids() -> list[int]:
    return sorted(int(entry.name) for entry in _PROC.glob("[0-9]*"))


def _ticks(started: str) -> int:
    return int(started.rpartition(":")[2])


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        pid = _parent(pid)


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        stat = (_PROC / str(pid) / "stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])
    return 0


def _program(pid: int) -> str:
    """The name of the program; it stays when a process renames its command line."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "comm").read_text().strip()
    return ""


def _connection(pid: int) -> str:
    """The variable SSH_CONNECTION a process was started with, or nothing."""
    with contextlib.suppress(OSError):
        for entry in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == b"SSH_CONNECTION":
                return value.decode(errors="replace")
    return ""
