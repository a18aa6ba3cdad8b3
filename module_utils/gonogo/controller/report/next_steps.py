"""What to do next, as commands to be pasted. They are of how the playbook was started."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ...contract.records.deployment import Deployment
from ...contract.records.ledger import LedgerRow
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.verdict import UP_TO_DATE, VerdictRecord
from ...verdict import is_protected, may_be_waived, read_plan
from ..evidence import Evidence, load
from ..invocation.commands import Caller
from ..outcome import ways_back
from .parts import Command
from .values import count, listed

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
    rows = _cleaned(run_dir, found, verdict, caller)
    if verdict.decision == UP_TO_DATE:
        return rows
    if verdict.decision == "GO":
        return [*_promoted(run_dir, verdict, caller), *rows]
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
    words = f"Mend what stands above, then run again{besides}. {_does(found)}:"
    return [*ways, Command(words, caller.again()), *_waived(found, verdict), *rows]


def _does(found: Evidence) -> str:
    """What running again does, above all to the database."""
    said = "This asks every check again, and deploys nothing (deploy_enabled is false)"
    if found.plan is not None and "deploy" in found.plan.stages:
        said = "This deploys (deploy_enabled is true) once rehearsal and preflight have passed"
        if is_protected(found.run):
            said = "This shows a plan, and deploys (deploy_enabled is true) once it is approved"
    twin = found.twin
    if twin is not None and twin.proven is None and twin.hint:
        said += f". The backup is unproven: {twin.reason}. {twin.hint.rstrip('.')}"
    return said


def _waived(found: Evidence, verdict: VerdictRecord) -> Sequence[Command]:
    """A waiver of what failed and may be accepted, to be filled in."""
    plan = read_plan(found.plan)
    failed = [
        one.subject for one in verdict.reasons if one.code in ("check_fail", "important_fail")
    ]
    checks = [one for one in failed if may_be_waived(plan, one)]
    if not checks:
        return []
    each = ", ".join(
        f'{{check: {json.dumps(one)}, owner: NAME, reason: WHY, expires: "YYYY-MM-DD"}}'
        for one in checks
    )
    words = f"Or accept {listed(checks, 3)} until a day, in the inventory, and run again:"
    return [Command(words, f"gonogo_waivers: [{each}]")]


def _promoted(run_dir: Path, verdict: VerdictRecord, caller: Caller) -> Sequence[Command]:
    if verdict.environment != "staging":
        return []
    shown = f"gonogo_promotion_evidence={os.path.relpath(run_dir)}"
    line = caller.with_inventory("inventories/production", "rollout_production", shown)
    words = (
        "Take it to production, with this run as what admits it. Where its inventory sets "
        "deploy_enabled, this shows a plan, and deploys once it is approved:"
    )
    return [Command(words, line)]


def _cleaned(
    run_dir: Path, found: Evidence, verdict: VerdictRecord, caller: Caller
) -> list[Command]:
    if not found.ledger or verdict.residue != "keep":
        return []
    words = (
        f"See which of the run's {count(len(found.ledger), 'test row')}, named in "
        f"{os.path.relpath(run_dir / LedgerRow.FILE)}, a clean-up would remove; it removes none "
        "before that is approved:"
    )
    return [Command(words, caller.playbook("cleanup", f"cleanup_run_id={verdict.run_id}"))]
