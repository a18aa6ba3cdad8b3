"""Where a migration has been applied and the verdict is no GO: the two ways back, and their times.

The times are those of this run: of the undo on the twin, and of the restore into it.
"""

from __future__ import annotations

from ...contract.records.deployment import Deployment
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ..invocation.commands import Caller

__all__ = ["ways_back"]


def ways_back(
    run_id: str,
    *,
    deployment: Deployment | None,
    rehearsal: Rehearsal | None,
    twin: TwinRecord | None,
    caller: Caller,
) -> list[str]:
    """A sentence and a command for each way; nothing where this run has applied nothing.

    The records are those of the run's evidence; the commands are for `caller` to give.
    """
    if deployment is None or deployment.action not in ("applied", "failed"):
        return []
    if not deployment.changed:
        return []
    said = ["This run has changed the schema. Two ways lead back, each with a plan to approve:"]
    undo = caller.playbook("undo", f"undo_run_id={run_id}")
    restore = caller.playbook("restore", f"restore_run_id={run_id}")
    said += _undo(rehearsal, undo)
    said += _restore(twin, restore)
    return said


def _undo(rehearsal: Rehearsal | None, command: str) -> list[str]:
    undone = rehearsal.undone if rehearsal else None
    if rehearsal and rehearsal.deployment and not undone:
        return ["  The runbook has no undo."]
    measured = " (not rehearsed)"
    if undone:
        measured = f", {undone.seconds:.1f} s on the twin"
        if undone.locked:
            measured += f", {len(undone.locked)} tables locked for {undone.locked_seconds:.1f} s"
    return [
        f"  Take the migration back, and keep what was written since{measured}:",
        f"    {command}",
    ]


def _restore(twin: TwinRecord | None, command: str) -> list[str]:
    seconds = twin.seconds.restore if twin and twin.proven and twin.seconds else None
    if seconds is None:
        return ["  The backup is unproven: restoring it is not offered."]
    return [
        f"  Restore the backup, and lose what was written since; the restore took {seconds:.1f} s:",
        f"    {command}",
    ]
