"""What a run was about to change, sealed before it did: known also of a run that was interrupted.

A deployment seals `deploy_intent.json` and the schema as it is; what follows an approval seals the
approval. An intent without a record of what came of it is *open*: the database says what happened,
and whoever works on it next asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...contract.listing import listed
from ...contract.records.deployment import (
    Approved,
    Deployment,
    Failure,
    Intended,
    IntendedStep,
    Intent,
    Recovered,
)
from ...contract.records.migration import Plan, Step
from ...contract.records.reading import RecordError, plain, read
from ...contract.records.run import RunRecord
from ..evidence import Run, load, peek, read_object
from . import unheard

__all__ = [
    "DEPLOY",
    "SCHEMA",
    "deployment",
    "found_lines",
    "is_open",
    "keep_found",
    "open_runs",
    "plan_of",
    "record_name",
    "seal",
    "unknown",
]

DEPLOY = "deploy_intent.json"
SCHEMA = "schema_before.json"
_RECORD = "deploy.json"
# Of a run that was judged before it was known; its verdict stays what it is.
_FOUND = "deploy_found.json"

_STATES = {
    "applied": "its migration is there in full",
    "absent": "nothing of its migration is there",
    "partial": "its migration is there in part",
    "unknown": "nothing tells whether its migration is there",
    "unfinished": "its migration is there, but for what runs outside of its transaction",
}


def seal(
    run: Run,
    plan: Plan,
    look: Deployment,
    *,
    schema: Mapping[str, str],
    digests: Mapping[str, str],
    approved: Approved | None,
) -> None:
    """Put on record what is about to be applied, and the schema before it.

    `look` is what the target host has answered that it would do, `schema` what is there before,
    `digests` file → SHA-256.
    """
    observed = run.read(RunRecord).known
    assert look.before is not None  # the host has looked
    assert look.schema_before is not None  # it would apply the migration
    intent = Intent(
        database={
            key: getattr(observed, key) for key in ("database", "database_oid", "system_identifier")
        },
        files={step.file: digests.get(step.file) for step in plan.steps},
        plan=Intended(
            tuple(IntendedStep(step.file, step.transaction) for step in plan.steps),
            plan.objects,
            plan.history,
            plan.session,
        ),
        before=look.before,
        schema_before=look.schema_before,
        approved=approved,
        sealed_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    run.write_json(SCHEMA, dict(schema), stage="deploy")
    run.write_json(DEPLOY, plain(intent), stage="deploy")


def is_open(path: Path) -> bool:
    """Whether a run has begun to deploy, and nobody knows what came of it."""
    return (path / DEPLOY).is_file() and record_name(path) is None


def record_name(path: Path) -> str | None:
    """The file that says what a run has deployed, None where there is none."""
    return next((name for name in (_RECORD, _FOUND) if (path / name).is_file()), None)


def deployment(path: Path) -> Deployment | None:
    """What a run has deployed, as far as its evidence can be read."""
    name = record_name(path)
    try:
        return read(Deployment, _object(path / name), file=name) if name else None
    except RecordError:
        return None


def open_runs(runs_dir: Path, environment: str, login: Mapping[str, object]) -> list[Run]:
    """The runs on this login's database whose deployments are open, the oldest first."""
    found = []
    for path in sorted((runs_dir / environment).glob(f"*Z-*/{DEPLOY}")):
        if is_open(path.parent):
            record = peek(path.parent, RunRecord)
            if record and record.target.login == login:
                found.append(Run.open(path.parent))
    return found


def intent_of(run: Run) -> Intent:
    """What a run was about to apply. Raises GonogoError for evidence that was altered."""
    return run.read(Intent)


def plan_of(run: Run) -> tuple[Plan, Mapping[str, str]]:
    """What to ask the target host for, and the schema before. Raises GonogoError for evidence that
    was altered."""
    intended = intent_of(run).plan
    steps = tuple(Step(step.file, step.transaction) for step in intended.steps)
    plan = Plan(steps, intended.objects, intended.history, session=intended.session)
    return plan, run.read_json(SCHEMA)


def keep_found(run: Run, found: Deployment, *, by: str) -> Deployment:
    """Put on record what has become of a deployment; `by` is the run that has found it out."""
    intent = intent_of(run)
    record = replace(
        found,
        before=intent.before,
        approved=intent.approved,
        error=None if found.action == "applied" else _error(_state(found)),
        recovered=Recovered(by, datetime.now(UTC).isoformat(timespec="seconds")),
    )
    closed = any(event.event == "closed" for event in load(run.path).events)
    run.write_json(_FOUND if closed else _RECORD, plain(record), stage="deploy")
    return record


def found_lines(run: Run, record: Deployment) -> list[str]:
    """What has become of a deployment, for the terminal."""
    state = _state(record)
    said = [f"Run {run.run_id} began to deploy and did not end: {_STATES[state]}."]
    if state == "absent" and record.changed:
        said.append(f"  The schema has changed since: {listed(record.changed)}")
    said += [
        f"  It has left an unfinished index. To remove it: {left.command}"
        for left in record.leftovers
    ]
    return said


def unknown(path: Path) -> list[str]:
    """What nobody knows of a run's changes, as sentences without a full stop."""
    said = ["the migration may have been applied"] if is_open(path) else []
    return [*said, *unheard.unknown(path)]


def _state(found: Deployment) -> str:
    assert found.after is not None  # the host has looked
    return found.after.state


def _error(state: str) -> Failure:
    """As `apply` tells one; which statement it was is not known."""
    return Failure(
        message=f"the run was interrupted while it deployed: {_STATES[state]}",
        sqlstate=None,
        detail=None,
        hint=None,
        file=None,
        line=None,
        statement=None,
        lost=True,
        committed=None,
    )


def _object(file: Path) -> Mapping[str, object]:
    """What a file says, and nothing where it is not there or cannot be read."""
    try:
        return read_object(file)
    except (OSError, ValueError, RecordError):
        return {}
