"""What a command sends is heard before the server has it, or the server never has it."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from gonogo.host.capture.protocol import Conversation
from gonogo.host.capture.relay import pump


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


_QUERY = _message(b"Q", b"SELECT 1\0")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"Q" + struct.pack("!I", 3), id="a length that is none"),
        pytest.param(_message(b"B", b"no end"), id="names without an end"),
        pytest.param(_message(b"B", b"\0\0\0"), id="numbers that are missing"),
        pytest.param(_message(b"P", b"\0SELECT 1\0\0"), id="half a number"),
    ],
)
def test_what_nobody_understands_reaches_no_server(sent: bytes) -> None:
    talk = Conversation(0, {}, lambda: 0)
    command, ours = socket.socketpair()
    theirs, server = socket.socketpair()
    with command, ours, theirs, server:
        command.sendall(_QUERY)
        pumping = threading.Thread(target=pump, args=(ours, theirs, talk.sent, threading.Lock()))
        pumping.start()
        assert server.recv(100) == _QUERY
        command.sendall(sent)
        # That is the end of the session, and no traceback.
        assert server.recv(100) == b""
        pumping.join()
