"""What a rollout that is begun again has done already: a host where a run of the same content has
deployed the migration, or found it, and is a GO, and where the database is still as that run has
left it.

The evidence of that run is its word, computed again; the database is asked whether it still holds.
Whatever is not the same, or cannot be found out, is a reason to judge the host anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...contract.errors import GonogoError
from ...contract.login import Timeouts
from ...contract.options.deploy import FoundRequest
from ...contract.options.verdict import JudgedRequest
from ...contract.records.answers import FoundAnswer, JudgedAnswer
from ...contract.records.deployment import Deployment
from ...contract.records.plan import PlanRecord
from ...contract.records.run import RunRecord
from ...contract.records.verdict import UP_TO_DATE
from ...host.compare.judged import differences
from ..evidence import Run, judgement, load, peek
from ..runbook import plans
from ..runbook.book import Runbook
from .base import Stage
from .scripts import judged_objects

__all__ = ["Content", "came_to", "done_by"]

# What is written when something was done to the database after the verdict.
_LATER = ("undo.json", "restore.json")


@dataclass(frozen=True)
class Content:
    """What a host is begun for: where, what, and whether the target is protected now."""

    environment: str
    login: Mapping[str, str | int | None]
    runbook: Runbook
    protected: bool


def done_by(stage: Stage[Any], content: Content, *, run_id: str) -> Run | None:
    """The run that has done all that is to be done here; None where there is none. `run_id` is that
    of whoever asks."""
    for run in _same(stage, content):
        try:
            # As long as the newest says nothing else of the database, an older one says nothing.
            return run if _still_holds(stage, run, content, run_id) else None
        except GonogoError:
            return None
    return None


def came_to(runs_dir: Path, content: Content, host: str) -> str | None:
    """The verdict on another host, which is of no play now: that of its newest run, by its evidence
    alone. None where it was not to deploy the same files, or something was done after it."""
    for run in _newest(runs_dir, content.environment, host):
        with contextlib.suppress(GonogoError):
            verdict = judgement.confirmed(run.path)
            same = verdict.runbook_sha256 == content.runbook.sha256 and not _has_later(run)
            deployed = "deploy" in run.read(PlanRecord).stages
            if same and (deployed or verdict.decision == UP_TO_DATE):
                return verdict.decision
    return None


def _same(stage: Stage[Any], content: Content) -> Iterator[Run]:
    """The newest run of the same content on the same login, where it was to deploy."""
    for run in _newest(stage.runs_dir, content.environment, stage.host, content.login):
        with contextlib.suppress(GonogoError):
            if _is_same(run, run.read(RunRecord), content):
                yield run


def _newest(
    runs_dir: Path,
    environment: str,
    host: str,
    login: Mapping[str, str | int | None] | None = None,
) -> Iterator[Run]:
    """The newest run on a host that has reached a database, of this login where there is one. One
    that is not as it was written may be that of this host."""
    for path in sorted((runs_dir / environment).glob("*Z-*"), reverse=True):
        record = peek(path, RunRecord)
        if record is None:
            if _has_begun(path):
                return
            continue
        target = record.target
        if target.inventory_host != host or login not in (None, target.login):
            continue
        with contextlib.suppress(GonogoError):
            run = Run.open(path)
            if run.read(RunRecord).target.observed is None:
                continue  # it has never reached the database
            yield run
        return


def _has_begun(path: Path) -> bool:
    """Whether a run without a record may have come further than to its directory."""
    found = load(path)
    return bool(found.problems_with(RunRecord.FILE)) and (
        not found.events or any(event.event == "wrote" for event in found.events)
    )


def _is_same(run: Run, record: RunRecord, content: Content) -> bool:
    """Whether it was about the same, and nothing counted for less than it would now."""
    runbook, plan = content.runbook, run.read(PlanRecord)
    same = (record.runbook_sha256, record.profile) == (runbook.sha256, runbook.profile)
    same = same and dict(record.parameters) == dict(runbook.parameters)
    same = same and record.protected == content.protected
    same = same and dict(plan.set_criteria or {}) == dict(runbook.set_criteria)
    return same and "deploy" in plan.stages


def _has_later(run: Run) -> bool:
    return any((run.path / name).is_file() for name in _LATER)


def _still_holds(stage: Stage[Any], run: Run, content: Content, run_id: str) -> bool:
    if judgement.confirmed(run.path).decision != "GO":
        return False
    if _has_later(run):
        return False
    deployed, record = run.read(Deployment), run.read(RunRecord)
    applied = deployed.action == "applied"
    left = deployed.schema_after if applied else deployed.schema_before
    runbook = stage.runbook_of(run)
    asked = FoundRequest(
        login=content.login,
        run_id=run_id,
        declared=record.proven,
        plan=plans.plan(runbook),
        # What has changed since then is not asked, but what is there.
        schema_before={},
        timeouts=Timeouts(),
    )
    answer = stage.call_with_database("found", asked, FoundAnswer)
    found = answer.found
    if found is None or answer.database_oid != record.known.database_oid:
        return False
    if found.after is None or found.after.state != "applied":
        return False
    if left is None or found.schema_after != left:
        return False
    judged = JudgedRequest(content.login, run_id, judged_objects(runbook))
    now = stage.call_with_database("judged", judged, JudgedAnswer).judged
    return not differences(run.read_json("judged.json"), now)
