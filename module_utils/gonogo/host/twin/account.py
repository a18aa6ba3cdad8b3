"""The account of the operating system that a server of ours runs under.

`initdb` and `postgres` refuse to run as root. A plain user runs them as himself; root lends them
an existing unprivileged account and creates none.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable

from ...contract.home import account_name
from ..restore.errors import UnprovenError

__all__ = ["Account", "choose"]

_UNPRIVILEGED = ("nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    """Who runs the server. `switch` says whether that is somebody other than the caller."""

    name: str
    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give one file or directory to the account. The account must not be able to rename the
        path.
        """
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, directory: Path) -> bool:
        """Whether the account can work there. It is tried: modes do not tell everything."""
        command = ["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(directory)]
        return self.succeeds(command)

    def succeeds(self, command: Sequence[str]) -> bool:
        """Whether the account can run this command, and it ends with 0."""
        try:
            return self.run(command).returncode == 0
        except OSError:
            return False

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; what it writes is in the answer. Raises OSError."""
        return subprocess.run(  # noqa: S603 - a list, and its program was looked up by us
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            umask=0o077,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def spawn(
        self,
        command: Sequence[str | bytes],
        output: IO[bytes],
        before_exec: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, where no Ctrl-C of ours reaches it.

        `output` gets what it writes; `before_exec` is called last, by the account itself.
        Raises OSError and SubprocessError.
        """
        return subprocess.Popen(  # noqa: S603 - a list, and its program was looked up by us
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - of one thread, which does nothing else
            cwd="/",
            env=_environment(),
            umask=0o077,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )


def _environment() -> dict[str, str]:
    """Of our environment nothing may change what the server does; a library path may be needed to
    load it. The working directory may be out of its reach, so it is another one.
    """
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def choose() -> Account:
    """The caller's own account, or for root an unprivileged one.

    Raises UnprovenError when root has none to lend.
    """
    uid = os.geteuid()
    if uid != 0:
        name = account_name(uid)
        if name is None:
            raise UnprovenError(
                f"no server can be made by user {uid}, who has no entry in passwd",
                detail="initdb refuses to work for an account without a name.",
                hint="Give this user an entry in /etc/passwd of the target host.",
            )
        return Account(name, uid, os.getegid(), switch=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise UnprovenError(
        "no unprivileged account can run a server on this host",
        detail=f"PostgreSQL refuses to run as root; none of {', '.join(_UNPRIVILEGED)} exists.",
        hint="Log in to the target host as an ordinary user.",
    )
