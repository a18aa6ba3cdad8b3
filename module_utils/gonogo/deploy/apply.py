"""Runs the statements of a migration under budgets.

Files that may share a transaction do: all of them are there afterwards, or none. A statement of
any other file is a transaction of its own.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from ..connection import DatabaseError, described
from .bill import Meter
from .budgets import Budgets

__all__ = ["Applied", "apply"]

# A lock that was not to be had in time, a deadlock, a conflict: another moment may be better.
_RETRIED = {"55P03", "40P01", "40001"}
_CANCELLED = "57014"
# What takes no lock on a table for which an application would wait.
_HARMLESS = {"INSERT", "UPDATE", "DELETE", "SELECT", "COMMENT", "GRANT", "REVOKE", "ANALYZE", "DO"}

_HOLDERS = """
SELECT DISTINCT a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''),
    coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_locks AS l ON l.relation = c.oid AND l.granted
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.pid
"""


@dataclass
class Applied:
    """What has become of the statements.

    `bill`: one line per statement that was committed, see bill.py; `unsure`: the same of those
    whose transaction was being committed when the connection was lost. `files`: those that are
    there in full. `attempts`: what was tried in vain before, each with `file`, `line`, `sqlstate`,
    `message` and `holders` (who had the lock). `error`: why it ended early, or None; its
    `committed` is None where the connection was lost while committing: nobody knows.
    """

    bill: list[dict[str, Any]] = field(default_factory=list)
    unsure: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None


class _Failed(Exception):  # noqa: N818 - travels within this file
    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["message"])
        self.told = told


@dataclass
class _Work:
    """Statements of one transaction, `files` that are complete with it."""

    statements: list[Mapping[str, Any]]
    files: list[str]
    own_transaction: bool = True


def apply(
    connection: Any,
    steps: Sequence[Mapping[str, Any]],
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    within: Mapping[str, Callable[[Any], None]] | None = None,
    skip: Callable[[Mapping[str, Any]], bool] = lambda _statement: False,
) -> Applied:
    """Run the steps in an autocommit session; what a migration did wrong is in the result.

    `confirm` is called before each try and raises to stop everything. `within` holds, by file,
    what else belongs to its transaction. `skip` tells which statements are done already.
    """
    done = Applied()
    for work in _works(steps, skip):
        if not _one(connection, work, done, budgets, confirm, within or {}):
            break
    return done


def _works(
    steps: Sequence[Mapping[str, Any]], skip: Callable[[Mapping[str, Any]], bool]
) -> Iterator[_Work]:
    together = _Work([], [])
    for step in steps:
        left = [statement for statement in step["statements"] if not skip(statement)]
        if step["transaction"]:
            together.statements += left
            together.files.append(step["file"])
            continue
        if together.statements:
            yield together
        together = _Work([], [])
        for number, statement in enumerate(left):
            last = [step["file"]] if number == len(left) - 1 else []
            yield _Work([statement], last, own_transaction=not statement["outside"])
    if together.statements:
        yield together


def _one(
    connection: Any,
    work: _Work,
    done: Applied,
    budgets: Budgets,
    confirm: Callable[[], None],
    within: Mapping[str, Callable[[Any], None]],
) -> bool:
    """Run one transaction, again if it did not get its locks; whether it is there now."""
    for attempt in range(1, budgets.attempts + 1):
        confirm()
        meter = Meter(connection)
        try:
            _transaction(connection, work, meter, budgets, within)
        except _Failed as failure:
            told = failure.told
            if told["committed"] is None:
                done.unsure = meter.lines
            # A build that was broken off has left something that a second would stumble over.
            again = told["sqlstate"] in _RETRIED and (
                work.own_transaction or "CONCURRENTLY" not in told["statement"].upper()
            )
            if not again or attempt == budgets.attempts or connection.closed:
                done.error = {**told, "attempts": attempt}
                return False
            done.attempts.append(told)
            time.sleep(budgets.wait)
        else:
            done.bill += meter.lines
            done.files += work.files
            return True
    raise AssertionError("at least one attempt")


def _transaction(
    connection: Any,
    work: _Work,
    meter: Meter,
    budgets: Budgets,
    within: Mapping[str, Callable[[Any], None]],
) -> None:
    current: Mapping[str, Any] = work.statements[0]
    limit = ""
    committing = False
    try:
        if work.own_transaction:
            connection.execute("BEGIN")
        limit = _limit(connection, current, None, budgets)
        meter.begin([table for s in work.statements for table in s["tables"]])
        for position, statement in enumerate(work.statements):
            current = statement
            limit = _limit(connection, statement, meter, budgets)
            meter.run(statement)
            following = work.statements[position + 1 :]
            ends = not following or following[0]["file"] != statement["file"]
            if ends and statement["file"] in within:
                within[statement["file"]](connection)
        committing = work.own_transaction
        if committing:
            connection.execute("COMMIT")
        meter.end()
    except DatabaseError as error:
        told = _told(connection, current, error, limit)
        told["committed"] = None if committing and connection.closed else False
        if not connection.closed:
            if work.own_transaction:
                connection.execute("ROLLBACK")
            told["holders"] = _holders(connection, current) if told["sqlstate"] == "55P03" else []
        raise _Failed(told) from error
    except BaseException:
        if work.own_transaction and not connection.closed:
            connection.execute("ROLLBACK")
        raise


def _limit(
    connection: Any, statement: Mapping[str, Any], meter: Meter | None, budgets: Budgets
) -> str:
    """Set what the next statement may take; returns which budget bounds its time."""
    lock, work, name = budgets.lock, budgets.statement, "statement"
    since = meter.blocking_since if meter else None
    if since is not None:
        # At least a millisecond: 0 would mean without end.
        left = max(budgets.hold - (time.monotonic() - since), 0.001)
        lock = min(lock, left)
        if left < work:
            work, name = left, "hold"
    elif (
        meter
        and not statement["outside"]
        and statement["verb"] not in _HARMLESS
        and not _validates_only(statement)
        and any(meter.knows(table) for table in statement["tables"])
        and budgets.hold < work
    ):
        # Its lock is held for as long as it runs.
        work, name = budgets.hold, "hold"
    limits = [f"{max(1, round(seconds * 1000))}ms" for seconds in (lock, work)]
    connection.execute(
        "SELECT pg_catalog.set_config('lock_timeout', %s, false),"
        " pg_catalog.set_config('statement_timeout', %s, false)",
        limits,
    )
    return name


def _validates_only(statement: Mapping[str, Any]) -> bool:
    kinds = {effect["kind"] for effect in statement["effects"]}
    return kinds == {"validated"}


def _told(
    connection: Any, statement: Mapping[str, Any], error: DatabaseError, limit: str
) -> dict[str, Any]:
    told: dict[str, Any] = dict(described(error))
    position = error.diag.statement_position
    line = statement["line"]
    if position:
        before = statement["text"][: int(position) - 1]
        line = statement["first_line"] + before.count("\n")
    if told["sqlstate"] == _CANCELLED and limit == "hold":
        told["message"] = "the statement would make the application wait longer than it may"
        told["hint"] = (
            "Split the migration so that its locks are short (NOT VALID and VALIDATE, CREATE INDEX "
            "CONCURRENTLY), or allow more: deploy_hold_timeout."
        )
    return {
        **told,
        "file": statement["file"],
        "line": line,
        "statement": statement["opening"],
        "holders": [],
        "lost": bool(connection.closed),
    }


def _holders(connection: Any, statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    tables = statement["tables"]
    rows = connection.execute(_HOLDERS, ([t[0] for t in tables], [t[1] for t in tables])).fetchall()
    names = ("pid", "application_name", "state", "transaction_seconds")
    return [dict(zip(names, row)) for row in rows]
