"""Runs the statements of a migration under budgets.

Files that may share a transaction do: all of them are there afterwards, or none. A statement of
any other file is a transaction of its own.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

import psycopg

from ...contract.budgets import Budgets
from ...contract.errors import GonogoError
from ...contract.records.deployment import Failure, Holder, LetGo, Named
from ...contract.records.migration import Statement, Step
from ...contract.records.trace import StatementTrace
from .. import progress
from ..progress.server import look_for_builds
from ..session.connection import DatabaseError, described
from .application import Session, begin
from .needs import STRENGTH, Measured, Needs, stronger
from .single import line_of
from .trace import Ahead, Meter
from .watch import LetGoError, NoWatch

__all__ = ["Applied", "Work", "apply", "works"]

# A lock that was not to be had in time, a deadlock, a conflict: another moment may be better.
_LOCK_NOT_AVAILABLE = "55P03"
_RETRIED = {_LOCK_NOT_AVAILABLE, "40P01", "40001"}
_CANCELLED = "57014"
# The longest time between two attempts that were let go, where `Budgets.wait` is shorter.
_LONGEST_WAIT = 30.0
_IDLE = psycopg.pq.TransactionStatus.IDLE

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

# Of these tables (by their names in SQL), those that a session has which vacuums, or the like:
# themselves, or one of their partitions, which are locked with them.
_VACUUMED = """
WITH RECURSIVE family AS (
    SELECT w.quoted, pg_catalog.to_regclass(w.quoted)::oid AS oid
    FROM unnest(%s::text[]) AS w (quoted)
    UNION
    SELECT f.quoted, i.inhrelid
    FROM family AS f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid
)
SELECT DISTINCT f.quoted
FROM family AS f
JOIN pg_catalog.pg_locks AS l ON l.relation = f.oid
JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
ORDER BY 1
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

    `statements`: the trace of each that was committed; `unsure`: of those whose transaction was
    being committed when the connection was lost. `files`: those that were applied in full.
    `failed_attempts`: those before the one that counts. `error`: why it ended early, or None; its
    `committed` is None where the connection was lost while committing: nobody knows.
    """

    statements: list[StatementTrace] = field(default_factory=list)
    unsure: list[StatementTrace] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    failed_attempts: list[Failure] = field(default_factory=list)
    error: Failure | None = None


class _Failed(Exception):  # noqa: N818 - travels within this file
    """`untouched`: none of it can have been done, whatever it is."""

    def __init__(self, told: Failure, *, untouched: bool = False) -> None:
        super().__init__(told.message)
        self.told = told
        self.untouched = untouched


@dataclass
class Work:
    """Statements of one transaction, `files` that are complete with it."""

    statements: list[Statement]
    files: list[str]
    own_transaction: bool = True
    mode: str = ""

    def under(self, session: Session) -> Work:
        """The same, whose tables all have the schemas that the session's path gives them."""
        return replace(self, statements=[session.find(one) for one in self.statements])

    @property
    def tables(self) -> list[tuple[str, str]]:
        return [table for statement in self.statements for table in statement.tables]

    def ends_file(self, position: int) -> bool:
        """Whether the statement at this position is the last one of a file that is complete."""
        file, following = self.statements[position].file, self.statements[position + 1 :]
        return file in self.files and (not following or following[0].file != file)


@dataclass(frozen=True)
class _Conditions:
    """Under which the transactions run, see `apply`."""

    budgets: Budgets
    confirm: Callable[[], None]
    opening: Callable[[Any], None] | None
    within: Mapping[str, Callable[[Any], None]]
    needs: Needs
    session: Session
    watch: NoWatch


def apply(
    connection: Any,
    steps: Sequence[Step],
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    opening: Callable[[Any], None] | None = None,
    within: Mapping[str, Callable[[Any], None]] | None = None,
    measured: Measured | None = None,
    skip: Callable[[Statement], bool] = lambda _statement: False,
    settings: Mapping[str, str] | None = None,
    watch: NoWatch | None = None,
) -> Applied:
    """Run the steps in an autocommit session; what a migration did wrong is in the result.

    `confirm` is called before each try, and again as the last thing before COMMIT; it raises
    GonogoError when nothing may be committed any more, which is raised from here as long as nothing
    was. `opening` is called first in each transaction; `within` holds, by file, what else belongs
    to its transaction; `measured`, which locks each statement took on a copy. `skip` tells which
    statements are done already. `settings` are those of `Plan.session`. `watch` is
    over the session.
    """
    done = Applied()
    session = Session(connection, apart=settings is not None)
    if settings is not None:
        begin(connection, settings)
    conditions = _Conditions(
        budgets,
        confirm,
        opening,
        within or {},
        Needs(measured or Measured()),
        session,
        watch or NoWatch(),
    )
    transactions = list(works(steps, skip))
    with progress.step("migration", look_for_builds) as told:
        told.count("statements", 0, sum(len(work.statements) for work in transactions))
        for work in transactions:
            try:
                if not _one(connection, work, done, conditions):
                    break
            except GonogoError as error:
                if not done.statements:
                    raise
                # What is committed must not be forgotten.
                done.error = _stopped(work.statements[0], error)
                break
            told.add("statements", len(work.statements))
    return done


def works(
    steps: Sequence[Step], skip: Callable[[Statement], bool] = lambda _statement: False
) -> Iterator[Work]:
    """The transactions of the steps."""
    together = Work([], [])
    last = {step.file: number for number, step in enumerate(steps)}
    for number, step in enumerate(steps):
        left = [statement for statement in step.statements if not skip(statement)]
        complete = [step.file] if last[step.file] == number else []
        if together.statements and (step.apart or not step.transaction):
            yield together
            together = Work([], [])
        if step.transaction:
            together.mode = together.mode or step.mode
            together.statements += left
            together.files += complete
            continue
        for position, statement in enumerate(left):
            ends = complete if position == len(left) - 1 else []
            yield Work([statement], ends, own_transaction=not statement.outside)
    if together.statements:
        yield together


def _one(connection: Any, work: Work, done: Applied, conditions: _Conditions) -> bool:
    """Run one transaction, again if it did not get its locks or was let go; whether it is there
    now."""
    budgets, let_go = conditions.budgets, 0
    for attempt in range(1, budgets.attempts + 1):
        conditions.confirm()
        meter = Meter(connection, conditions.session, conditions.watch.guard)
        transaction = _Transaction(connection, work, meter, conditions)
        try:
            transaction.run()
        except _Failed as failure:
            told = failure.told
            if told.committed is None:
                done.unsure = meter.traces
            if not _may_retry(work, failure) or attempt == budgets.attempts or connection.closed:
                done.error = replace(told, attempts=attempt)
                return False
            done.failed_attempts.append(told)
            let_go += told.let_go is not None
            time.sleep(_pause(budgets, let_go if told.let_go else 0))
            if told.sqlstate == _LOCK_NOT_AVAILABLE and work.own_transaction:
                transaction.outwait_autovacuum()
        else:
            done.statements += meter.traces
            done.files += work.files
            return True
    raise AssertionError("at least one attempt")


def _may_retry(work: Work, failure: _Failed) -> bool:
    told = failure.told
    # A build that was broken off has left something that a second would stumble over.
    broken_off = not work.own_transaction and "CONCURRENTLY" in (work.statements[0].outside or "")
    another_moment = told.let_go is not None or told.sqlstate in _RETRIED
    return another_moment and (failure.untouched or not broken_off)


def _pause(budgets: Budgets, let_go: int) -> float:
    """Seconds before the next attempt: twice as long each time that one was let go."""
    longer: float = budgets.wait * 2.0 ** min(max(let_go - 1, 0), 30)
    return max(budgets.wait, min(longer, _LONGEST_WAIT))


class _Transaction:
    """One try of one transaction."""

    def __init__(self, connection: Any, work: Work, meter: Meter, conditions: _Conditions) -> None:
        self._connection = connection
        self._work = work
        self._meter = meter
        self._conditions = conditions
        # What runs, and which budget bounds its time.
        self._current = work.statements[0]
        self._limited_by = ""
        self._committing = False

    def outwait_autovacuum(self) -> None:
        """Behind a try that did not get a lock in time.

        An autovacuum ends for whoever has waited for the server's deadlock_timeout, and longer than
        that nobody waits who locks several tables. So it is waited for apart, one table after the
        other, in a mode that keeps nobody from reading and writing.
        """
        session = self._conditions.session
        wanted = {".".join(table): "ShareUpdateExclusiveLock" for table in self._work.tables}
        # Whoever vacuums by hand stays; the next try says who, and what else is wrong.
        with contextlib.suppress(DatabaseError):
            limit = f"{max(1, round(2000 * _patience(session) / _BEFORE_OTHERS))}ms"
            tables = [table.quoted for table in _lockable(session, wanted)]
            for (quoted,) in session.ask(_VACUUMED, [tables]):
                self._lock_for_a_moment(quoted, limit)

    def _lock_for_a_moment(self, quoted: str, limit: str) -> None:
        lock = f"LOCK TABLE {quoted} IN SHARE UPDATE EXCLUSIVE MODE"
        with contextlib.suppress(DatabaseError):
            self._connection.execute("BEGIN")
            self._connection.execute(_SET_LIMITS, [limit, limit])
            self._connection.execute(lock.encode())
        # The limits of before are in force again.
        self._roll_back()

    def run(self) -> None:
        """Raises _Failed where the database refuses it."""
        connection = self._connection
        try:
            with self._conditions.watch.attempt():
                self._statements()
        except LetGoError as gone:
            self._roll_back()
            told = _let_go(self._current, gone.cause, lost=bool(connection.closed))
            raise _Failed(told, untouched=not gone.begun) from gone
        except DatabaseError as error:
            told = _told(connection, self._current, error, self._limited_by)
            if self._committing and connection.closed:
                told = replace(told, committed=None)
            self._roll_back()
            if told.sqlstate == _LOCK_NOT_AVAILABLE and not connection.closed:
                told = replace(told, holders=_holders(self._conditions.session, self._current))
            raise _Failed(told) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        connection = self._connection
        if not connection.closed and connection.info.transaction_status != _IDLE:
            connection.execute("ROLLBACK")

    def _statements(self) -> None:
        connection, conditions = self._connection, self._conditions
        session = conditions.session
        if self._work.own_transaction:
            connection.execute(f"BEGIN {self._work.mode}".strip().encode())
            if conditions.opening:
                with session.ours():
                    conditions.opening(connection)
        work = self._work = self._work.under(session)
        self._current = work.statements[0]
        patience = _patience(session)
        self._limited_by = _limit(connection, self._current, conditions.budgets)
        self._meter.begin(work.tables)
        if work.own_transaction:
            self._lock_ahead(patience)
        for position, statement in enumerate(work.statements):
            self._run(statement, patience)
            if work.ends_file(position) and statement.file in conditions.within:
                self._keep_record(conditions.within[statement.file])
        if work.own_transaction:
            conditions.confirm()
            self._committing = True
            connection.execute("COMMIT")
        self._meter.end()

    def _keep_record(self, keep: Callable[[Any], None]) -> None:
        """In the transaction at hand, or in one of its own behind what is outside of any."""
        if not self._work.own_transaction:
            self._connection.execute("BEGIN")
        with self._conditions.session.ours():
            keep(self._connection)
        if not self._work.own_transaction:
            self._connection.execute("COMMIT")

    def _lock_ahead(self, patience: float) -> None:
        needs, statements = self._conditions.needs, self._work.statements
        session = self._conditions.session
        tables = _lockable(session, needs.ahead(statements, self._meter))
        # One alone is what its statement waits for, unless another needs a stronger lock later.
        if len(tables) > 1 or (tables and needs.measured.locks and len(statements) > 1):
            self._current = replace(self._current, tables=tuple(table.place for table in tables))
            self._limited_by = _AHEAD
            _lock_ahead(self._connection, tables, self._meter, self._conditions.budgets, patience)

    def _run(self, statement: Statement, patience: float) -> None:
        self._current = statement
        self._limited_by = _limit(
            self._connection,
            statement,
            self._conditions.budgets,
            since=self._meter.blocking_since,
            makes_wait=self._conditions.needs.makes_wait(statement, self._meter),
            patience=patience if self._work.own_transaction else None,
        )
        self._meter.run(statement)


def _lockable(session: Session, wanted: Mapping[str, str]) -> list[Ahead]:
    """Those of the wanted tables (name → mode) that can be locked; the strongest mode of each."""
    rows = session.ask(_LOCKABLE, [list(wanted), list(wanted.values())])
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


def _patience(session: Session) -> float:
    """Seconds within which nobody who waits for us has begun to look for a deadlock."""
    ((seconds,),) = session.ask(_DEADLOCK_SECONDS)
    return _BEFORE_OTHERS * float(seconds)


def _limit(
    connection: Any,
    statement: Statement,
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
    if patience is not None and (since is not None or statement.lock in ("rows", "unknown")):
        lock = min(lock, max(patience - held, _A_MOMENT))
    connection.execute(
        _SET_LIMITS, [f"{max(1, round(seconds * 1000))}ms" for seconds in (lock, work)]
    )
    return name


def _told(connection: Any, statement: Statement, error: DatabaseError, limit: str) -> Failure:
    told = described(error)
    sqlstate, message, hint = told["sqlstate"], told["message"], told["hint"]
    if sqlstate == _CANCELLED and limit == _AHEAD:
        sqlstate, message = _LOCK_NOT_AVAILABLE, "not all tables could be locked in time"
    if sqlstate == _CANCELLED and limit == "hold":
        message = "the statement would make the application wait longer than it may"
        hint = (
            "Split the migration so that its locks are short (NOT VALID and VALIDATE, CREATE INDEX "
            "CONCURRENTLY), or allow more: deploy_hold_timeout."
        )
    return Failure(
        message=str(message),
        sqlstate=sqlstate,
        detail=told["detail"],
        hint=hint,
        file=statement.file,
        line=line_of(statement, error.diag.statement_position),
        statement=statement.opening,
        lost=bool(connection.closed),
        committed=False,
        named=_named(error),
    )


def _let_go(statement: Statement, cause: LetGo, *, lost: bool) -> Failure:
    told, variable = _said(cause)
    return Failure(
        message=f"let go for {told}",
        sqlstate=None,
        detail=None,
        hint="Deploy at a time when fewer sessions need these tables, split the migration so that "
        f"each step is short, or allow more: {variable}."
        if cause.behind is None
        else f"Deploy when it has caught up, or allow more: {variable}.",
        file=statement.file,
        line=statement.line,
        statement=statement.opening,
        lost=lost,
        committed=False,
        let_go=cause,
    )


def _said(cause: LetGo) -> tuple[str, str]:
    """For whom, and the variable that says how much they may bear."""
    tables = f" ({', '.join(cause.tables)})" if cause.tables else ""
    if cause.cause == "waiters":
        longest = f"the longest for {cause.seconds:.1f} s"
        told = f"{cause.waiting} sessions that waited behind it, {longest}{tables}"
        return told, "deploy_let_go_waiters"
    if cause.cause == "seconds":
        others = f", {cause.waiting} in all" if cause.waiting > 1 else ""
        told = f"a session that waited behind it for {cause.seconds:.1f} s{tables}{others}"
        return told, "deploy_let_go_seconds"
    if cause.cause == "lag":
        told = f"the replica {cause.behind}, which was {cause.behind_seconds or 0:.1f} s behind"
        return told, "deploy_let_go_lag"
    return f"the replication slot {cause.behind}, which was near its end", "deploy_let_go_lag"


def _named(error: DatabaseError) -> Named | None:
    """What the server says of the table where it has found the error."""
    said = error.diag
    if not said.schema_name or not said.table_name:
        return None
    return Named(said.schema_name, said.table_name, said.column_name, said.constraint_name)


def _stopped(statement: Statement, error: GonogoError) -> Failure:
    return Failure(
        message=error.primary,
        sqlstate=None,
        detail=error.detail,
        hint=error.hint,
        file=statement.file,
        line=statement.line,
        statement=statement.opening,
        lost=False,
        committed=False,
    )


def _holders(session: Session, statement: Statement) -> tuple[Holder, ...]:
    tables = statement.tables
    rows = session.ask(_HOLDERS, ([t[0] for t in tables], [t[1] for t in tables]))
    return tuple(Holder(*row) for row in rows)
