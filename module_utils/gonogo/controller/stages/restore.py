"""Shows what restoring a backup would do, and does it when that very plan was approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...contract.errors import GonogoError, InputError
from ...contract.options.restore import RESTORE
from ...contract.records.backup import BackupRecord
from ...contract.records.run import RunRecord
from ...contract.records.twin import TwinRecord, TwinSeconds
from .. import evidence
from ..reading import ranges
from . import recovery
from .approved import ApprovedStage

_SHOWN = 20


__all__ = ["Restore"]


class Restore(ApprovedStage):
    """The stage `restore`, see library/gonogo_restore.py."""

    stage = "restore"
    spec: ClassVar[Mapping[str, Any]] = RESTORE.task
    moved = "what the database holds, or what would be removed, has changed"
    purpose = "To restore it"
    kept = (
        *("content", "database", "kept_as", "tables", "left", "committed", "proof"),
        *("came", "seconds", "first_attempt"),
    )

    def choose(self, arguments: Mapping[str, Any]) -> evidence.Run:
        """The run that is named; its backup must be proven. Another login may restore it."""
        ranges.check("restore_jobs", arguments["jobs"])
        run = self.named(arguments, "backup.json", "a backup")
        if run is None:
            folder = self.runs_dir / arguments["environment"]
            raise InputError(
                "a restore is from the backup of a run that you name",
                key="restore_run_id",
                hint=f"-e restore_run_id=RUN_ID; the runs are in {folder}.",
            )
        self.refuse_damage(run, RunRecord.FILE, BackupRecord.FILE, TwinRecord.FILE)
        twin = run.read(TwinRecord) if run.has(TwinRecord) else None
        if twin is None or not twin.proven:
            raise GonogoError(
                f"the backup of run {run.run_id} is unproven; {self.unchanged}",
                detail=(twin and twin.reason) or "It has never been restored.",
                hint="Name a run whose backup was restored and compared, or restore by hand with "
                "pg_restore.",
            )
        return run

    def request_of(self, run: evidence.Run, arguments: Mapping[str, Any]) -> dict[str, Any]:
        backup = run.read(BackupRecord)
        day, _, unique = run.run_id.partition("Z-")
        return {
            "file": backup.file,
            "sha256": backup.sha256,
            "stamp": f"{day.replace('T', '')}_{unique}",
            **RESTORE.passed(arguments),
        }

    def plan_lines(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str]:
        seconds = run.read(TwinRecord).seconds or TwinSeconds()
        lines = [
            f"Restoring {planned['database']} from the backup of run {run.run_id}:",
            f"  it would become what it was at {run.read(RunRecord).started_at}; the "
            f"database of now is kept as {planned['kept_as']}",
            f"  {planned['sessions']} session(s) of others would be ended; in the twin the restore "
            f"took {seconds.restore or 0:.1f} s, the comparison {seconds.compare or 0:.1f} s",
        ]
        lines += [
            f"  {name}: {_rows(now)} now, {_rows(then)} in the backup"
            for name, (now, then) in list(planned["tables"].items())[:_SHOWN]
        ]
        if len(planned["tables"]) > _SHOWN:
            lines.append(f"  and {len(planned['tables']) - _SHOWN} more tables")
        if not planned["tables"]:
            lines.append("  the rows of all tables are those of the backup")
        lines += [
            f"  {one['name']} (oid {one['oid']}), which an interrupted restore has left, would be "
            "removed"
            for one in planned["left"]
        ]
        lines += [
            f"  {name} only looks like something that an interrupted restore has left: it stays"
            for name in planned["alike"]
        ]
        return lines

    def done_lines(self, run: evidence.Run, done: Mapping[str, Any]) -> list[str]:
        tables = done["proof"]["tables"].values()
        lines = [
            f"Restored {done['database']} from the backup of run {run.run_id} in "
            f"{sum(done['seconds'].values()):.1f} s: {len(tables)} tables and "
            f"{sum(table['rows'][0] for table in tables)} rows, equal to what was dumped.",
            f"The database that was there is {done['kept_as']} now, read-only.",
        ]
        first = done.get("first_attempt")
        if first:
            lines.append("It was restored in the second attempt, in a row. The first failed:")
            lines += [f"  {line}" for line in first.splitlines()]
        return [*lines, *recovery.came_lines(done["came"])]

    def after_failure(self, run: evidence.Run, arguments: Mapping[str, Any]) -> list[str]:
        """Where the answer was lost, it may have been done."""
        passed = {key: arguments[key] for key in ("login", "timeouts")}
        said = recovery.find_out_restore(self, run, by=run.run_id, **passed)
        return said if (run.path / self.done_file).is_file() else []


def _rows(number: int | None) -> str:
    return "not there" if number is None else f"{number} rows"
