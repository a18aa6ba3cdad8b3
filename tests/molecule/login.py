"""An account of the operating system, made for one scenario: a home, a key, no password.

Needs root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError

__all__ = ["PROGRAMS", "Login"]

PROGRAMS = ("useradd", "userdel")
_END_SECONDS = 15


@dataclass(frozen=True)
class Login:
    """The account called `name`, which may or may not exist."""

    name: str

    @property
    def home(self) -> Path:
        return Path(pwd.getpwnam(self.name).pw_dir)

    def create(self) -> None:
        # "*" is no password that could be typed; without one the account would count as locked,
        # and sshd would let nobody in.
        _run("useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", self.name)

    def write(self, name: str, text: str) -> None:
        """Write a file into the home that only the account may read."""
        file = self.home / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        self._own(file)

    def copy(self, source: Path, name: str) -> Path:
        """Copy a directory into the home."""
        target = self.home / name
        shutil.copytree(source, target, symlinks=True)
        for path in (target, *target.rglob("*")):
            self._own(path)
        return target

    def remove(self) -> None:
        """End what still runs under the account and remove it with its home, if it is there."""
        try:
            number = pwd.getpwnam(self.name).pw_uid
        except KeyError:
            return
        for pid in _of(number):
            one = process.find(pid)
            if one is not None:
                one.send(signal.SIGKILL)
                if not one.wait(_END_SECONDS):
                    raise SandboxError(f"process {pid} of {self.name} does not end")
        _run("userdel", "--remove", self.name)

    def _own(self, path: Path) -> None:
        entry = pwd.getpwnam(self.name)
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _of(number: int) -> list[int]:
    """Processes of an account."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == number:
                found.append(int(entry.name))
        except FileNotFoundError:
            continue
    return found


def _run(*words: str) -> None:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(words)} failed", detail=done.stderr.strip())
