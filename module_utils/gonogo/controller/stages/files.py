"""Sends the runbook's SQL, as it was when the run was opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ...contract.errors import InputError
from ...contract.options.files import FILES
from .base import Stage

__all__ = ["CopySql"]


class CopySql(Stage):
    """The stage `copy_sql`, see library/gonogo_files.py."""

    stage = "copy_sql"
    spec: ClassVar[Mapping[str, Any]] = FILES.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return {"changed": True, "msg": f"would copy the SQL to {arguments['directory']}"}
        run = self.open_run()
        runbook = self.runbook_of(run)
        files = {f"runbook/{path.name}": _text(path) for path in runbook.migration_files}
        directory = f"{arguments['directory']}/{run.run_id}"
        result = self.call(
            "files", {**FILES.passed(arguments), "directory": directory, "files": files}
        )
        run.append(self.stage, "stage_passed", {"directory": result["directory"]})
        return result


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", file=str(path)) from None
