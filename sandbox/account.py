"""The operating system account the server runs under.

``initdb`` and ``postgres`` refuse to run as root. A plain user runs them as himself; root lends
them an existing unprivileged account and creates none.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UNPRIVILEGED = ("nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    """Who runs the server. ``switch`` says whether that is somebody other than the caller."""

    name: str
    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give one file or directory to the account. Only for paths it cannot rename."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Returns: the process with its exit status and text output, whatever the status.
        Raises: OSError when it cannot be started.
        """
        return subprocess.run(  # noqa: S603 - a list, and its program is PostgreSQL's
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self._popen_options(),
        )

    def spawn(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, where no Ctrl-C of ours reaches it.

        ``output`` gets what it writes. Raises: OSError when it cannot be started.
        """
        return subprocess.Popen(  # noqa: S603 - a list, and its program is PostgreSQL's
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **self._popen_options(),
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether the account can work in ``directory``: asked by doing it, as file modes tell
        only half of the truth."""
        command = ["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(directory)]
        return self.run(command).returncode == 0

    def _popen_options(self) -> dict[str, Any]:
        # The working directory of the caller may be out of reach. Of the caller's environment
        # nothing may change what the server does; a library path may be needed to load it.
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        options: dict[str, Any] = {"cwd": "/", "env": environment, "umask": 0o077}
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def server_account() -> Account:
    """The caller's own account, or for root an unprivileged one.

    Raises: SandboxError when root has none to lend.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(_name_of(uid), uid, os.getegid(), switch=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise SandboxError(
        "no unprivileged account to run the server as",
        detail=f"PostgreSQL refuses to run as root; none of {', '.join(_UNPRIVILEGED)} exists.",
        hint="Run the sandbox as an ordinary user.",
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
