"""The socket between a command and a copy of the database: it hands on every byte, and hears them.

The command is given this socket alone, so it needs no right to the server's. A session is let in
as one user to one database.

Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from .protocol import Conversation, messages

__all__ = ["PORT", "Relay", "listening", "pump"]

PORT = 5432  # A part of the socket's name, nothing more.
_CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104
_CHUNK = 1 << 16
_LONGEST = 1 << 16  # Of the first message.


@dataclass
class Relay:
    """`sessions` are those that were let in, `refused` what others have asked for."""

    directory: Path
    server: Path
    database: str
    user: str
    sessions: list[Conversation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @property
    def path(self) -> Path:
        return self.directory / f".s.PGSQL.{PORT}"

    def serve(self, listener: socket.socket) -> None:
        """Let sessions in until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._session, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Cut every session."""
        with self._lock:
            self._closed = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _session(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._kept(client), self._kept(server), contextlib.suppress(OSError, struct.error):
            opening = _opening(client)
            if opening is None:
                return
            code, message = opening
            if code == _CANCEL:
                server.connect(str(self.server))
                server.sendall(message)
                return
            said = _parameters(message)
            wrong = self._unwanted(said)
            if wrong:
                self.refused.append(wrong)
                client.sendall(_fatal(wrong))
                return
            server.connect(str(self.server))
            server.sendall(message)
            with self._lock:
                talk = Conversation(len(self.sessions), said, lambda: next(self._numbers))
                self.sessions.append(talk)
            self._hand_on(client, server, talk)

    def _hand_on(self, client: socket.socket, server: socket.socket, talk: Conversation) -> None:
        hearing = threading.Lock()

        def back() -> None:
            pump(server, client, talk.answered, hearing)

        answers = threading.Thread(target=back, daemon=True)
        answers.start()
        pump(client, server, talk.sent, hearing)
        answers.join()

    def _unwanted(self, said: dict[str, str]) -> str | None:
        user = said.get("user", "")
        database = said.get("database") or user
        if "replication" in said:
            return "a session for replication"
        if (user, database) == (self.user, self.database):
            return None
        return f"database {database} as user {user}"

    @contextmanager
    def _kept(self, one: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._closed:
                one.close()
                raise OSError
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)
            one.close()


@contextmanager
def listening(relay: Relay) -> Iterator[Relay]:
    """Let sessions in as long as this lasts."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.bind(str(relay.path))
        listener.listen(64)
        serving = threading.Thread(target=relay.serve, args=(listener,), daemon=True)
        serving.start()
        try:
            yield relay
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            relay.close()
            serving.join()


def pump(
    source: socket.socket,
    target: socket.socket,
    hear: Callable[[bytes, bytes], None],
    hearing: threading.Lock,
) -> None:
    """Hand on what comes until it ends. What is heard is heard before the other side has it, so
    what nobody understands is the end: nobody has it."""
    buffer = bytearray()
    with contextlib.suppress(OSError, struct.error, ValueError):
        while True:
            chunk = source.recv(_CHUNK)
            if not chunk:
                break
            buffer += chunk
            with hearing:
                for kind, body in messages(buffer):
                    hear(kind, body)
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _opening(client: socket.socket) -> tuple[int, bytes] | None:
    """The first message that is no question for encryption, which there is none of."""
    while True:
        head = _exactly(client, 8)
        if head is None:
            return None
        length, code = struct.unpack("!II", head)
        if code in (_SSL, _GSS):
            client.sendall(b"N")
            continue
        rest = _exactly(client, length - 8) if 8 <= length <= _LONGEST else None
        return None if rest is None else (code, head + rest)


def _exactly(source: socket.socket, length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        chunk = source.recv(length - len(found))
        if not chunk:
            return None
        found += chunk
    return found


def _parameters(message: bytes) -> dict[str, str]:
    """Of a startup message."""
    words = [word.decode("utf-8", "replace") for word in message[8:].split(b"\0")]
    return {name: value for name, value in zip(words[::2], words[1::2]) if name}


def _fatal(wrong: str) -> bytes:
    """How a server refuses a session."""
    fields = (b"SFATAL", b"VFATAL", b"C28000", f"Mthis command has no {wrong}".encode())
    body = b"\0".join((*fields, b"", b""))
    return b"E" + struct.pack("!I", len(body) + 4) + body
