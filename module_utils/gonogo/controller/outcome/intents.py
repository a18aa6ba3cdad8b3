"""What a run was about to change, sealed before it did: known also of a run that was interrupted.

A deployment seals `deploy_intent.json` and the schema as it is; what follows an approval seals the
approval. An intent without a record of what came of it is *open*: the database says what happened,
and whoever works on it next asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...contract.records.run import RunRecord
from ..evidence import RecordError, Run, load, peek, read_object
from ..runbook import migration
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
    "half": "its migration is there in part",
    "unfinished": "its migration is there, but for what runs outside of its transaction",
}


def seal(
    run: Run,
    plan: Mapping[str, Any],
    look: Mapping[str, Any],
    *,
    digests: Mapping[str, str],
    approved: Mapping[str, Any] | None,
) -> None:
    """Put on record what is about to be applied, and the schema before it.

    `plan` is as the target host gets it, `look` what it has answered that it would do, `digests`
    file → SHA-256.
    """
    observed = run.read(RunRecord).known
    intent = {
        "database": {
            key: getattr(observed, key) for key in ("database", "database_oid", "system_identifier")
        },
        "files": {step["file"]: digests.get(step["file"]) for step in plan["steps"]},
        "plan": {
            "steps": [
                {key: step[key] for key in ("file", "transaction")} for step in plan["steps"]
            ],
            "objects": plan["objects"],
            "history": plan["history"],
        },
        "before": look["before"],
        "schema_before": look["schema_before"],
        "approved": approved,
        "sealed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    run.write_json(SCHEMA, look["catalog_before"], stage="deploy")
    run.write_json(DEPLOY, intent, stage="deploy")


def is_open(path: Path) -> bool:
    """Whether a run has begun to deploy, and nobody knows what came of it."""
    return (path / DEPLOY).is_file() and record_name(path) is None


def record_name(path: Path) -> str | None:
    """The file that says what a run has deployed, None where there is none."""
    return next((name for name in (_RECORD, _FOUND) if (path / name).is_file()), None)


def deployment(path: Path) -> dict[str, Any] | None:
    """What a run has deployed, as far as its evidence can be read."""
    name = record_name(path)
    return _object(path / name) if name else None


def open_runs(runs_dir: Path, environment: str, login: Mapping[str, Any]) -> list[Run]:
    """The runs on this login's database whose deployments are open, the oldest first."""
    found = []
    for path in sorted((runs_dir / environment).glob(f"*Z-*/{DEPLOY}")):
        if is_open(path.parent):
            record = peek(path.parent, RunRecord)
            if record and record.target.login == login:
                found.append(Run.open(path.parent))
    return found


def plan_of(run: Run) -> dict[str, Any]:
    """What to ask the target host for. Raises GonogoError for evidence that was altered."""
    plan = migration.history_on_record(run.read_json(DEPLOY)["plan"])
    return {"plan": plan, "schema_before": run.read_json(SCHEMA)}


def keep_found(run: Run, found: Mapping[str, Any], *, by: str) -> dict[str, Any]:
    """Put on record what has become of a deployment; `by` is the run that has found it out."""
    intent = run.read_json(DEPLOY)
    record = {
        **found,
        "before": intent["before"],
        "approved": intent["approved"],
        "error": None if found["action"] == "applied" else _error(found["after"]["state"]),
        "recovered": {"by": by, "at": datetime.now(UTC).isoformat(timespec="seconds")},
    }
    del record["catalog_before"], record["catalog_after"]
    closed = any(event.event == "closed" for event in load(run.path).events)
    run.write_json(_FOUND if closed else _RECORD, record, stage="deploy")
    return record


def found_lines(run: Run, record: Mapping[str, Any]) -> list[str]:
    """What has become of a deployment, for the terminal."""
    state = record["after"]["state"]
    said = [f"Run {run.run_id} began to deploy and did not end: {_STATES[state]}."]
    if state == "absent" and record["changed"]:
        said.append(f"  The schema has changed since: {', '.join(record['changed'][:20])}")
    said += [
        f"  It has left an unfinished index. To remove it: {left['command']}"
        for left in record["leftovers"]
    ]
    return said


def unknown(path: Path) -> list[str]:
    """What nobody knows of a run's changes, as sentences without a full stop."""
    said = ["the migration may have been applied"] if is_open(path) else []
    return [*said, *unheard.unknown(path)]


def _error(state: str) -> dict[str, Any]:
    """As `apply` tells one; which statement it was is not known."""
    return {
        "message": f"the run was interrupted while it deployed: {_STATES[state]}",
        **dict.fromkeys(("sqlstate", "detail", "hint", "file", "line", "statement")),
        "holders": [],
        "lost": True,
        "committed": None,
        "attempts": 1,
    }


def _object(file: Path) -> dict[str, Any]:
    """What a file says, and nothing where it is not there or cannot be read."""
    try:
        return read_object(file)
    except (OSError, ValueError, RecordError):
        return {}
