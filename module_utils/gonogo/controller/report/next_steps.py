"""What to do next, as commands to be pasted. They are of how the playbook was started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...contract.records.deployment import Deployment
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.verdict import UP_TO_DATE, VerdictRecord
from ..evidence import Evidence, load
from ..invocation.commands import Caller
from ..outcome import ways_back
from .parts import Command

__all__ = ["next_steps"]


def next_steps(
    run_dir: Path, verdict: VerdictRecord, *, caller: Caller, approve: str | None = None
) -> list[Command]:
    """The commands, what comes first first.

    `approve` is the one that approves the deployment that this run has shown, where it waits for
    that.
    """
    found = load(run_dir)
    reached = verdict.target is not None and verdict.target.observed is not None
    told = caller.for_a_report(taken=reached)
    besides = "" if told == caller else ", with what was given by -e and is not repeated here"
    caller = told
    if verdict.decision == UP_TO_DATE:
        return [*_cleaned(found, verdict, caller)]
    if verdict.decision == "GO":
        return [*_promoted(run_dir, verdict, caller), *_cleaned(found, verdict, caller)]
    if approve is not None:
        words = "Read the plan in deploy_plan.json; to approve it, with your name for NAME:"
        return [Command(words, approve)]
    back = ways_back.ways(
        verdict.run_id or "",
        deployment=readable(Deployment, found.deploy, file=Deployment.FILE),
        rehearsal=readable(Rehearsal, found.rehearsal, file=Rehearsal.FILE),
        twin=found.twin,
        caller=caller,
    )
    ways = [Command(way.words, way.command) for way in back if way.command]
    return [*ways, Command(f"Mend what stands above, then run again{besides}:", caller.again())]


def _promoted(run_dir: Path, verdict: VerdictRecord, caller: Caller) -> Sequence[Command]:
    if verdict.environment != "staging":
        return []
    shown = f"gonogo_promotion_evidence={os.path.relpath(run_dir)}"
    line = caller.with_inventory("inventories/production", "rollout_production", shown)
    return [Command("Take it to production, with this run as what admits it:", line)]


def _cleaned(found: Evidence, verdict: VerdictRecord, caller: Caller) -> Sequence[Command]:
    if not found.ledger or verdict.residue != "keep":
        return []
    words = f"See which of the run's {len(found.ledger)} test rows a clean-up would remove:"
    return [Command(words, caller.playbook("cleanup", f"cleanup_run_id={verdict.run_id}"))]
