"""Programs that are run to their end, with an environment of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What the caller's shell says about another server, another Ansible, another Python.
_FOREIGN = ("PG", "ANSIBLE_", "GONOGO_", "PYTHON", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER")

# No command here takes minutes. One that waits for ever must not keep the others from running.
_LIMIT_SECONDS = 1200
_END_SECONDS = 15


@dataclass(frozen=True)
class Done:
    """A command that has ended: exit ``status``, 124 when it had to be killed, and its output."""

    status: int
    output: str

    def first_line(self) -> str:
        """The first line that says anything."""
        return self._lines()[0]

    def last_line(self) -> str:
        """The last line that says anything."""
        return self._lines()[-1]

    def _lines(self) -> list[str]:
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines or [f"exit status {self.status}"]


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Done:
    """Run a program and wait for it; what it writes to either stream is kept in one text.

    A program that cannot be started has status 127.
    """
    # A file and no pipe: a server that the program starts may keep what it has inherited.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - a list of ours
                [str(word) for word in command],
                cwd=cwd,
                env={**_clean(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            return Done(127, f"{command[0]}: {error.strerror}")
        try:
            status = process.wait(_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            return Done(124, f"{command[0]} did not end within {_LIMIT_SECONDS} s")
        except BaseException:
            _end(process)
            raise
        output.seek(0)
        return Done(status, output.read().decode(errors="replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started in its session; servers have one of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)


def _clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
