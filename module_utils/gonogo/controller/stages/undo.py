"""Shows what taking a migration back would do, and does it when that very plan was approved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...contract.budgets import budgets_of
from ...contract.errors import GonogoError
from ...contract.login import timeouts_of
from ...contract.options.undo import UNDO, UndoRequest, UndoTask
from ...contract.records import undo as records
from ...contract.records.answers import UndoAnswer
from ...contract.records.migration import Step
from .. import evidence
from ..outcome import intents, unheard
from ..outcome.undo_lines import change_lines, without_meaning
from ..runbook import pending, plans
from ..runbook.book import Runbook
from . import recovery
from .approved import ApprovedStage

_SHOWN = 20
# What a run that has deployed, or has begun to, has left in its evidence.
_DEPLOYED = ("deploy.json", "deploy_found.json", intents.DEPLOY)


__all__ = ["Undo"]


class Undo(ApprovedStage[UndoTask, records.Undo]):
    """The stage `undo`, see library/gonogo_undo.py."""

    stage = "undo"
    declared = UNDO
    task = UndoTask
    answer = UndoAnswer
    moved = "what would be lost has changed"
    purpose = "To take it back"
    kept = (
        *("state", "content", "changes", "lost", "compared", "altered", "immaterial"),
        *("locked", "locked_seconds", "committed", "statements", "seconds"),
    )

    def nobody(self) -> str:
        return "No run has deployed anything on this target: nothing to take back."

    def choose(self, task: UndoTask) -> evidence.Run | None:
        """The run asked for, or else the newest on this target that looked at the migration."""
        budgets_of(task.budgets)
        # What was found out, for the terminal.
        self._found: list[str] = []
        run = self.named(task, _DEPLOYED, "a deployment")
        if run:
            self.same_login(run, task.login)
            self._find_out(run, task)
            return run
        found = None
        folder = self.runs_dir / task.environment
        for path in sorted(folder.glob("*Z-*"), reverse=True):
            if not any((path / name).is_file() for name in _DEPLOYED):
                continue
            if (path / self.done_file).is_file():
                continue
            run = evidence.Run.open(path)
            if self.proven_login(run) != task.login:
                continue
            self._find_out(run, task)
            # The one that applied it has kept the schema as it was; later ones found it there.
            if (path / intents.SCHEMA).is_file() and not _left_nothing(path):
                return run
            found = found or run
        return found

    def _find_out(self, run: evidence.Run, task: UndoTask) -> None:
        """What has become of a deployment that was interrupted."""
        if intents.is_open(run.path):
            asking = recovery.Asking(task.login, timeouts_of(task.timeouts))
            self._found += recovery.find_out(self, run, asking)

    def nothing(self, run: evidence.Run, planned: records.Undo) -> list[str] | None:
        if planned.state != "absent":
            return None
        self._keep_unheard(run, planned)
        return [*self._found, "The migration is not there: nothing to take back."]

    def _keep_unheard(self, run: evidence.Run, planned: records.Undo) -> None:
        """Where an approval has taken it back and nobody has heard of it, there is a record all
        the same.
        """
        if unheard.is_open(run.path, self.stage) and not self.checking:
            record = {**self.record_of(planned), "committed": True}
            unheard.keep_done(run, self.stage, record, by=run.run_id)

    def request_of(self, run: evidence.Run, task: UndoTask) -> UndoRequest:
        """With what was sealed when the migration was applied."""
        kept = (run.path / intents.SCHEMA).is_file()
        self.refuse_damage(
            run,
            "run.json",
            *(name for name in (*_DEPLOYED, intents.SCHEMA) if (run.path / name).is_file()),
        )
        runbook = self.runbook_of(run)
        plan = plans.undo(runbook)
        if plan is None:
            raise GonogoError(
                f"{_called(runbook)} has no undo",
                detail="The run has sealed the runbook as it is, so an undo that is added now is "
                "none of it.",
                hint="Take the migration back with one of its own, or restore the backup: "
                + self.caller.playbook("restore", f"restore_run_id={run.run_id}"),
            )
        return UndoRequest(
            login=task.login,
            run_id=run.run_id,
            declared=self.proven(run),
            plan=plan,
            schema_before=run.read_json(intents.SCHEMA) if kept else None,
            timeouts=timeouts_of(task.timeouts),
            budgets=task.budgets,
        )

    def plan_lines(self, run: evidence.Run, planned: records.Undo) -> list[str]:
        plan = plans.undo(self.runbook_of(run))
        steps = plan.steps if plan else ()
        return [*self._found, *_plan_lines(run.run_id, planned, steps)]

    def done_lines(self, run: evidence.Run, done: records.Undo) -> list[str]:
        return [
            f"Took back the migration of run {run.run_id}: {len(done.changes)} changes to "
            f"the schema, {sum(done.lost.values())} rows went with it. "
            + (f"Rows were changed in {', '.join(done.altered)}. " if done.altered else "")
            + "Everything else is as it was.",
        ]


def _called(runbook: Runbook) -> str:
    if runbook.source is None:
        return f"runbook {runbook.name}"
    declared = runbook.source.declared_irreversible(runbook.pending)
    without = declared or pending.without_undo(runbook.pending_migrations)
    return f"the migration {without[0]}"


def _left_nothing(path: Path) -> bool:
    """Whether a deployment has failed and left everything as it was."""
    done = intents.deployment(path)
    return done is not None and done.action == "failed" and done.changed == ()


def _plan_lines(run_id: str, planned: records.Undo, steps: Sequence[Step]) -> list[str]:
    part = ", which is there in part" if planned.state == "partial" else ""
    lines = [f"Taking back the migration of run {run_id}{part}:"]
    changes = change_lines(planned.changes, planned.removed, steps, planned.became)
    lines += [f"  {change}" for change in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"  and {len(changes) - _SHOWN} more changes to the schema")
    if planned.lost:
        lines.append("These rows would be LOST; they are only here and in a backup:")
        lines += [f"  {rows:6d}  {name}" for name, rows in planned.lost.items()]
    elif all(after >= before for before, after in planned.altered.values()):
        lines.append("No row would be lost.")
    lines.append(
        f"Nobody else could use these tables for {planned.locked_seconds:.1f} s: "
        f"{', '.join(planned.locked)}."
    )
    if planned.altered:
        lines.append("These tables stay, and rows of them are changed; before and afterwards:")
        lines += [
            f"  {before:6d} {after:6d}  {name}" for name, (before, after) in planned.altered.items()
        ]
    if planned.immaterial:
        lines.append(f"It leaves, {without_meaning(planned.immaterial)}.")
    same = len(planned.compared) - len(planned.altered)
    lines.append(
        f"It was rehearsed and rolled back; the rows of {same} tables that it touches and "
        "leaves there were compared and are the same."
    )
    return lines
