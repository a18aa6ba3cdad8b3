"""Where a migration has been applied and the verdict is no GO: the two ways back, and their times.

The times are those of this run: of the undo on the twin, and of the restore into it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...contract.records.deployment import Deployment
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ..invocation.commands import Caller

__all__ = ["Way", "ways", "ways_back"]


@dataclass(frozen=True)
class Way:
    """What a way back does, and the `command` that shows its plan; none where it is not offered."""

    words: str
    command: str | None = None


def ways_back(
    run_id: str,
    *,
    deployment: Deployment | None,
    rehearsal: Rehearsal | None,
    twin: TwinRecord | None,
    caller: Caller,
) -> list[str]:
    """A sentence and a command for each way, for the terminal; nothing where there is none."""
    found = ways(run_id, deployment=deployment, rehearsal=rehearsal, twin=twin, caller=caller)
    said = []
    if found:
        said.append(
            "This run has changed the schema. Two ways lead back, each with a plan to approve:"
        )
    for way in found:
        said.append(f"  {way.words}")
        if way.command:
            said.append(f"    {way.command}")
    return said


def ways(
    run_id: str,
    *,
    deployment: Deployment | None,
    rehearsal: Rehearsal | None,
    twin: TwinRecord | None,
    caller: Caller,
) -> list[Way]:
    """Both ways; nothing where this run has applied nothing.

    The records are those of the run's evidence; the commands are for `caller` to give.
    """
    if deployment is None or deployment.action not in ("applied", "failed"):
        return []
    if not deployment.changed:
        return []
    undo = caller.playbook("undo", f"undo_run_id={run_id}")
    restore = caller.playbook("restore", f"restore_run_id={run_id}")
    return [_undo(rehearsal, undo), _restore(twin, restore)]


def _undo(rehearsal: Rehearsal | None, command: str) -> Way:
    undone = rehearsal.undone if rehearsal else None
    if rehearsal and rehearsal.deployment and not undone:
        return Way("The runbook has no undo.")
    measured = " (not rehearsed)"
    if undone:
        measured = f", {undone.seconds:.1f} s on the twin"
        if undone.locked:
            measured += f", {len(undone.locked)} tables locked for {undone.locked_seconds:.1f} s"
    return Way(f"Take the migration back, and keep what was written since{measured}:", command)


def _restore(twin: TwinRecord | None, command: str) -> Way:
    seconds = twin.seconds.restore if twin and twin.proven and twin.seconds else None
    if seconds is None:
        return Way("The backup is unproven: restoring it is not offered.")
    return Way(
        f"Restore the backup, and lose what was written since; the restore took {seconds:.1f} s:",
        command,
    )
