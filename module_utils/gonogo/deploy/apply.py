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
_LOCK_NOT_AVAILABLE = "55P03"
_RETRIED = {_LOCK_NOT_AVAILABLE, "40P01", "40001"}
_CANCELLED = "57014"
# What takes no lock on a table for which an application would wait.
_HARMLESS = {"INSERT", "UPDATE", "DELETE", "SELECT", "COMMENT", "GRANT", "REVOKE", "ANALYZE", "DO"}

# Who has waited for the server's deadlock_timeout looks whether it is in a deadlock, and if so it
# is its transaction that ends. Nobody else's shall: see `_lock_ahead`.
_BEFORE_OTHERS = 0.9
_DEADLOCK_SECONDS = """
SELECT s.setting::float / 1000 FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout'
"""
# Those of them that are there, and that this role may lock.
_LOCKABLE = """
SELECT w.schema, w.name, format('%%I.%%I', w.schema, w.name)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS w (schema, name, position)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE c.relkind IN ('r', 'p')
    AND pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
ORDER BY w.position
"""

_SET_LIMITS = """
SELECT pg_catalog.set_config('lock_timeout', %s, false),
    pg_catalog.set_config('statement_timeout', %s, false)
"""
# Instead of the budget of a statement.
_AHEAD = "ahead"

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
        if work.own_transaction:
            tables = _needed(connection, work, meter)
            # One alone is what its statement waits for.
            if len(tables) > 1:
                current, limit = {**current, "tables": [table[:2] for table in tables]}, _AHEAD
                _lock_ahead(connection, tables, meter, budgets)
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
            told["holders"] = (
                _holders(connection, current) if told["sqlstate"] == _LOCK_NOT_AVAILABLE else []
            )
        raise _Failed(told) from error
    except BaseException:
        if work.own_transaction and not connection.closed:
            connection.execute("ROLLBACK")
        raise


def _needed(connection: Any, work: _Work, meter: Meter) -> list[tuple[str, str, str]]:
    """Tables that the statements lock against writers: schema, name, and both in SQL."""
    wanted = dict.fromkeys(
        tuple(table)
        for statement in work.statements
        if _makes_wait(statement, meter)
        for table in statement["tables"]
    )
    names = [[table[0] for table in wanted], [table[1] for table in wanted]]
    return [tuple(row) for row in connection.execute(_LOCKABLE, names).fetchall()]


def _lock_ahead(
    connection: Any, tables: Sequence[tuple[str, str, str]], meter: Meter, budgets: Budgets
) -> None:
    """Lock all of them at once, before anything is done.

    An application takes its tables in another order than a migration, so each may have what the
    other waits for. We give up sooner than anybody who waits for us looks for a deadlock, so it is
    never the application whose transaction is ended; another attempt finds another moment. Whoever
    has all tables waits for nobody.
    """
    deadlock = float(connection.execute(_DEADLOCK_SECONDS).fetchone()[0])
    limits = (min(budgets.lock, _BEFORE_OTHERS * deadlock / 2), _BEFORE_OTHERS * deadlock)
    connection.execute(_SET_LIMITS, [f"{max(1, round(limit * 1000))}ms" for limit in limits])
    meter.lock_ahead(tables)


def _makes_wait(statement: Mapping[str, Any], meter: Meter) -> bool:
    """Whether it may lock tables that are there against writers."""
    return (
        not statement["outside"]
        and statement["verb"] not in _HARMLESS
        and not _validates_only(statement)
        and any(meter.knows(table) for table in statement["tables"])
    )


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
    elif meter and _makes_wait(statement, meter) and budgets.hold < work:
        # Its lock is held for as long as it runs.
        work, name = budgets.hold, "hold"
    limits = [f"{max(1, round(seconds * 1000))}ms" for seconds in (lock, work)]
    connection.execute(_SET_LIMITS, limits)
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
    if told["sqlstate"] == _CANCELLED and limit == _AHEAD:
        told.update(sqlstate=_LOCK_NOT_AVAILABLE, message="not all tables could be locked in time")
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
