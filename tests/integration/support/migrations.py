"""Databases before a migration, and small runbooks to apply to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from gonogo.contract.budgets import budgets_of
from gonogo.contract.records.migration import Plan
from gonogo.controller.declared.manifest import Manifest
from gonogo.controller.declared.runbook import RecordedAs, SqlFile
from gonogo.controller.runbook import migration
from gonogo.host.migrate.deployment import Outcome, deploy
from gonogo.host.session.connection import connect
from sandbox import database as content
from tests.integration.support.harness import Database
from tools.record_tables import TABLES

__all__ = ["PRISMA_TABLE", "before", "deployed", "outcome", "plan_of", "prisma_rows"]

# As Prisma makes it.
PRISMA_TABLE = TABLES["prisma"].replace("{s}", "public")


@contextmanager
def before(database: Database, *, prisma: bool = True) -> Iterator[psycopg.Connection]:
    """Take the shipped migration out of a database, and give a session of the owner."""
    with database.owner() as owner:
        owner.execute((content.MIGRATION / "undo.sql").read_bytes())
        if prisma:
            owner.execute(PRISMA_TABLE)
        yield owner


def prisma_rows(connection: psycopg.Connection) -> list[dict[str, Any]]:
    cursor = connection.execute("SELECT * FROM public._prisma_migrations ORDER BY started_at")
    names = [column.name for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def plan_of(directory: Path, *, prisma: str | None = None, **files: str | tuple[str, str]) -> Plan:
    """A plan from texts: `name=text`, or `name=("none", text)` for outside of transactions."""
    entries: list[SqlFile] = []
    for name, text in files.items():
        file = directory / f"{name}.sql"
        file.write_text(text if isinstance(text, str) else text[1], encoding="utf-8")
        entries.append(SqlFile(file.name, None if isinstance(text, str) else text[0]))
    steps = migration.steps(directory, entries)
    recorded = {"prisma": RecordedAs(f"{prisma}.sql")} if prisma else {}
    return Plan(
        steps,
        migration.expected(steps, Manifest("public")),
        migration.history_of(directory, "20260101000000_test", recorded, schema_name="public"),
    )


def outcome(database: Database, plan: Plan, **more: Any) -> Outcome:
    """Deploy a plan as the stage does, but for the run's lock."""
    budgets = {"lock": "200ms", "attempts": 2, "wait": "1ms", **more.pop("budgets", {})}
    login = database.login()
    return deploy(
        lambda: connect(login, name="gonogo:test:deploy"),
        plan,
        budgets=budgets_of(budgets),
        confirm=more.pop("confirm", lambda: None),
        **more,
    )


def deployed(database: Database, plan: Plan, **more: Any) -> Any:
    """The record of the same; which parts of it are there, a test knows."""
    return outcome(database, plan, **more).record
