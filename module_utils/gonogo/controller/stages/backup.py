"""Records the sealed backup in the evidence."""

from __future__ import annotations

from dataclasses import replace

from ...contract.options.backup import BACKUP, BackupRequest, BackupTask
from ...contract.records.answers import BackupAnswer
from ...contract.records.reading import plain
from .base import Stage
from .reported import Reported, waited

__all__ = ["Backup"]


class Backup(Stage[BackupTask]):
    """The stage `backup`, see library/gonogo_backup.py."""

    stage = "backup"
    declared = BACKUP
    task = BackupTask

    def act(self, task: BackupTask) -> Reported:
        passed = BACKUP.passed(vars(task))
        if self.checking:
            asked = BackupRequest(**passed, run_id="check")
            return Reported(told=plain(self.call_with_database("backup", asked, BackupAnswer)))
        run = self.open_run()
        self.same_login(run, task.login)
        # Only a twin is compared with its source.
        twin = self.variable("twin_enabled")
        compared = twin is None or self.site.flag("twin_enabled")
        asked = BackupRequest(**passed, run_id=run.run_id, fingerprint=compared)
        factor = self.variable("target_space_factor")
        if factor is not None:
            asked = replace(asked, room_factor=float(factor))
        answer = self.call_with_database("backup", asked, BackupAnswer)
        assert answer.backup is not None  # this is no dry run
        run.keep(answer.backup, stage=self.stage)
        if answer.shape is not None:
            run.keep(answer.shape, stage=self.stage)
        run.append(self.stage, "stage_passed", {"waited": answer.waited})
        # All definitions of a schema are nothing for the terminal.
        told = replace(answer, shape=None)
        return Reported(told=plain(told), lines=waited(answer.waited, BACKUP))
