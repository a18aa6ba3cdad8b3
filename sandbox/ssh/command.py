"""A command, or a shell that reads commands, at the far end of a link: as sshd runs it."""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.ssh.link import Link

_PIECE = 65536
# How soon a lost connection is noticed by a command that neither reads nor writes.
_LOOK_MILLISECONDS = 200

_PATH = "/usr/local/bin:/usr/bin:/bin"
_ROOT_PATH = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:{_PATH.partition(':')[2]}:/sbin"

_NO_SHELL = 127


@dataclass(frozen=True)
class Login:
    """Who is logged in, from where, and to where. Addresses are pairs of host and port."""

    account: pwd.struct_passwd
    client: tuple[str, int]
    server: tuple[str, int]

    @property
    def shell(self) -> str:
        """The account's login shell."""
        return self.account.pw_shell or "/bin/sh"

    def environment(self) -> dict[str, str]:
        """What sshd gives to a command, and nothing of the server's own environment."""
        client, server = self.client, self.server
        return {
            "USER": self.account.pw_name,
            "LOGNAME": self.account.pw_name,
            "HOME": self.account.pw_dir,
            "PATH": _ROOT_PATH if self.account.pw_uid == 0 else _PATH,
            "SHELL": self.shell,
            "MAIL": f"/var/mail/{self.account.pw_name}",
            "SSH_CLIENT": f"{client[0]} {client[1]} {server[1]}",
            "SSH_CONNECTION": f"{client[0]} {client[1]} {server[0]} {server[1]}",
        }

    def arguments(self, command: bytes | None) -> list[str | bytes]:
        """What to run: the shell with a command, or as a login shell without one."""
        name = os.path.basename(self.shell)  # noqa: PTH119 - a name, not a file
        return [f"-{name}"] if command is None else [name, "-c", command]

    def directory(self) -> str:
        """Where it begins: at home, or where there is none, at the top."""
        return self.account.pw_dir if os.access(self.account.pw_dir, os.X_OK) else "/"


class Command:
    """Runs until it has ended and nobody can write into its output any more.

    A lost connection ends none of it, as nothing ends what runs without a terminal behind sshd:
    its input is at an end, and writing gives it SIGPIPE.
    ``ended`` is called once, when nothing of it is left, with the exit status, negative for a
    signal.
    """

    def __init__(
        self, link: Link, login: Login, command: bytes | None, ended: Callable[[int], None]
    ):
        self._link = link
        self._login = login
        self._command = command
        self._ended = ended
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and threads of its own that carry its input and output."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running commands is what it is for
                self._login.arguments(self._command),
                executable=self._login.shell,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=self._login.environment(),
                cwd=self._login.directory(),
                start_new_session=True,
                umask=0o022,
            )
        except OSError as error:
            with contextlib.suppress(OSError):
                self._link.send_error(f"{self._login.shell}: {error.strerror}\n".encode())
            self._link.finish(_NO_SHELL)
            self._ended(_NO_SHELL)
            return
        for work in (self._carry_input, self._carry_output):
            threading.Thread(target=work, daemon=True).start()

    def hang_up(self) -> None:
        """Tell it and what it started to end."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGHUP)

    def _carry_input(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with self._process.stdin as target:
            os.set_blocking(target.fileno(), False)
            takes = True
            # What it does not take is read all the same, or the client would wait for ever.
            while data := self._receive():
                takes = takes and self._write(target.fileno(), data)

    def _receive(self) -> bytes:
        with contextlib.suppress(OSError):
            return self._link.recv(_PIECE)
        return b""

    def _write(self, target: int, data: bytes) -> bool:
        """Write all of it, however long the command takes; False when it does not want it."""
        poll = select.poll()
        poll.register(target, select.POLLOUT)
        while data:
            if not self._link.is_open():
                return False
            if not poll.poll(_LOOK_MILLISECONDS):
                continue
            try:
                data = data[os.write(target, data) :]
            except BlockingIOError:
                continue
            except OSError:
                return False
        return True

    def _carry_output(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with self._process.stdout as output, self._process.stderr as errors:
            self._carry({output.fileno(): self._link.send, errors.fileno(): self._link.send_error})
        status = self._process.wait()
        self._link.finish(status)
        self._ended(status)

    def _carry(self, ways: dict[int, Callable[[bytes], int]]) -> None:
        """Carry what can be read from each to where it goes, until all are at their end."""
        poll = select.poll()
        for source in ways:
            poll.register(source, select.POLLIN)
        waiting = len(ways)
        while waiting and self._link.is_open():
            for source, _ in poll.poll(_LOOK_MILLISECONDS):
                data = os.read(source, _PIECE)
                if not data:
                    poll.unregister(source)
                    waiting -= 1
                try:
                    while data:
                        data = data[ways[source](data) :]
                except OSError:
                    return
