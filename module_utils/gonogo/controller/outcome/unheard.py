"""Approved changes of which nobody has heard how they ended: a cleanup, an undo, a restore.

The approval is sealed in the plan before the change is begun, and the record of the change is
written when it has ended. A plan with an approval and no record of its token is *open*: the
database says what happened, and the next command asks it and puts the answer on record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ...contract.records.run import RunRecord, Target
from ..evidence import Run, peek

__all__ = ["APPROVAL", "is_open", "keep_done", "keep_nothing", "restores", "undos", "unknown"]

# What a plan says of the approval it was given.
APPROVAL = ("approved_by", "approved_at")
# And of the signatures, where it was given by them.
_SIGNED = "signed"

# Stage → what is said where nobody knows whether it was done.
_MAY_BE = {
    "cleanup": "the rows of run {run_id} may have been removed",
    "undo": "the migration of run {run_id} may have been taken back",
    "restore": "the backup of run {run_id} may have been restored",
}


def is_open(path: Path, stage: str) -> bool:
    """Whether an approved change has begun, and nobody knows what came of it."""
    plan, record = _object(path / f"{stage}_plan.json"), _object(path / f"{stage}.json")
    if stage == "restore" and "intent" not in plan:
        # Of an older version: nothing would tell what became of it.
        return False
    return bool(plan.get("approved_at")) and record.get("token") != plan.get("token")


def unknown(path: Path) -> list[str]:
    """What nobody knows of a run's approved changes, as sentences without a full stop."""
    return [
        words.format(run_id=path.name) for stage, words in _MAY_BE.items() if is_open(path, stage)
    ]


def restores(
    runs_dir: Path,
    environment: str,
    *,
    host: str,
    login: Mapping[str, object],
    also: str | None = None,
) -> list[Run]:
    """The runs of this host's database whose backups may have been restored, the oldest first.

    A restore may have another login than its run: the name of the database is the same. `also` is
    the id of a run that is one of them wherever it was.
    """
    found = []
    for path in sorted((runs_dir / environment).glob("*Z-*/restore_plan.json")):
        target = _target(path.parent)
        theirs = (target.inventory_host, target.login.get("db")) if target else None
        wanted = theirs == (host, login.get("db")) or path.parent.name == also
        if wanted and is_open(path.parent, "restore"):
            found.append(Run.open(path.parent))
    return found


def undos(runs_dir: Path, environment: str, *, login: Mapping[str, object]) -> list[Run]:
    """The runs of this login's database whose migrations may have been taken back."""
    return [
        Run.open(path.parent)
        for path in sorted((runs_dir / environment).glob("*Z-*/undo_plan.json"))
        if is_open(path.parent, "undo") and _is_of(path.parent, login)
    ]


def keep_done(run: Run, stage: str, record: Mapping[str, object], *, by: str) -> None:
    """Put on record that it was done; `by` is the run that has found it out."""
    plan = run.read_json(f"{stage}_plan.json")
    approved = {key: plan[key] for key in (*APPROVAL, "token")}
    if _SIGNED in plan:
        approved[_SIGNED] = plan[_SIGNED]
    found = {"by": by, "at": _now()}
    run.write_json(
        f"{stage}.json",
        {**record, "run_id": run.run_id, **approved, "recovered": found},
        stage=stage,
    )


def keep_nothing(run: Run, stage: str, *, by: str) -> None:
    """Put on record that nothing came of it. The plan asks for an approval again."""
    plan = run.read_json(f"{stage}_plan.json")
    approved = {key: plan.pop(key) for key in APPROVAL}
    if _SIGNED in plan:
        approved[_SIGNED] = plan.pop(_SIGNED)
    plan.pop("intent", None)
    came = [*plan.pop("nothing_came_of", []), {**approved, "by": by, "at": _now()}]
    run.write_json(f"{stage}_plan.json", {**plan, "nothing_came_of": came}, stage=stage)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_of(path: Path, login: Mapping[str, object]) -> bool:
    target = _target(path)
    return target is not None and target.login == login


def _target(path: Path) -> Target | None:
    """What a run was about, as far as its evidence says it."""
    record = peek(path, RunRecord)
    return record.target if record else None


def _object(file: Path) -> Mapping[str, object]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
