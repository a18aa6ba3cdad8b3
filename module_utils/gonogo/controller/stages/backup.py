"""Records the sealed backup in the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...contract.options.backup import BACKUP
from ...contract.records.backup import BackupRecord
from ...contract.records.reading import read
from .base import Stage

__all__ = ["Backup"]


class Backup(Stage):
    """The stage `backup`, see library/gonogo_backup.py."""

    stage = "backup"
    spec: ClassVar[Mapping[str, Any]] = BACKUP.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return self.call_with_database(
                "backup", {**BACKUP.passed(arguments), "run_id": "check"}
            )
        run = self.open_run()
        self.same_login(run, arguments)
        # Only a twin is compared with its source.
        twin = self.variable("twin_enabled")
        result = self.call_with_database(
            "backup",
            {
                **BACKUP.passed(arguments),
                "run_id": run.run_id,
                "fingerprint": twin is None or self.site.flag("twin_enabled"),
            },
        )
        record = read(BackupRecord, result["backup"], file="the answer of the stage backup")
        run.keep(record, stage=self.stage)
        run.append(self.stage, "stage_passed")
        return result
