"""Shows the plan of a cleanup, and carries it out when that very plan was approved."""

from __future__ import annotations

from ...contract.login import timeouts_of
from ...contract.options.cleanup import CLEANUP, CleanupRequest, CleanupTask
from ...contract.records.answers import CleanupAnswer, CleanupDone
from ...contract.records.ledger import LedgerRow
from ...contract.records.run import RunRecord
from .. import evidence
from ..outcome import unheard
from ..render import ledger
from .approved import ApprovedStage

__all__ = ["Cleanup"]


class Cleanup(ApprovedStage[CleanupTask, CleanupDone]):
    """The stage `cleanup`, see library/gonogo_cleanup.py."""

    stage = "cleanup"
    declared = CLEANUP
    task = CleanupTask
    answer = CleanupAnswer
    unchanged = "nothing was removed"
    moved = "the rows have changed"
    purpose = "To remove them"
    kept = ("committed", "content", "rows", "remaining", "compared", "unseen")

    def nobody(self) -> str:
        return "No run has left rows: nothing to remove."

    def choose(self, task: CleanupTask) -> evidence.Run | None:
        """The run asked for, or else the newest on this target that no cleanup has followed."""
        run = self.named(task, "ledger.jsonl", "a ledger")
        if run:
            self.same_login(run, task.login)
            return run
        folder = self.runs_dir / task.environment
        for path in sorted(folder.glob("*Z-*"), reverse=True):
            if (path / "ledger.jsonl").is_file() and not (path / self.done_file).is_file():
                run = evidence.Run.open(path)
                if self.proven_login(run) == task.login:
                    return run
        return None

    def nothing(self, run: evidence.Run, planned: CleanupDone) -> list[str] | None:
        if sum(planned.rows.values()):
            return None
        record = self.record_of(planned)
        if unheard.is_open(run.path, self.stage):
            if not self.checking:
                unheard.keep_done(run, self.stage, {**record, "committed": True}, by=run.run_id)
        elif not (run.path / self.done_file).is_file():
            # Nobody has approved it; where somebody had, the record of that stays.
            nobody = dict.fromkeys(unheard.APPROVAL)
            self.write(run, self.done_file, {**record, "run_id": run.run_id, **nobody})
        return [*self.plan_lines(run, planned), "Nothing of this run is left."]

    def request_of(self, run: evidence.Run, task: CleanupTask) -> CleanupRequest:
        """With what was sealed before the rows were made."""
        script = f"sql/{run.read(RunRecord).cleanup}.sql"
        # A run that was cut while it wrote down an answer leaves that file as a riddle, and rows.
        self.refuse_damage(run, "run.json", "ledger.jsonl", script)
        rows = run.read_all(LedgerRow)
        ledger.refuse_others(rows, run.read(RunRecord).token)
        return CleanupRequest(
            login=task.login,
            run_id=run.run_id,
            declared=self.proven(run),
            ledger=ledger.by_table(rows),
            script=run.read_text(script),
            timeouts=timeouts_of(task.timeouts),
        )

    def plan_lines(self, run: evidence.Run, planned: CleanupDone) -> list[str]:
        return _plan_lines(run.run_id, planned)

    def done_lines(self, run: evidence.Run, done: CleanupDone) -> list[str]:
        return [
            f"Removed {sum(done.rows.values())} rows of run {run.run_id}; "
            f"{done.remaining} left. {_rest(done)}"
        ]


def _plan_lines(run_id: str, planned: CleanupDone) -> list[str]:
    lines = [f"Rows of run {run_id}, in the order they would be deleted:"]
    lines += [f"  {count:6d}  {table}" for table, count in planned.rows.items() if count]
    lines.append(f"The removal was rehearsed and rolled back. {_rest(planned)}")
    return lines


def _rest(report: CleanupDone) -> str:
    """What is known of everything else; no more than was seen."""
    if not report.unseen:
        return f"Everything else is as it was, in all {report.compared} tables."
    return (
        f"Everything else in the {report.compared} tables that this login can read is as it "
        f"was. Not written to, and not read: {', '.join(report.unseen)}."
    )
