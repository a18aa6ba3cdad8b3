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

from ...contract.budgets import Budgets
from ...contract.errors import GonogoError
from ..session.connection import DatabaseError, described
from .bill import Ahead, Meter
from .needs import STRENGTH, Measured, Needs, stronger

__all__ = ["Applied", "apply"]

# A lock that was not to be had in time, a deadlock, a conflict: another moment may be better.
_LOCK_NOT_AVAILABLE = "55P03"
_RETRIED = {_LOCK_NOT_AVAILABLE, "40P01", "40001"}
_CANCELLED = "57014"

# Who has waited for the server's deadlock_timeout looks whether it is in a deadlock, and if so it
# is its transaction that ends. Nobody else's shall: see `_lock_ahead`.
_BEFORE_OTHERS = 0.9
# A wait that is no waiting for somebody's transaction: for room at the end of a file, for a page.
_A_MOMENT = 0.05
_DEADLOCK_SECONDS = """
SELECT s.setting::float / 1000 FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout'
"""
# Those of them that are there, and that this role may lock; for an index, its table. LOCK TABLE
# takes no materialized view, sequence or foreign table, and of a view what is under it.
_LOCKABLE = """
SELECT n.nspname || '.' || c.relname, pg_catalog.format('%%I.%%I', n.nspname, c.relname), w.mode
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS w (name, mode, position)
JOIN LATERAL (
    SELECT coalesce(i.indrelid, o.oid) AS oid
    FROM pg_catalog.pg_class AS o
    JOIN pg_catalog.pg_namespace AS s ON s.oid = o.relnamespace
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = o.oid
    WHERE s.nspname || '.' || o.relname = w.name) AS found ON true
JOIN pg_catalog.pg_class AS c ON c.oid = found.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
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
    opening: Callable[[Any], None] | None = None,
    within: Mapping[str, Callable[[Any], None]] | None = None,
    measured: Measured | None = None,
    skip: Callable[[Mapping[str, Any]], bool] = lambda _statement: False,
) -> Applied:
    """Run the steps in an autocommit session; what a migration did wrong is in the result.

    `confirm` is called before each try, and again as the last thing before COMMIT; it raises
    GonogoError when nothing may be committed any more, which is raised from here as long as nothing
    was. `opening` is called first in each transaction; `within` holds, by file, what else belongs
    to its transaction; `measured`, which locks each statement took on a copy. `skip` tells which
    statements are done already.
    """
    done = Applied()
    needs = Needs(measured or Measured())
    for work in _works(steps, skip):
        try:
            if not _one(connection, work, done, budgets, confirm, opening, within or {}, needs):
                break
        except GonogoError as error:
            if not done.bill:
                raise
            # What is committed must not be forgotten.
            done.error = _stopped(work.statements[0], error)
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
    opening: Callable[[Any], None] | None,
    within: Mapping[str, Callable[[Any], None]],
    needs: Needs,
) -> bool:
    """Run one transaction, again if it did not get its locks; whether it is there now."""
    for attempt in range(1, budgets.attempts + 1):
        confirm()
        meter = Meter(connection)
        try:
            _transaction(connection, work, meter, budgets, confirm, opening, within, needs)
        except _Failed as failure:
            told = failure.told
            if told["committed"] is None:
                done.unsure = meter.lines
            # A build that was broken off has left something that a second would stumble over.
            again = told["sqlstate"] in _RETRIED and (
                work.own_transaction or "CONCURRENTLY" not in work.statements[0]["outside"]
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
    confirm: Callable[[], None],
    opening: Callable[[Any], None] | None,
    within: Mapping[str, Callable[[Any], None]],
    needs: Needs,
) -> None:
    current: Mapping[str, Any] = work.statements[0]
    limit = ""
    committing = False
    try:
        if work.own_transaction:
            connection.execute("BEGIN")
            if opening:
                opening(connection)
        patience = _patience(connection)
        limit = _limit(connection, current, budgets)
        meter.begin([table for s in work.statements for table in s["tables"]])
        if work.own_transaction:
            tables = _lockable(connection, needs.ahead(work.statements, meter))
            # One alone is what its statement waits for, unless another needs a stronger lock later.
            if len(tables) > 1 or (tables and needs.measured.locks and len(work.statements) > 1):
                named = [table.name.split(".", 1) for table in tables]
                current, limit = {**current, "tables": named}, _AHEAD
                _lock_ahead(connection, tables, meter, budgets, patience)
        for position, statement in enumerate(work.statements):
            current = statement
            makes_wait = needs.makes_wait(statement, meter)
            limit = _limit(
                connection,
                statement,
                budgets,
                since=meter.blocking_since,
                makes_wait=makes_wait,
                patience=patience if work.own_transaction else None,
            )
            meter.run(statement)
            following = work.statements[position + 1 :]
            ends = not following or following[0]["file"] != statement["file"]
            if ends and statement["file"] in within:
                within[statement["file"]](connection)
        if work.own_transaction:
            confirm()
            committing = True
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


def _lockable(connection: Any, wanted: Mapping[str, str]) -> list[Ahead]:
    """Those of the wanted tables (name → mode) that can be locked; the strongest mode of each."""
    rows = connection.execute(_LOCKABLE, [list(wanted), list(wanted.values())]).fetchall()
    found: dict[str, Ahead] = {}
    for name, quoted, mode in rows:
        before = found.get(name)
        strongest = stronger(mode, before.mode) if before else mode
        found[name] = Ahead(name, quoted, strongest)
    return list(found.values())


def _lock_ahead(
    connection: Any,
    tables: Sequence[Ahead],
    meter: Meter,
    budgets: Budgets,
    patience: float,
) -> None:
    """Lock all of them at once, before anything is done.

    An application takes its tables in another order than a migration, so each may have what the
    other waits for. We give up sooner than anybody who waits for us looks for a deadlock, so it is
    never the application whose transaction is ended; another attempt finds another moment. Whoever
    has all tables, each in the strongest mode that will be needed, waits for nobody.
    """
    began = time.monotonic()
    # The strongest mode first: whoever reads meanwhile is stopped before anybody else is.
    for mode in sorted({table.mode for table in tables}, key=STRENGTH.index, reverse=True):
        left = max(patience - (time.monotonic() - began), 0.001)
        limits = (min(budgets.lock, left / 2), left)
        connection.execute(_SET_LIMITS, [f"{max(1, round(limit * 1000))}ms" for limit in limits])
        meter.lock_ahead([table for table in tables if table.mode == mode])


def _patience(connection: Any) -> float:
    """Seconds within which nobody who waits for us has begun to look for a deadlock."""
    return _BEFORE_OTHERS * float(connection.execute(_DEADLOCK_SECONDS).fetchone()[0])


def _limit(
    connection: Any,
    statement: Mapping[str, Any],
    budgets: Budgets,
    *,
    since: float | None = None,
    makes_wait: bool = False,
    patience: float | None = None,
) -> str:
    """Set what the next statement may take; returns which budget bounds its time.

    `since` is when the transaction began to make others wait. From then on it waits for nobody
    longer than `patience` allows: it would be they who are ended for a deadlock.
    """
    lock, work, name = budgets.lock, budgets.statement, "statement"
    held = 0.0 if since is None else time.monotonic() - since
    left = max(budgets.hold - held, 0.001)
    if since is not None or makes_wait:
        # Its lock is held for as long as it runs. At least a millisecond: 0 would mean for ever.
        lock = min(lock, left) if since is not None else lock
        if left < work:
            work, name = left, "hold"
    if patience is not None and (since is not None or statement["lock"] in ("rows", "unknown")):
        lock = min(lock, max(patience - held, _A_MOMENT))
    connection.execute(
        _SET_LIMITS, [f"{max(1, round(seconds * 1000))}ms" for seconds in (lock, work)]
    )
    return name


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


def _stopped(statement: Mapping[str, Any], error: GonogoError) -> dict[str, Any]:
    return {
        "sqlstate": None,
        "message": error.primary,
        "detail": error.detail,
        "hint": error.hint,
        "file": statement["file"],
        "line": statement["line"],
        "statement": statement["opening"],
        "holders": [],
        "lost": False,
        "committed": False,
        "attempts": 1,
    }


def _holders(connection: Any, statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    tables = statement["tables"]
    rows = connection.execute(_HOLDERS, ([t[0] for t in tables], [t[1] for t in tables])).fetchall()
    names = ("pid", "application_name", "state", "transaction_seconds")
    return [dict(zip(names, row)) for row in rows]
