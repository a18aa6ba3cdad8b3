"""Where a run is interfered with, and what there is to see afterwards."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.ssh.background import Background
from tests.integration.support.cut.audit import Rows, read_rows, unexplained
from tests.integration.support.cut.gate import MARK, Gate
from tests.integration.support.harness import Controller, Database

__all__ = ["Scene"]


@dataclass
class Scene:
    """One database, and one controller that is aimed at it, in an empty directory.

    The target host is the controller's own where there is no `sshd`. All processes of the runs
    are marked, and can stand before the gate.
    """

    database: Database
    controller: Controller
    sshd: Background | None
    directory: Path
    gate: Gate = field(init=False)
    before: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.directory / "gate")
        self.gate.directory.mkdir()
        self.controller.environment[MARK] = str(self.gate.directory)
        # What is written at a time of its own would be a place to cut at, once more and once not.
        self.controller.aim(
            self.database,
            endpoint=self.sshd.endpoint if self.sshd else None,
            progress_interval=0,
        )
        self.before = read_rows(self.database)

    @property
    def host_directory(self) -> Path:
        """What the project has on the target host."""
        return self.controller.directory / "target"

    @property
    def runs(self) -> list[Path]:
        """The evidence of all runs, the newest last."""
        return sorted(self.controller.runs_dir.glob("*/*Z-*"), key=lambda path: path.name)

    def output(self) -> Path:
        """The file for the output of the next run."""
        return self.directory / f"output.{len(list(self.directory.glob('output.*')))}"

    def explained(self) -> None:
        """Every row is as it was before all runs, or new and in the ledger of one of them."""
        assert not unexplained(self.before, read_rows(self.database), self.runs)

    def end(self) -> None:
        """End what is left: of an ansible-playbook that was killed, a worker nobody listens to."""
        for one in self.gate.processes():
            one.send(signal.SIGKILL)
