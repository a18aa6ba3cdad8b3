"""One client's connection to the builtin server, and what it may do there."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_REQUEST,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from sandbox.ssh.command import Command, Login
from sandbox.ssh.link import Link
from sandbox.ssh.sftp import Transfer

if TYPE_CHECKING:
    from paramiko.message import Message

    from sandbox.ssh.faults import Faults

log = logging.getLogger("sandbox.ssh")

# Patient, for a machine that is busy with other things.
_HANDSHAKE_SECONDS = 120


@dataclass
class House:
    """What all sessions share: the keys, the faults, and the commands at work."""

    host_key: paramiko.PKey
    authorized: paramiko.PKey
    faults: Faults
    commands: set[Command] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Connection(paramiko.Transport):
    """One client. Its channels are kept until the client has closed them."""

    def __init__(self, sock: socket.socket, house: House, login: Login):
        super().__init__(sock)
        self.add_server_key(house.host_key)
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = _HANDSHAKE_SECONDS
        self.session = _Session(house, self, login)
        self.channels: dict[int, paramiko.Channel] = {}
        self._tcp = sock

    def serve(self) -> None:
        """Begin, in a thread of its own."""
        self.start_server(event=threading.Event(), server=self.session)

    def sever(self) -> None:
        """Drop the connection on the spot, with a reset instead of a goodbye."""
        with contextlib.suppress(OSError):
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.active = False
        self.packetizer.close()

    def _queue_incoming_channel(self, channel: paramiko.Channel) -> None:
        self.channels[channel.chanid] = channel


def _answer_request(channel: paramiko.Channel, message: Message) -> None:
    """Let a command begin only after the client has been told that it will.

    The other way round, a quick one could end before that, and the client would not know what
    to make of it.
    """
    channel._handle_request(message)  # type: ignore[attr-defined] # noqa: SLF001
    connection = channel.get_transport()
    if connection.is_active() and isinstance(connection, Connection):
        connection.session.begin()


def _close_channel(channel: paramiko.Channel, message: Message) -> None:
    channel._handle_close(message)  # type: ignore[attr-defined] # noqa: SLF001
    connection = channel.get_transport()
    if isinstance(connection, Connection):
        connection.channels.pop(channel.chanid, None)


# paramiko has no other place to learn when an answer is out, or a channel closed.
Connection._channel_handler_table = {  # type: ignore[attr-defined] # noqa: SLF001
    **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined] # noqa: SLF001
    MSG_CHANNEL_REQUEST: _answer_request,
    MSG_CHANNEL_CLOSE: _close_channel,
}


class _Session(paramiko.ServerInterface):
    """Commands, shells and file transfers for one account with one key; nothing else.

    All methods are called from the connection's thread.
    """

    def __init__(self, house: House, connection: Connection, login: Login):
        self._house = house
        self._connection = connection
        self._login = login
        self._begin: Callable[[], None] | None = None
        self._used: set[int] = set()

    def begin(self) -> None:
        """Start what was asked for, if anything is waiting."""
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if username == self._login.account.pw_name and key == self._house.authorized:
            return AUTH_SUCCESSFUL
        log.info("refused %r with the key %s", username, key.fingerprint)
        return AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        if kind == "session":
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._accept(channel, command.decode(errors="replace"), self._runs(command))

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._accept(channel, "shell", self._runs(None))

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if name != "sftp":
            return False

        def transfer(number: int, link: Link) -> None:
            home = self._login.directory()
            Transfer(link, channel, self, home, lambda: _report(number, link, 0)).start()

        return self._accept(channel, name, transfer)

    def _runs(self, text: bytes | None) -> Callable[[int, Link], None]:
        def run(number: int, link: Link) -> None:
            def ended(status: int) -> None:
                with self._house.lock:
                    self._house.commands.discard(command)
                _report(number, link, status)

            command = Command(link, self._login, text, ended)
            with self._house.lock:
                self._house.commands.add(command)
            command.start()

        return run

    def _accept(
        self, channel: paramiko.Channel, name: str, start: Callable[[int, Link], None]
    ) -> bool:
        """Take one request a channel; ``start`` waits for ``begin``."""
        if channel.chanid in self._used:
            return False
        with self._house.lock:
            number, cut = self._house.faults.next()
        log.info("command %d: %r", number, name)
        if cut is not None and cut.at == "request":
            self._sever(number)
            return False
        self._used.add(channel.chanid)
        link = Link(channel, cut, lambda: self._sever(number))
        self._begin = lambda: start(number, link)
        return True

    def _sever(self, number: int) -> None:
        log.info("command %d: the line is cut", number)
        self._connection.sever()


def _report(number: int, link: Link, status: int) -> None:
    log.info("command %d: status %d, %d bytes in, %d out", number, status, link.received, link.sent)
