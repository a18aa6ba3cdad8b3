"""One channel of an SSH connection, as what runs behind it sees it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

if TYPE_CHECKING:
    from paramiko.channel import Channel

    from sandbox.ssh.faults import Cut

_PIECE = 32768

# The signals that RFC 4254, section 6.10, has names for.
_NAMED = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL"}
    | {"PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
_SIGNALS = {one.value: one.name.removeprefix("SIG") for one in signal.Signals}


class Link:
    """Carries bytes between a channel and a command or file server, up to where it is cut.

    ``sever`` drops the connection. Once the channel is closed or the connection lost, input is
    at its end or fails, and sending fails, both with OSError.
    """

    def __init__(self, channel: Channel, cut: Cut | None, sever: Callable[[], None]):
        self._channel = channel
        self._cut = cut
        self._sever = sever
        self.received = 0
        self.sent = 0

    def is_open(self) -> bool:
        """Whether anybody is at the other end."""
        return not self._channel.closed

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes of input; none at its end. Raises: OSError."""
        left = self._left("input", self.received)
        if left == 0:
            self._sever()
            return b""
        with _losses():
            data = bytes(self._channel.recv(min(size, left) if left else size))
        self.received += len(data)
        return data

    def send(self, data: bytes) -> int:
        """Send some of the output; returns how much. Raises: OSError."""
        return self._send(data, self._channel.send)

    def send_error(self, data: bytes) -> int:
        """The same for error output."""
        return self._send(data, self._channel.send_stderr)

    def finish(self, status: int) -> None:
        """Say how it ended and close. ``status`` as subprocess has it: negative for a signal.

        The end of the output is not said before: a client that has finished its input too
        would close the channel at once, and never hear the status.
        """
        if self._cut is not None and self._cut.at == "exit":
            self._sever()
        # Whoever is gone does not want to know.
        with contextlib.suppress(OSError), _losses():
            if self.is_open():
                self._send_status(status)
            self._channel.close()

    def get_name(self) -> str:
        """The channel's name, for paramiko's log."""
        return str(self._channel.get_name())

    def _left(self, at: str, done: int) -> int | None:
        """How many bytes go through before the cut; None when it is elsewhere."""
        if self._cut is None or self._cut.at != at:
            return None
        return max(0, self._cut.after - done)

    def _send(self, data: bytes, send: Callable[[bytes], int]) -> int:
        left = self._left("output", self.sent)
        with _losses():
            sent = send(data[: _PIECE if left is None else min(left, _PIECE)]) if left != 0 else 0
        self.sent += sent
        if self._left("output", self.sent) == 0:
            self._sever()
        if sent == 0:
            raise ConnectionResetError("nobody takes the output")
        return sent

    def _send_status(self, status: int) -> None:
        if status >= 0:
            self._channel.send_exit_status(status)
            return
        # For the name of the signal, paramiko has no function.
        name = _SIGNALS.get(-status, str(-status))
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self._channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string(name if name in _NAMED else f"{name}@openssh.com")
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        self._channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined] # noqa: SLF001


@contextlib.contextmanager
def _losses() -> Iterator[None]:
    """paramiko has three ways to say that the connection is gone; here there is one."""
    try:
        yield
    except (EOFError, SSHException) as error:
        raise ConnectionResetError("the connection is lost") from error
