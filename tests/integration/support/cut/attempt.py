"""A playbook that is running, to be interfered with."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.support.harness import PROJECT, Controller

__all__ = ["Attempt"]


class Attempt:
    """Starts `ansible-playbook` as the leader of a process group of its own."""

    def __init__(self, controller: Controller, output: Path, *arguments: str) -> None:
        self._runs_dir = controller.runs_dir
        self._earlier = self._runs()
        self._own: set[Path] = set()
        self.arguments = arguments
        self._output = output
        # A file: what outlives ansible-playbook would keep a pipe open.
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                controller.command(*arguments),
                cwd=PROJECT,
                env=controller.variables(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; returns its exit status, negative for a signal."""
        status = self._process.wait()
        self._own = self._runs() - self._earlier
        return status

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def evidence(self) -> Path:
        """The directory of the run it has opened."""
        (path,) = self._own or self._runs() - self._earlier
        return path

    def runs(self) -> set[Path]:
        """The directories of all runs it has opened."""
        return self._own

    def _runs(self) -> set[Path]:
        return set(self._runs_dir.glob("*/*Z-*"))
