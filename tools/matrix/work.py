"""All of it, cell by cell."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tools.matrix import controllers, results, servers, trial
from tools.matrix.axes import Cell
from tools.matrix.cache import Cache
from tools.matrix.errors import UnavailableError
from tools.matrix.pythons import Pythons
from tools.matrix.results import Result
from tools.matrix.trial import Setup


@dataclass(frozen=True)
class Workshop:
    """Where everything is, and which interpreters there are."""

    cache: Cache
    pythons: Pythons

    def prepare(self, cell: Cell) -> Setup:
        """Get what the cell runs with.

        Raises: UnavailableError when this machine cannot have it; MatrixError when a registry
        cannot be reached.
        """
        reason = cell.impossible()
        if reason:
            raise UnavailableError(reason)
        # First what is asked of this machine, then what may be downloaded.
        interpreter = self.pythons.get(cell.python)
        target = self.pythons.get(cell.target) if cell.target else None
        try:
            server_bin = servers.obtain(cell.postgresql, self.cache)
        except UnavailableError as error:
            raise UnavailableError(f"no PostgreSQL {cell.postgresql}: {error}") from error
        return Setup(
            controller=controllers.obtain(cell.core, interpreter, self.cache),
            server_bin=server_bin,
            directory=self.evidence(cell),
            target=controllers.obtain_target(target, self.cache) if target else None,
        )

    def evidence(self, cell: Cell) -> Path:
        """Where the cell's newest runs leave their evidence and the log."""
        return self.cache.directory / "evidence" / cell.name

    def run(self, cell: Cell) -> Result:
        """Run one cell and write down what became of it."""
        began = time.monotonic()
        versions: dict[str, str] = {}
        report = trial.Report()
        reasons: list[str] = []
        try:
            setup = self.prepare(cell)
            shutil.rmtree(setup.directory, ignore_errors=True)
            setup.directory.mkdir(parents=True)
            versions = dict(setup.controller.versions)
            if cell.target:
                versions["target_python"] = self.pythons.get(cell.target).version
            began = time.monotonic()
            report = trial.run(setup)
            outcome = results.FAILED if report.problems else results.PASSED
            reasons = report.problems
        except UnavailableError as error:
            outcome, reasons = results.UNAVAILABLE, [str(error)]
        except (trial.TrialError, psycopg.Error) as error:
            outcome, reasons = results.FAILED, [*report.problems, str(error).strip()]
        result = Result(
            cell=cell.name,
            outcome=outcome,
            day=datetime.now(UTC).date().isoformat(),
            system=f"{platform.system()} {platform.machine()}",
            reasons=reasons,
            versions={**versions, **report.versions},
            verdicts=report.verdicts,
            seconds=round(time.monotonic() - began),
        )
        results.keep(self.cache, result)
        return result

    def get_ready(self, cells: Sequence[Cell]) -> None:
        """Download everything first: without a network nothing is begun.

        Raises: MatrixError.
        """
        for cell in cells:
            try:
                self.prepare(cell)
            except UnavailableError:
                continue  # its own run says why
