# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""The trace of a statement: seconds, locks, rewritten files, WAL, size, and who would wait.

Everything is read by the session that runs the statement, about itself; the owner of the tables
may do so without further rights. WAL is counted by the server as a whole, so what others write
meanwhile is in it: on a database in use it is an upper bound.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from ...contract.records.migration import Statement
from ...contract.records.trace import Lock, StatementTrace, Wait
from ...contract.schemas import OF_USERS
from . import single
from .application import Session

__all__ = ["BLOCKS", "WRITING", "Ahead", "Meter"]

# Modes of table locks that make an application wait, and for what.
BLOCKS = {
    "AccessExclusiveLock": "reads and writes",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
}
# What cannot be seen afterwards, because the server ends the transaction itself.
_OUTSIDE = "ShareUpdateExclusiveLock"
_TABLES = ("r", "p", "m")
_READING = ("AccessShareLock", "RowShareLock")
# By it rows are changed, and those that were there are locked until the transaction ends.
WRITING = "RowExclusiveLock"

_RELATIONS = f"""
SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint, (
    SELECT tn.nspname || '.' || t.relname
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
    WHERE i.indexrelid = c.oid)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I', 'v', 'S', 'f')
    AND {OF_USERS}
"""

# In one answer: what is asked between two statements lengthens the time others wait.
_LOCKS = """
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::text,
    (SELECT coalesce(json_agg(json_build_array(l.relation::bigint, l.mode)), '[]')::text
     FROM pg_catalog.pg_locks AS l
     WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
         AND l.database = (
             SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
         AND l.relation >= 16384),
    (SELECT coalesce(json_object_agg(s.relation::bigint, s.rows), '{}')::text
     FROM (SELECT DISTINCT l.relation,
               pg_catalog.pg_stat_get_xact_tuples_returned(l.relation) AS rows
           FROM pg_catalog.pg_locks AS l
           WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
               AND l.relation >= 16384
               AND pg_catalog.pg_stat_get_xact_numscans(l.relation) > 0) AS s)
"""

# The relations that are locked, and the indexes of the tables among them, as they are now.
_STATE = """
SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint,
    CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(c.oid) END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname <> 'pg_toast' AND (c.oid = ANY (%(oids)s::oid[]) OR c.oid IN (
    SELECT i.indexrelid FROM pg_catalog.pg_index AS i WHERE i.indrelid = ANY (%(oids)s::oid[])))
"""

_SIZES = """
SELECT c.oid::bigint, pg_catalog.pg_total_relation_size(c.oid)
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE c.relkind IN ('r', 'm')
"""


@dataclass(frozen=True)
class Ahead:
    """A table to be locked before the statements: its name, that in SQL, and in which mode."""

    name: str
    quoted: str
    mode: str

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name."""
        schema, _, name = self.name.partition(".")
        return (schema, name)

    @property
    def sql(self) -> str:
        """The mode as LOCK TABLE takes it: `SHARE ROW EXCLUSIVE`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.mode.removesuffix("Lock")).upper()


# Of a relation, by its OID: name, kind, file, and the size of a table.
_State = dict[int, tuple[str, str, int, Optional[int]]]


@dataclass
class _Known:
    name: str
    kind: str
    filenode: int
    # Of an index: the table that nobody can use without it.
    table: str | None = None


@dataclass
class _Cost:
    """What a statement has cost so far; see StatementTrace."""

    statement: Statement
    seconds: float
    rows: int | None
    wal_bytes: int
    locks: list[Lock] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    held_seconds: float = 0.0
    rewritten_tables: tuple[str, ...] = ()
    rewritten_bytes: int = 0
    size_bytes: int = 0
    waits: list[Wait] = field(default_factory=list)
    scanned: dict[str, int] = field(default_factory=dict)

    def trace(self) -> StatementTrace:
        return StatementTrace(
            file=self.statement.file,
            line=self.statement.line,
            statement=self.statement.opening,
            seconds=round(self.seconds, 4),
            rows=self.rows,
            wal_bytes=self.wal_bytes,
            size_bytes=self.size_bytes,
            locks=tuple(self.locks),
            rewritten=tuple(self.rewritten),
            held_seconds=self.held_seconds,
            rewritten_tables=self.rewritten_tables,
            rewritten_bytes=self.rewritten_bytes,
            waits=tuple(self.waits),
            scanned=self.scanned,
        )


# Around what may be cancelled: a statement, or none where tables are locked ahead.
_Guard = Callable[[Optional[Statement]], AbstractContextManager[None]]


def _unguarded(_statement: Statement | None) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass
class Meter:
    """Measures the statements of one transaction. `begin` first, `end` when it is over.

    `guard` is around each statement alone, and around none of the questions in between.
    """

    connection: Any
    session: Session | None = None
    guard: _Guard = _unguarded
    existing: dict[int, _Known] = field(default_factory=dict)
    costs: list[_Cost] = field(default_factory=list)

    @property
    def traces(self) -> list[StatementTrace]:
        """Of the statements that were run; who had to wait is known at the end."""
        return [cost.trace() for cost in self.costs]

    def begin(self, tables: Sequence[tuple[str, str]]) -> None:
        """Look at what is there; `tables` are those whose size may change."""
        rows = self._ask(_RELATIONS)
        self.existing = {oid: _Known(name, *more) for oid, name, *more in rows}
        self._names = {known.name for known in self.existing.values()}
        self._of_index = {
            known.name: known.table for known in self.existing.values() if known.table
        }
        self._nodes = {oid: known.filenode for oid, known in self.existing.items()}
        self._oids = {known.name: oid for oid, known in self.existing.items()}
        self._sizes: dict[int, int] = {}
        self._held: set[tuple[int, str]] = set()
        # Tables that were there before and have a new file → its size.
        self._rewritten: dict[str, int] = {}
        # Table and what has to wait for it → moment of the lock, the statement that took it.
        self._blocking: dict[tuple[str, str], tuple[float, _Cost]] = {}
        # Tables that were locked before their statements: name → moment, and the mode.
        self._ahead: dict[str, float] = {}
        self._modes: dict[str, str] = {}
        # When the first statement began that has changed rows which may have been there.
        self._rows_since: float | None = None
        # Rows that were read of a table so far, in this transaction.
        self._read: dict[int, int] = {}
        self._written, _, _ = self._locks()
        if tables:
            wanted = [[t[0] for t in tables], [t[1] for t in tables]]
            self._sizes = dict(self._ask(_SIZES, wanted))

    @property
    def blocking_since(self) -> float | None:
        """When the first lock was taken for which the application would wait, if any was."""
        taken = [moment for moment, _ in self._blocking.values()]
        rows = [] if self._rows_since is None else [self._rows_since]
        return min((*taken, *rows, *self._ahead.values()), default=None)

    def knows(self, table: Sequence[str]) -> bool:
        """Whether the table was there before the transaction."""
        return ".".join(table) in self._names

    def lock_ahead(self, tables: Sequence[Ahead]) -> None:
        """Lock tables of one mode before the statements that need it.

        In the trace each lock stands with its statement. Database errors pass through.
        """
        started = time.monotonic()
        names = ", ".join(f"ONLY {table.quoted}" for table in tables)
        with self.guard(None):
            self.connection.execute(f"LOCK TABLE {names} IN {tables[0].sql} MODE".encode())
        for table in tables:
            self._ahead[table.name], self._modes[table.name] = started, table.mode

    def run(self, statement: Statement) -> None:
        """Run one statement and measure it. Database errors pass through."""
        started = time.monotonic()
        rows = 0
        with self.guard(statement):
            rows = single.run(self.connection, statement)
        seconds = time.monotonic() - started
        written, held, read = self._locks()
        counted = rows if statement.verb in {"INSERT", "UPDATE", "DELETE"} else None
        cost = _Cost(statement, seconds, counted, written - self._written)
        self._written = written
        if statement.outside:
            cost.locks = [Lock(".".join(t), _OUTSIDE, existing=True) for t in statement.tables]
        else:
            self._inside(cost, held, started)
            self._note_scans(cost, read)
        if self.blocking_since is not None:
            cost.held_seconds = round(started + seconds - self.blocking_since, 4)
            cost.rewritten_tables = tuple(sorted(self._rewritten))
            cost.rewritten_bytes = sum(self._rewritten.values())
        self.costs.append(cost)

    def end(self) -> None:
        """The transaction is over: whoever had to wait until then need not any more."""
        ended = time.monotonic()
        for (relation, blocks), (moment, cost) in self._blocking.items():
            cost.waits.append(Wait(relation, blocks, round(ended - moment, 4)))
        self._blocking, self._ahead, self._modes, self._rows_since = {}, {}, {}, None

    def _inside(self, cost: _Cost, held: set[tuple[int, str]], started: float) -> None:
        """A statement of a transaction: what it locks stays locked."""
        statement = cost.statement
        named = {".".join(table) for table in statement.tables}
        named |= {self._of_index[name] for name in named & self._of_index.keys()}
        # Where the text does not say it, the first statement is the one it was for.
        told = statement.lock != "unknown" or statement.verb == "INSERT"
        early = self._ahead.keys() - named if told else set()
        if self._rows_since is None and self._changes_rows(statement.lock, held):
            self._rows_since = started
        held = self._without(held, early) | self._held
        # What is only read keeps its file and its size.
        oids = sorted({oid for oid, mode in held if mode not in _READING} | self._unnamed(held))
        rows = self._ask(_STATE, {"oids": oids})
        state = {oid: (name, kind, node, size) for oid, name, kind, node, size in rows}
        self._note_locks(cost, held, started, state)
        self._held |= held
        self._note_files(cost, state)

    def _without(self, held: set[tuple[int, str]], early: set[str]) -> set[tuple[int, str]]:
        """Without what was locked already, and not for this statement."""
        return {
            (oid, mode)
            for oid, mode in held
            if not (
                oid in self.existing
                and self.existing[oid].name in early
                and self._modes[self.existing[oid].name] == mode
            )
        }

    def _note_locks(
        self, cost: _Cost, held: set[tuple[int, str]], started: float, state: _State
    ) -> None:
        for oid, mode in sorted(held - self._held):
            known = self.existing.get(oid)
            name, kind = (known.name, known.kind) if known else state.get(oid, (None, None))[:2]
            # Of what is no table, only what somebody would wait for.
            stops = known is not None and mode in BLOCKS
            if name is None or (kind not in _TABLES and not stops):
                continue
            cost.locks.append(Lock(name, mode, existing=known is not None))
            if known and stops:
                moment = self._ahead.get(name, started)
                moment = moment if self._modes.get(name) == mode else started
                # Who plans a query opens every index of its tables.
                used = known.table or name
                self._blocking.setdefault((used, BLOCKS[mode]), (moment, cost))

    def _note_scans(self, cost: _Cost, read: Mapping[int, int]) -> None:
        for oid, rows in sorted(read.items()):
            known = self.existing.get(oid)
            more = rows - self._read.get(oid, 0)
            if known and known.kind in _TABLES and more > 0:
                cost.scanned[known.name] = more
        self._read.update(read)

    def _note_files(self, cost: _Cost, state: _State) -> None:
        for oid, (name, kind, node, size) in sorted(state.items(), key=lambda item: item[1][0]):
            # An index of a column whose type changes is made anew under its name.
            anew = self._oids.get(name, oid) != oid
            if anew or (oid in self._nodes and node and self._nodes[oid] != node):
                cost.rewritten.append(name)
                if oid in self.existing and kind in _TABLES:
                    self._rewritten[name] = int(size or 0)
            self._nodes[oid], self._oids[name] = node, oid
            if size is not None:
                before = self._sizes.get(oid, size if oid in self.existing else 0)
                cost.size_bytes += int(size - before)
                self._sizes[oid] = size

    def _changes_rows(self, lock: str, held: set[tuple[int, str]]) -> bool:
        """Whether a statement has changed rows that were there, or may have."""
        if lock == "none":
            return False
        # Another statement may have added rows to the same table before.
        locks = held if lock == "rows" else held - self._held
        return any(
            mode == WRITING and oid in self.existing and self.existing[oid].kind in _TABLES
            for oid, mode in locks
        )

    def _unnamed(self, held: set[tuple[int, str]]) -> set[int]:
        """What is locked and was not there before: only the catalog knows its name."""
        return {oid for oid, _ in held - self._held if oid not in self.existing}

    def _locks(self) -> tuple[int, set[tuple[int, str]], dict[int, int]]:
        """WAL the server has written so far, the locks of this session, and what it has read."""
        ((written, locks, read),) = self._ask(_LOCKS)
        held = {(oid, mode) for oid, mode in json.loads(locks)}
        return int(written), held, {int(oid): rows for oid, rows in json.loads(read).items()}

    def _ask(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        return (self.session or Session(self.connection)).ask(query, values)
