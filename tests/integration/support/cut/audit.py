"""What is in the database, and who says so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gonogo.controller import evidence
from gonogo.host.session import catalog
from gonogo.verdict import decide
from tests.integration.support.harness import RUN_SESSIONS, Database

__all__ = ["decided", "read_rows", "sessions", "unexplained"]

# Table (schema.name) → every row as JSON text, and how often it is there.
Rows = dict[str, Counter[str]]


def read_rows(database: Database) -> Rows:
    """Every row of every table, in one snapshot."""
    with database.admin() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = connection.execute(catalog.TABLES.replace("%%", "%")).fetchall()
        return {
            f"{schema}.{name}": Counter(
                row[0]
                for row in connection.execute(
                    f'SELECT to_jsonb(t)::text FROM ONLY "{schema}"."{name}" AS t'
                )
            )
            for _oid, schema, name in tables
        }


def unexplained(before: Rows, after: Rows, runs: Iterable[Path]) -> list[str]:
    """How the rows differ from before, but for those that are there and in a run's ledger."""
    named = {(entry["table"], key) for entry, key in _ledgers(runs)}
    found = [
        f"{table}: is gone or has changed: {row}"
        for table in before
        for row in before[table] - after.get(table, Counter())
    ]
    found += [
        f"{table}: is in no ledger: {row}"
        for table in after
        for row in after[table] - before.get(table, Counter())
        # Every key of a ledger is an id.
        if (table, str(json.loads(row).get("id"))) not in named
    ]
    return found


def kept(after: Rows, run: Path) -> int:
    """How many rows of a run's ledger are there."""
    ids = {(table, str(json.loads(row).get("id"))) for table, rows in after.items() for row in rows}
    return len({(entry["table"], key) for entry, key in _ledgers([run])} & ids)


def _ledgers(runs: Iterable[Path]) -> Iterable[tuple[dict[str, Any], str]]:
    for run in runs:
        file = run / "ledger.jsonl"
        for line in file.read_text().splitlines() if file.is_file() else ():
            entry = json.loads(line)
            assert list(entry["key"]) == ["id"], entry
            yield entry, str(entry["key"]["id"])


def decided(run: Path) -> str:
    """What the evidence of a run gives, which must be whole; its verdict, if any, is the same."""
    found = evidence.load(run)
    assert not found.problems, found.problems
    decision = decide(
        run=found.run,
        plan=found.plan,
        checks=found.checks,
        events=found.events,
        backup=found.backup,
        twin=found.twin,
        rehearsal=found.rehearsal,
        shape=found.shape,
        deploy=found.deploy,
        problems=found.problems,
    ).decision
    file = run / "verdict.json"
    assert not file.is_file() or json.loads(file.read_text())["decision"] == decision
    return str(decision)


def sessions(database: Database) -> list[str]:
    """Names of the sessions of runs, and of whoever else has an advisory lock."""
    with database.admin() as connection:
        found = connection.execute(
            f"SELECT application_name FROM {RUN_SESSIONS}"
            " UNION ALL SELECT 'lock of ' || pid FROM pg_locks"
            " WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())".encode()
        ).fetchall()
    return sorted(row[0] for row in found)
