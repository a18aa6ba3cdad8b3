"""Making a data directory and starting a server on it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.files import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.account import Account
    from sandbox.programs import Programs

HOST = "127.0.0.1"

# A crash may lose everything: the next start makes a new cluster anyway. Local time is UTC so
# that the same rows have the same times on every machine. Dynamic shared memory lies in the data
# directory: /dev/shm is small in containers, and this way nothing of it can stay behind.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_START_SECONDS = 60
_POLL_SECONDS = 0.02
_PORT_ATTEMPTS = 10

Spawned = Callable[[subprocess.Popen[bytes]], None]


@dataclass(frozen=True)
class Server:
    """A server to be: programs, account, data directory, log file.

    ``spawned`` is called with every process as soon as it exists, before it can do anything
    that would have to be cleaned up. ``settings`` come on top of the sandbox's own.
    """

    programs: Programs
    account: Account
    data: Path
    log: Path
    spawned: Spawned
    settings: Mapping[str, str] = field(default_factory=dict)

    def initialize(self, superuser: str, password: str) -> None:
        """Run initdb. Raises: SandboxError with what it said."""
        password_file = self.data.with_name("password")
        write_private(password_file, password)
        self.account.own(password_file)
        command = [
            self.programs.path("initdb"),
            f"--pgdata={self.data}",
            f"--username={superuser}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        child = self._spawn(command)
        status = child.wait()
        password_file.unlink()
        if status != 0:
            raise SandboxError("initdb failed", detail=self._last_words())

    def launch(self) -> int:
        """Start the server on a free port and wait until it accepts connections.

        Returns: the port.
        Raises: SandboxError with the end of the server's log.
        """
        command = [self.programs.path("postgres"), "-D", str(self.data)]
        for name, value in {**_SETTINGS, **self.settings}.items():
            command += ["-c", f"{name}={value}"]
        for _ in range(_PORT_ATTEMPTS):
            port = int(self.settings.get("port") or _free_port())
            child = self._spawn([*command, "-p", str(port)])
            if self._becomes_ready(child):
                return port
            words = self._last_words()
            if "could not create any TCP/IP sockets" not in words:
                raise SandboxError("the server did not start", detail=words)
        raise SandboxError("the server found no free TCP port", detail=self._last_words())

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            try:
                child = self.account.spawn(command, output)
            except OSError as error:
                raise SandboxError(
                    f'could not run "{command[0]}" as {self.account.name}: {error.strerror}'
                ) from error
        self.spawned(child)
        return child

    def _becomes_ready(self, child: subprocess.Popen[bytes]) -> bool:
        """Wait for the word "ready" in postmaster.pid; False when the server gave up."""
        status_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while child.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                lines = [line.strip() for line in status_file.read_text().split("\n")]
                # First the pid, in the eighth line what the server is doing.
                if lines[0] == str(child.pid) and lines[7:8] == ["ready"]:
                    return True
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"the server was not ready after {_START_SECONDS} seconds",
                    detail=self._last_words(),
                )
            time.sleep(_POLL_SECONDS)
        return False

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-4:]) or "It wrote nothing."


def _free_port() -> int:
    """A port that was free a moment ago; somebody else may still take it first."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
