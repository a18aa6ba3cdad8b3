"""Sends the runbook's SQL, as it was when the run was opened."""

from __future__ import annotations

from ...contract.options.files import FILES, FilesRequest, FilesTask
from ...contract.records.answers import FilesAnswer
from ...contract.records.reading import plain
from ..runbook import plans
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
        files = {f"runbook/{name}": text for name, text in plans.texts(runbook).items()}
        asked = FilesRequest(directory=f"{task.directory}/{run.run_id}", files=files)
        answer = self.call("files", asked, FilesAnswer)
        run.append(self.stage, "stage_passed", {"directory": answer.directory})
        return Reported(told=plain(answer))
