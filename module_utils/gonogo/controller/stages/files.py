"""Sends the runbook's SQL, as it was when the run was opened."""

from __future__ import annotations

from pathlib import Path

from ...contract.errors import InputError
from ...contract.options.files import FILES, FilesRequest, FilesTask
from ...contract.records.answers import FilesAnswer
from ...contract.records.reading import plain
from .base import Stage
from .reported import Reported

__all__ = ["CopySql"]


class CopySql(Stage[FilesTask]):
    """The stage `copy_sql`, see library/gonogo_files.py."""

    stage = "copy_sql"
    declared = FILES
    task = FilesTask

    def act(self, task: FilesTask) -> Reported:
        if self.checking:
            return Reported(changed=True, msg=f"would copy the SQL to {task.directory}")
        run = self.open_run()
        runbook = self.runbook_of(run)
        files = {f"runbook/{path.name}": _text(path) for path in runbook.migration_files}
        asked = FilesRequest(directory=f"{task.directory}/{run.run_id}", files=files)
        answer = self.call("files", asked, FilesAnswer)
        run.append(self.stage, "stage_passed", {"directory": answer.directory})
        return Reported(told=plain(answer))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", file=str(path)) from None
