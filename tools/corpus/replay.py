"""Replays a history, migration by migration, and writes down what became of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.contract.records.migration import Plan
from gonogo.contract.records.reading import plain, read
from gonogo.controller.runbook import pending
from gonogo.host.migrate.deployment import deploy
from gonogo.host.session.connection import DatabaseError, connect

if TYPE_CHECKING:
    from gonogo.contract.records.deployment import Deployment, Inspection
    from gonogo.host.migrate.history import Migration
    from sandbox.cluster import Cluster
    from tools.corpus.histories import Read

__all__ = ["Row", "replay"]

_DATABASE = "corpus"


@dataclass(frozen=True)
class Row:
    """What became of one migration.

    `problem` is the one error, None where it could be deployed as it stands; `before` and `after`
    are what it was recognised as, None where nobody could look.
    """

    file: str
    problem: str | None
    before: str | None
    after: str | None
    seconds: float


@dataclass(frozen=True)
class _Replay:
    """`before` is what the application's own runner does first in its session; nothing mostly."""

    cluster: Cluster
    history: Read
    role: str
    before: str

    def rows(self) -> Iterator[Row]:
        for migration in self.history.migrations:
            started = time.monotonic()
            problem, before, after = self._one(migration)
            if problem is not None and (before == "applied" or after != "applied"):
                problem += self._by_itself(migration)
            yield Row(migration.file, problem, before, after, round(time.monotonic() - started, 2))

    def _one(self, migration: Migration) -> tuple[str | None, str | None, str | None]:
        try:
            # As it travels.
            made = plain(pending.plan(self.history.key, self.history.tool, [migration]))
            done = self._deployed(read(Plan, made, file="the plan"))
        except (GonogoError, DatabaseError) as error:
            return _words(error), None, None
        before, after = _state(done.before), _state(done.after)
        return _problem(done, before, after), before, after

    def _deployed(self, plan: Plan) -> Deployment:
        login = Login(**self.cluster.login(_DATABASE, self.role))

        def session() -> Any:
            connection = connect(login, name="gonogo:corpus:deploy")
            if self.before:
                connection.execute(self.before.encode())
            return connection

        return deploy(session, plan, budgets=budgets_of({}), confirm=lambda: None).record

    def _by_itself(self, migration: Migration) -> str:
        """Have the server apply it, and what tells that it refuses it as well."""
        with self.cluster.connect(_DATABASE, self.role) as own:
            try:
                own.execute((migration.text or "").encode())
                self.history.tool.record(own, migration)
            except DatabaseError as error:
                return f" (and by itself: {str(error).splitlines()[0]})"
        return ""


def replay(cluster: Cluster, history: Read, *, role: str, before: str = "") -> Iterator[Row]:
    """One row for each migration, as it comes. What cannot be deployed is applied by the server
    alone, so that the next one finds what it needs."""
    with cluster.connect() as superuser:
        superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(_DATABASE)))
        making = sql.SQL("CREATE DATABASE {} OWNER {}")
        superuser.execute(making.format(sql.Identifier(_DATABASE), sql.Identifier(role)))
    with cluster.connect(_DATABASE, role) as own:
        own.execute(history.tables.encode())
    return _Replay(cluster, history, role, before).rows()


def _problem(done: Deployment, before: str | None, after: str | None) -> str | None:
    if done.error is not None:
        state = f"{done.error.sqlstate}: " if done.error.sqlstate else ""
        return f"line {done.error.line}: {state}{done.error.message}"
    if before != "absent":
        return f"recognised as {before} before it was applied: {_wrong(done.before)}"
    if after != "applied":
        return f"recognised as {after} after it was applied: {_wrong(done.after)}"
    return None if done.action == "applied" else f"the deployment was {done.action}"


def _wrong(look: Inspection | None) -> str:
    """What does not fit."""
    if look is None:
        return ""
    if look.state == "applied":
        return ", ".join(o.object for o in look.objects if o.matches and o.expected)[:200]
    blocking = [one.text for one in look.contradictions if one.blocks]
    objects = [
        f"{o.object} {o.difference or ('is missing' if o.expected else 'is still there')}"
        for o in look.objects
        if not o.matches
    ]
    return "; ".join([*blocking, *objects])[:300]


def _state(look: Inspection | None) -> str | None:
    return look.state if look else None


def _words(error: Exception) -> str:
    if isinstance(error, GonogoError):
        return error.primary
    return " ".join(str(error).split())
