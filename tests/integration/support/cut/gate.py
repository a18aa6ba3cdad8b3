"""Stops a run at a place on its target host, for as long as a test wants.

Ansible takes a script of the gate for Python. It gets the module on its standard input, knows it
by name, and waits before or after it if it was told to; else it is Python.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox import process
from sandbox.process import Process
from tests.integration.support.cut.attempt import Attempt

__all__ = ["CUT", "MARK", "Gate", "until"]

# In the environment of every process of the runs of a test, with the gate's directory as value.
MARK = "GONOGO_CUT"
_PATIENCE = 180.0

# Runs in place of Python; its own program follows, with the words that it was started with.
_LAUNCHER = """\
#!/bin/sh
MARK=CONTROL exec PYTHON -I -S PROGRAM CONTROL REAL "$@"
"""
# What is put into other processes lies here.
CUT = Path(__file__).parent
_PROGRAM = CUT / "gatekeeper.py"


def until(condition: Callable[[], object], attempt: Attempt | None = None) -> None:
    """Wait for a state that is known to come; one of an attempt does not come once this is over."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if attempt is not None and attempt.has_ended():
            assert condition(), f"the awaited state did not come: {attempt.output}"
            return
        said = attempt.output if attempt else ""
        assert time.monotonic() < end, f"the awaited state was never seen {said}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Gate:
    """The gate in an empty directory of its own."""

    directory: Path

    @property
    def python(self) -> Path:
        """What Ansible is to take for Python."""
        return self._launcher("python", Path(sys.executable))

    def client_programs(self, real: Path) -> Path:
        """A directory of PostgreSQL's client programs, whose pg_restore waits before it reads."""
        (self.directory / "bin").mkdir()
        (self.directory / "bin" / "pg_dump").symlink_to(real / "pg_dump")
        return self._launcher("bin/pg_restore", real / "pg_restore").parent

    def hold(self, place: str) -> None:
        """Have the next module that comes to a place (`phases before`) wait there."""
        (self.directory / "held").unlink(missing_ok=True)
        (self.directory / "hold").write_text(f"{place}\n")

    def held(self, attempt: Attempt | None = None) -> Process:
        """Wait until it waits there; it is the module's process, or that of the program."""
        until((self.directory / "held").exists, attempt)
        return self._process("held")

    def module(self) -> Process:
        """The module that was begun last."""
        return self._process("module")

    def release(self, held: Process) -> None:
        (self.directory / f"go.{held.pid}").touch()

    def processes(self) -> list[Process]:
        """Everything that runs because of the runs of this test, on either side.

        Without the connections that ssh keeps open for a minute: they end with the server.
        """
        mark = f"{MARK}={self.directory}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            try:
                marked = mark in (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if marked and not process.command(pid).startswith("ssh: "):
                found += [one] if (one := process.find(pid)) else []
        return found

    def _launcher(self, name: str, real: Path) -> Path:
        file = self.directory / name
        if not file.exists():
            words = {"MARK": MARK, "CONTROL": self.directory, "PYTHON": sys.executable}
            text = _LAUNCHER
            for word, value in {**words, "PROGRAM": _PROGRAM, "REAL": real}.items():
                text = text.replace(word, shlex.quote(str(value)))
            file.write_text(text)
            file.chmod(0o700)
        return file

    def _process(self, name: str) -> Process:
        found = process.find(int((self.directory / name).read_text()))
        assert found is not None, f"the process in {name} has ended"
        return found
