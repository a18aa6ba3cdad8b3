"""Shows what restoring a backup would do, and does it when that very plan was approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...contract.errors import GonogoError, InputError
from ...contract.login import timeouts_of
from ...contract.options.restore import RESTORE, RestoreRequest, RestoreTask
from ...contract.records.answers import RestoreAnswer
from ...contract.records.backup import BackupRecord
from ...contract.records.reading import plain
from ...contract.records.restore import RestoreDone, RestoreIntent, RestorePlan
from ...contract.records.run import RunRecord
from ...contract.records.twin import TwinRecord, TwinSeconds
from .. import evidence
from ..reading import ranges
from ..request.approval import Holds
from . import recovery
from .approved import ApprovedStage

_SHOWN = 20


__all__ = ["Restore"]


@dataclass(frozen=True)
class Restoring:
    """What a restore would do; and what came of it once it was done."""

    plan: RestorePlan
    done: RestoreDone | None

    @property
    def content(self) -> str:
        return self.plan.content

    @property
    def holds(self) -> Holds:
        return self.plan.holds

    @property
    def committed(self) -> bool:
        return self.done is not None


class Restore(ApprovedStage[RestoreTask, Restoring]):
    """The stage `restore`, see library/gonogo_restore.py."""

    stage = "restore"
    declared = RESTORE
    task = RestoreTask
    answer = RestoreAnswer
    moved = "what the database holds, or what would be removed, has changed"
    purpose = "To restore it"
    kept = (
        *("content", "database", "kept_as", "tables", "left", "committed", "proof"),
        *("came", "seconds", "first_attempt"),
    )

    def choose(self, task: RestoreTask) -> evidence.Run:
        """The run that is named; its backup must be proven. Another login may restore it."""
        ranges.check("restore_jobs", task.jobs)
        run = self.named(task, "backup.json", "a backup")
        if run is None:
            folder = self.runs_dir / task.environment
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

    def change_of(self, answer: RestoreAnswer) -> Restoring | None:
        return Restoring(answer.plan, answer.done) if answer.plan else None

    def told(self, change: Restoring) -> Mapping[str, object]:
        done = plain(change.done) if change.done else {}
        return {**plain(change.plan), **done, "committed": change.committed}

    def intent_of(self, planned: Restoring) -> RestoreIntent:
        return planned.plan.intent

    def request_of(self, run: evidence.Run, task: RestoreTask) -> RestoreRequest:
        backup = run.read(BackupRecord)
        day, _, unique = run.run_id.partition("Z-")
        return RestoreRequest(
            **{**RESTORE.passed(vars(task)), "timeouts": timeouts_of(task.timeouts)},
            run_id=run.run_id,
            declared=self.proven(run),
            file=backup.file,
            sha256=backup.sha256,
            stamp=f"{day.replace('T', '')}_{unique}",
        )

    def plan_lines(self, run: evidence.Run, planned: Restoring) -> list[str]:
        plan, seconds = planned.plan, run.read(TwinRecord).seconds or TwinSeconds()
        lines = [
            f"Restoring {plan.database} from the backup of run {run.run_id}:",
            f"  it would become what it was at {run.read(RunRecord).started_at}; the "
            f"database of now is kept as {plan.kept_as}",
            f"  {plan.sessions} session(s) of others would be ended; in the twin the restore "
            f"took {seconds.restore or 0:.1f} s, the comparison {seconds.compare or 0:.1f} s",
        ]
        lines += [
            f"  {name}: {_rows(now)} now, {_rows(then)} in the backup"
            for name, (now, then) in list(plan.tables.items())[:_SHOWN]
        ]
        if len(plan.tables) > _SHOWN:
            lines.append(f"  and {len(plan.tables) - _SHOWN} more tables")
        if not plan.tables:
            lines.append("  the rows of all tables are those of the backup")
        lines += [
            f"  {one.name} (oid {one.oid}), which an interrupted restore has left, would be removed"
            for one in plan.left
        ]
        lines += [
            f"  {name} only looks like something that an interrupted restore has left: it stays"
            for name in plan.alike
        ]
        return lines

    def done_lines(self, run: evidence.Run, done: Restoring) -> list[str]:
        plan, restored = done.plan, done.done
        assert restored is not None  # it was done
        tables = restored.proof.tables.values()
        lines = [
            f"Restored {plan.database} from the backup of run {run.run_id} in "
            f"{sum(vars(restored.seconds).values()):.1f} s: {len(tables)} tables and "
            f"{sum(table.rows[0] or 0 for table in tables)} rows, equal to what was dumped.",
            f"The database that was there is {plan.kept_as} now, read-only.",
        ]
        first = restored.first_attempt
        if first:
            lines.append("It was restored in the second attempt, in a row. The first failed:")
            lines += [f"  {line}" for line in first.splitlines()]
        return [*lines, *recovery.came_lines(restored.came)]

    def after_failure(self, run: evidence.Run, task: RestoreTask) -> list[str]:
        """Where the answer was lost, it may have been done."""
        asking = recovery.Asking(task.login, timeouts_of(task.timeouts))
        said = recovery.find_out_restore(self, run, asking)
        return said if (run.path / self.done_file).is_file() else []


def _rows(number: int | None) -> str:
    return "not there" if number is None else f"{number} rows"
