"""The sandbox's own SSH server, which needs nothing installed but an SSH client."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.files import remove_private
from sandbox.ssh import faults, sessions
from sandbox.ssh.background import Background, Record
from sandbox.ssh.faults import Cut
from sandbox.ssh.keys import Keys

_PROJECT = Path(__file__).resolve().parents[2]
_HOST = "127.0.0.1"


class Builtin(Background):
    """A server on 127.0.0.1 that lets in its own account with one key, without terminals."""

    kind = "builtin"
    record_name = "builtin.json"
    log_name = "builtin.log"

    @classmethod
    def start(cls, directory: Path) -> Builtin:
        """Start a server with new keys and wait until it listens on a free port.

        ``directory`` exists and has no server.
        Raises: SandboxError, leaving nothing behind.
        """
        directory = directory.resolve()
        cls._require_none_in(directory)
        user = pwd.getpwuid(os.geteuid()).pw_name
        server = cls(directory, Record(sys.executable))
        try:
            server._keep()
            Keys.generate(directory)
            server._make_endpoint(_HOST, server._launch(), user)
        except BaseException:
            server.stop()
            raise
        return server

    def cut(self, *cuts: Cut) -> None:
        """Break lines of commands to come, counted from now; replaces what was ordered before."""
        faults.order(self.directory, *cuts)

    def heal(self) -> None:
        """Leave the lines of all commands to come alone."""
        faults.cancel(self.directory)

    def stop(self) -> None:
        server, endpoint = self._record.process, self._record.endpoint
        if server is not None:
            sessions.end([server])
            if endpoint is not None:
                # It has done so itself, unless it was killed.
                sessions.end(sessions.commands(endpoint.host, endpoint.port, server))
        if self._child is not None:
            self._child.wait()
        self.heal()
        self._keys.remove()
        for name in (self.log_name, self.record_name):
            remove_private(self.directory / name)

    def _launch(self) -> int:
        """Start the process; returns the port once it listens."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            try:
                self._child = subprocess.Popen(  # noqa: S603 - a list of ours
                    [sys.executable, "-m", "sandbox.ssh.server", str(self.directory)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                    cwd=_PROJECT,
                    env=_environment(),
                )
            except OSError as error:
                raise SandboxError(f'could not run "{sys.executable}": {error.strerror}') from error
        self._keep(process=process.find(self._child.pid))
        assert self._child.stdout is not None
        with self._child.stdout as output:
            line = output.readline()
        if not line:
            raise SandboxError("the SSH server did not start", detail=self._last_words())
        return int(line)


def _environment() -> dict[str, str]:
    # A library path may be needed to load Python; nothing else of the caller's matters.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment
