"""Which SSH server a sandbox has: the builtin one, an installed sshd, or none."""

from __future__ import annotations

import os
import pwd
import shutil
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.ssh.background import Background

NONE = "none"
KINDS = (Builtin.kind, OpenSsh.kind, NONE)


def default() -> str:
    """The builtin server where there is a client for it."""
    return NONE if _obstacle() else Builtin.kind


def check(kind: str) -> None:
    """Raises: SandboxError when there is no such server, or nobody could log in."""
    if kind not in KINDS:
        raise SandboxError(f'unknown SSH server "{kind}"', hint=f"Servers: {', '.join(KINDS)}.")
    obstacle = _obstacle()
    if kind != NONE and obstacle:
        raise SandboxError(
            "nobody could log in over SSH",
            detail=f"{obstacle}.",
            hint="Install an SSH client (Debian: openssh-client), or choose --ssh none.",
        )
    if kind == OpenSsh.kind:
        OpenSsh.require()


def start(kind: str, directory: Path) -> Background | None:
    """Start a server in ``directory``, which is made unless none is wanted.

    Raises: SandboxError, leaving nothing behind but the directory.
    """
    if kind == NONE:
        return None
    directory.mkdir(mode=0o700)
    return Builtin.start(directory) if kind == Builtin.kind else OpenSsh.start(directory)


def find_in(directory: Path) -> Background | None:
    """The server that was started in ``directory``, running or not, or None."""
    return Builtin.find_in(directory) or OpenSsh.find_in(directory)


def _obstacle() -> str:
    """Why nobody could log in, or nothing."""
    if shutil.which("ssh") is None:
        return "There is no program ssh on the PATH"
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return f"The system knows no account with the number {os.geteuid()}"
    return ""
