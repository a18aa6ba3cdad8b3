"""A small SSH server for one account with one key, on paramiko: ``python -m sandbox.ssh.server``.

It listens on 127.0.0.1 alone, prints its port when it is ready, runs commands and transfers
files, and has neither terminals nor forwarding. It ends on SIGTERM, or when its directory, the
only argument, is gone.
"""

from __future__ import annotations

import logging
import os
import pwd
import signal
import socket
import sys
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import paramiko

from sandbox import process
from sandbox.ssh import sessions
from sandbox.ssh.command import Login
from sandbox.ssh.faults import Faults
from sandbox.ssh.keys import Keys
from sandbox.ssh.session import Connection, House, log

if TYPE_CHECKING:
    from types import FrameType

HOST = "127.0.0.1"

_LOOK_SECONDS = 1


class Server:
    """Accepts connections until it is told to end or its directory is gone."""

    def __init__(self, directory: Path):
        keys = Keys(directory)
        kind, text = keys.authorized.read_text().split()[:2]
        self._house = House(
            host_key=paramiko.Ed25519Key.from_private_key_file(str(keys.host_key)),
            authorized=paramiko.PKey.from_type_string(kind, b64decode(text)),
            faults=Faults(directory),
        )
        self._directory = directory
        self._identity = _identity(directory)
        self._account = pwd.getpwuid(os.geteuid())
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self._listener.settimeout(_LOOK_SECONDS)
        self._connections: list[Connection] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def serve(self) -> None:
        """Serve until the directory is gone; whoever ends it earlier raises."""
        while _identity(self._directory) == self._identity:
            try:
                accepted, client = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                log.warning("could not accept a connection: %s", error)
                continue
            # Answers are small and many, and each would wait for the one before to be confirmed.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            login = Login(self._account, client, (HOST, self.port))
            connection = Connection(accepted, self._house, login)
            self._connections = [one for one in self._connections if one.is_alive()]
            self._connections.append(connection)
            connection.serve()

    def end(self) -> None:
        """Leave no connection, and nothing that was started over one."""
        port = self.port
        self._listener.close()
        for connection in self._connections:
            connection.close()
        with self._house.lock:
            commands = list(self._house.commands)
        for command in commands:
            command.hang_up()
        me = process.find(os.getpid())
        if me is not None:
            sessions.end(sessions.commands(HOST, port, me))


class _EndError(Exception):
    """Told to end."""


def main(directory: Path) -> None:
    """Serve until told to end."""
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level="WARNING")
    log.setLevel("INFO")
    # As sshd starts: what is uploaded has the modes that its account would give it.
    os.umask(0o022)
    server = Server(directory)
    os.chdir("/")
    try:
        signal.signal(signal.SIGTERM, _end)
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        server.serve()
    except _EndError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.end()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _EndError


def _identity(directory: Path) -> tuple[int, int] | None:
    """Which directory it is; another one of the same name is another one."""
    try:
        status = directory.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


if __name__ == "__main__":
    main(Path(sys.argv[1]))
