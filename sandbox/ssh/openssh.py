"""An installed sshd, started on a port of its own and never as a service of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.files import remove_private, write_private
from sandbox.process import Process
from sandbox.ssh import sessions
from sandbox.ssh.background import Background, Record
from sandbox.ssh.keys import Keys

_SYSTEM_PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")
# sshd started by root refuses every connection without it.
_PRIVILEGE_SEPARATION = Path("/run/sshd")

_CONFIGURATION, _PID = "sshd_config", "sshd.pid"

_START_SECONDS = 30
_POLL_SECONDS = 0.02
_PORT_ATTEMPTS = 10

# PAM, and files whose modes have to be right up to the root directory, are for servers that let
# in more than their own starter. The limits let a test open as many connections as it likes.
_SETTINGS = {
    "UsePAM": "no",
    "StrictModes": "no",
    "PermitRootLogin": "prohibit-password",
    "PubkeyAuthentication": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "AllowAgentForwarding": "no",
    "AllowTcpForwarding": "no",
    "X11Forwarding": "no",
    "PrintMotd": "no",
    "UseDNS": "no",
    "MaxSessions": "1000",
    "MaxStartups": "1000",
    "Subsystem": "sftp internal-sftp",
}


class OpenSsh(Background):
    """A server that lets in one account with one key.

    Started by an ordinary user, sshd can give nobody a terminal.
    """

    kind = "openssh"
    record_name = "sshd.json"
    log_name = "sshd.log"

    @staticmethod
    def find() -> Path | None:
        """The sshd of this machine, or None."""
        places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_PLACES))
        found = shutil.which("sshd", path=places)
        # It starts itself anew for every connection and insists on an absolute path.
        return None if found is None else Path(found).absolute()

    @classmethod
    def require(cls) -> Path:
        """The same. Raises: SandboxError when there is none."""
        program = cls.find()
        if program is None:
            raise SandboxError(
                "there is no sshd on this machine",
                hint="Install it (Debian: openssh-server), or take the builtin server.",
            )
        return program

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        address: str = "127.0.0.1",
        port: int | None = None,
        login: str | None = None,
    ) -> OpenSsh:
        """Start a server with new keys and wait until it listens.

        ``directory`` exists and has no server; without ``port`` a free one is taken; ``login``
        is an existing account whose password is not locked ("!"), which only root can name.
        Raises: SandboxError, leaving nothing behind.
        """
        directory = directory.resolve()
        cls._require_none_in(directory)
        program = cls.require()
        user = _account(login)
        server = cls(directory, Record(str(program)))
        try:
            server._keep()
            Keys.generate(directory)
            server._launch(address, port, user)
        except BaseException:
            server.stop()
            raise
        return server

    def sessions(self) -> list[Process]:
        """The server's processes that hold connections, the oldest first; not the commands.

        A connection has one or two: the one that guards it, and the one that speaks for it.
        """
        return sessions.connections(self.endpoint)

    def stop(self) -> None:
        listener, endpoint = self._record.process, self._record.endpoint
        if listener is not None:
            # First, so that no more connections come. It ends none of them.
            sessions.end([listener])
            if endpoint is not None:
                sessions.end(sessions.connections(endpoint))
                sessions.end(sessions.commands(endpoint.host, endpoint.port, listener))
        if self._child is not None:
            self._child.wait()
        self._keys.remove()
        for name in (_CONFIGURATION, _PID, self.log_name, self.record_name):
            remove_private(self.directory / name)

    def _launch(self, address: str, port: int | None, user: str) -> None:
        if os.geteuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        for _ in range(_PORT_ATTEMPTS):
            chosen = _free_port(address) if port is None else port
            self._configure(address, chosen, user)
            if self._becomes_ready(self._spawn()):
                self._make_endpoint(address, chosen, user)
                return
            if port is not None or "Address already in use" not in self._last_words():
                break
        raise SandboxError("sshd did not start", detail=self._last_words())

    def _configure(self, address: str, port: int, user: str) -> None:
        settings = {
            **_SETTINGS,
            "ListenAddress": f"{address}:{port}" if ":" not in address else f"[{address}]:{port}",
            "AllowUsers": user,
            "HostKey": _quoted(self._keys.host_key),
            "PidFile": _quoted(self.directory / _PID),
        }
        if user == _account(None):
            settings["AuthorizedKeysFile"] = _quoted(self._keys.authorized, tokens=True)
        else:
            # sshd reads the file as the account that logs in, and our directory is closed to it.
            reader = shutil.which("cat", path=os.defpath)
            settings["AuthorizedKeysFile"] = "none"
            settings["AuthorizedKeysCommandUser"] = "root"
            settings["AuthorizedKeysCommand"] = (
                f"{reader} {_quoted(self._keys.authorized, tokens=True)}"
            )
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        write_private(self.directory / _CONFIGURATION, text)

    def _arguments(self) -> list[str]:
        """sshd's configuration, and what only newer versions know."""
        arguments = ["-f", str(self.directory / _CONFIGURATION)]
        # From 9.8 on, whoever lost a connection or showed a wrong key is kept out for a while.
        more = [*arguments, "-o", "PerSourcePenalties=no"]
        known = subprocess.run(  # noqa: S603 - a list, and its program is sshd
            [self._record.program, "-t", *more], capture_output=True, check=False
        )
        return more if known.returncode == 0 else arguments

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [self._record.program, "-D", "-e", *self._arguments()]
        write_private(self.log, "")
        with self.log.open("ab") as output:
            try:
                child = subprocess.Popen(  # noqa: S603 - a list, and its program is sshd
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    cwd="/",
                    # As a service has it; sshd hands its mask on to the commands.
                    umask=0o022,
                    env={"PATH": os.defpath, "LC_ALL": "C"},
                )
            except OSError as error:
                raise SandboxError(f'could not run "{command[0]}": {error.strerror}') from error
        self._child = child
        self._keep(process=process.find(child.pid))
        return child

    def _becomes_ready(self, child: subprocess.Popen[bytes]) -> bool:
        """Wait until sshd says that it listens; False when it gave up."""
        deadline = time.monotonic() + _START_SECONDS
        while child.poll() is None:
            if "Server listening on" in self.log.read_text(errors="replace"):
                return True
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"sshd did not listen after {_START_SECONDS} seconds",
                    detail=self._last_words(),
                )
            time.sleep(_POLL_SECONDS)
        return False


def _account(login: str | None) -> str:
    """The account to log in as. Raises: SandboxError when it is not there or not ours to lend."""
    caller = pwd.getpwuid(os.geteuid()).pw_name
    if login is None or login == caller:
        return caller
    if os.geteuid() != 0:
        raise SandboxError(
            f'an sshd of {caller} cannot let in "{login}"',
            hint="Only root can start a server for other accounts.",
        )
    try:
        return pwd.getpwnam(login).pw_name
    except KeyError:
        raise SandboxError(
            f'there is no account "{login}"', hint=f"Create it: useradd --create-home {login}"
        ) from None


def _quoted(path: Path, *, tokens: bool = False) -> str:
    """A path as sshd_config takes it; with ``tokens`` a per cent sign would begin one."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text.replace("%", "%%") if tokens else text}"'


def _free_port(address: str) -> int:
    """A port that was free a moment ago; somebody else may still take it first."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
