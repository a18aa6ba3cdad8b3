"""A run to be explained: its migration is refused on the copy for rows that are there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gonogo.contract import canonical
from gonogo.contract.records.reading import plain
from gonogo.controller import evidence, explain
from gonogo.controller.evidence import Run, judgement
from gonogo.controller.invocation.commands import Caller
from tests.records import BACKUP, IDENTITY, PLAN, RUN, RUN_ID, TWIN
from tests.unit.deployments import deployment, failure

__all__ = ["CALLER", "explained", "write"]

DIRECTORY = f"runs/sandbox/{RUN_ID}"
CALLER = Caller(inventories=["inventories/sandbox"])
_ROWS = {
    "table": "public.accounts",
    "rows": 2,
    "samples": ["id=17", "id=42"],
    "query": "SELECT * FROM public.accounts WHERE email IS NULL;",
    "behind": False,
}
_MIGRATIONS = {"directory": "../app/migrations", "tool": "prisma", "schema": "public"}
_STAGES = ["target", "backup", "twin", "rehearsal", "copy_sql", "preflight", "deploy", "phases"]


def write(runs: Path) -> Path:
    """Write its evidence, and return the directory."""
    run = Run.create(runs, "sandbox", RUN_ID, clock=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))
    target = {**RUN["target"], "observed": {**IDENTITY, "database": "shop"}}
    about: dict[str, Any] = {
        "runbook": "derived",
        "cleanup": None,
        "migrations": _MIGRATIONS,
        "target": target,
    }
    about["runbook_directory"] = "runbooks/derived"
    about |= {"protected": True, "residue": "rollback"}
    run.write_json("run.json", {**RUN, **about}, stage="target")
    check: dict[str, Any] = {"criterion": "C1", "effect": None, "empty_ok": True}
    references = {
        "id": "D5.1",
        "title": "No row refers to what is not there",
        "phase": "02_relations",
        "remedy": "Correct or remove the rows named; VALIDATE CONSTRAINT afterwards.",
    }
    plan = {**PLAN, "stages": _STAGES, "checks": [{**check, **references}]}
    run.write_json("plan.json", plan, stage="target")
    run.write_json("backup.json", {**BACKUP, "database": "shop"}, stage="backup")
    run.write_json("twin.json", TWIN, stage="twin")
    error = failure(
        message='column "email" of relation "accounts" contains null values',
        sqlstate="23502",
        file="0042_email.sql",
        line=3,
        in_the_way=_ROWS,
    )
    rehearsal = {
        "run_id": RUN_ID,
        "promoted": False,
        "done": True,
        "required": False,
        "backup_sha256": BACKUP["sha256"],
        **dict.fromkeys(("reason", "hint")),
        "state": "absent",
        "deployment": plain(deployment("failed", error=error)),
        "rows_changed": {},
        "rows_removed": {},
        "slow": [],
        "checks": [],
        "scripts": {},
        "problem": {
            "step": "apply",
            "severity": "no_go",
            "message": "0042_email.sql:3 failed: 23502: column contains null values",
            "detail": "2 rows of public.accounts stand in the way: id=17; id=42",
            "hint": f"To see the rows: {_ROWS['query']}",
        },
    }
    run.write_json("rehearsal.json", rehearsal, stage="rehearsal")
    found = {
        "check_id": "D5.1",
        "status": "fail",
        "examined": 310,
        "expected": "no row without what it refers to",
        "observed": "1 of 310 rows that refer to something: of_account on public.orders",
        "samples": ["of_account on public.orders: id=7"],
        "seconds": 0.1,
        "phase": "02_relations",
    }
    run.append_lines("checks.jsonl", [found], stage="phases")
    for stage in _STAGES:
        run.append(stage, "stage_passed")
    run.append("verdict", "closed")
    run.publish("verdict.json", canonical.dumps(plain(judgement.decided(run.path))))
    return run.path


def explained(path: Path, caller: Caller = CALLER) -> explain.Explanation:
    """What a program is told of it, as if it lay where runs lie."""
    verdict = judgement.confirmed(path)
    later = judgement.unproven(path, verdict.evidence_head or "")
    found = evidence.load(path)
    return explain.explain(found, verdict, directory=DIRECTORY, later=later, caller=caller)
