"""Records of deployments, with whatever is of no interest to a test."""

from __future__ import annotations

from typing import Any

from gonogo.contract.records.deployment import Deployment, HistoryFound, Inspection, ObjectState
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.trace import StatementTrace

__all__ = ["deployment", "failure", "inspection", "object_state", "trace"]


def inspection(state: str = "absent", *objects: ObjectState) -> Inspection:
    return Inspection(state, objects, HistoryFound("plain", None), ())


def object_state(**changes: Any) -> ObjectState:
    """A table that is missing."""
    values: dict[str, Any] = {
        "object": "table a.b",
        "file": "m.sql",
        "line": 3,
        "expected": True,
        "conclusive": True,
        "exists": False,
        "matches": False,
        "difference": None,
        "replaces": False,
    }
    return ObjectState(**{**values, **changes})


def failure(**changes: Any) -> dict[str, Any]:
    known = dict.fromkeys(("sqlstate", "detail", "hint", "file", "line", "statement"))
    return {"message": "x", **known, "lost": False, "committed": False, **changes}


def trace(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "file": "m.sql",
        "line": 7,
        "statement": "ALTER TABLE a.b ALTER c TYPE bigint",
        "seconds": 1.5,
        "rows": None,
        "wal_bytes": 5 << 20,
        "size_bytes": -2048,
        "rewritten": ["a.b"],
        "held_seconds": 0.0,
        "rewritten_tables": [],
        "rewritten_bytes": 0,
        "scanned": {},
        "locks": [
            {"relation": "a.b", "mode": "AccessExclusiveLock", "existing": True},
            {"relation": "a.new", "mode": "AccessExclusiveLock", "existing": False},
        ],
        "waits": [{"relation": "a.b", "blocks": "reads and writes", "seconds": 2.5}],
    }
    plain_trace = {**values, **changes}
    read(StatementTrace, plain_trace, file="a trace")
    return plain_trace


def deployment(action: str = "applied", **changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "action": action,
        "before": inspection(),
        "after": inspection(),
        "changed": (),
        "schema_before": None,
        "schema_after": None,
        "error": None,
    }
    return read(Deployment, plain({**values, **changes}), file="deploy.json")
