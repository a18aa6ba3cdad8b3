# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""Who is at work on the server right before a deployment, and for whom it would have to wait.

Only the catalog and the statistics of the server are asked, each question for `_ASKING` at most,
and no table of the database. A session is judged by the locks that it has and by what the server
says of it, never by the name that it gives itself. The text of no query is read.

Anybody may see which locks there are. Since when a session of another role has its own, and what
it does, is shown to members of pg_read_all_stats: what is not shown is said to be unknown.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.records.activity import Activity, Backend, Conflict, Occupant
from ...contract.records.migration import Plan, Statement
from ...contract.redaction import redacted
from ...contract.schemas import OF_USERS
from ..session.connection import DatabaseError, described
from .locks_needed import Needed, needed

__all__ = ["look"]

# A transaction that is older is told, whatever it has locked.
_LONG_SECONDS = 60.0
# Fewer connections than these that are left are told: what follows a deployment needs some.
_FEW_CONNECTIONS = 5
# A replica that is further behind is told.
_BEHIND_BYTES = 256 << 20
_BEHIND_SECONDS = 60.0
# A slot that nobody uses and that keeps more WAL is told.
_KEPT_BYTES = 64 << 20
# A table is told from this part of the age at which autovacuum has to prevent wraparound.
_NEAR = 0.95
# Whoever has locked this part of all tables to read them, and nothing else, is a dump.
_OF_A_DUMP = 0.9
_DUMPS = ("pg_dump", "pg_dumpall")
# So many are told.
_MOST = 20
_ASKING = "5s"

_HERE = "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())"
_IN_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_NOW = (
    "CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
    " ELSE pg_catalog.pg_current_wal_lsn() END"
)

_LOCKS = f"""
SELECT l.pid, l.virtualtransaction, n.nspname || '.' || c.relname, l.mode
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_locks AS l ON l.relation = c.oid
WHERE n.nspname || '.' || c.relname = ANY (%s::text[])
    AND l.locktype = 'relation' AND l.granted AND l.database = {_HERE}
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
"""
# Of each session, on how many tables of users it has a lock, and whether all it has are to read.
_HOLDS = f"""
SELECT l.pid, count(DISTINCT l.relation), bool_and(l.mode = 'AccessShareLock')
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND l.granted AND l.database = {_HERE} AND l.pid IS NOT NULL
    AND c.relkind IN ('r', 'p') AND {OF_USERS}
GROUP BY l.pid
"""
_TABLES = f"""
SELECT count(*)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {OF_USERS}
"""
# `leader_pid` is that of a parallel query. Of another role's session, all from `client` on is
# hidden from who is no member of pg_read_all_stats. An autovacuum says in the place of its query
# what it is there for, and nothing else.
_SESSIONS = f"""
SELECT a.pid, a.datid IS NOT NULL, a.datid IS NOT DISTINCT FROM {_HERE}, a.usename::text,
    a.usesysid IS NOT NULL, a.usename = session_user, coalesce(a.application_name, ''),
    a.backend_xmin IS NOT NULL, a.backend_xid IS NOT NULL,
    coalesce(host(a.client_addr), CASE WHEN a.client_port = -1 THEN 'local' END),
    a.state, a.backend_type, a.leader_pid,
    {_IN_UTC.format("coalesce(a.xact_start, a.backend_start)")},
    extract(epoch FROM clock_timestamp() - a.xact_start)::float,
    CASE WHEN a.state LIKE 'idle%'
        THEN extract(epoch FROM clock_timestamp() - a.state_change)::float END,
    coalesce(a.backend_type = 'autovacuum worker'
        AND a.query LIKE 'autovacuum: % (to prevent wraparound)', false)
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid <> pg_catalog.pg_backend_pid()
"""
# Its locks have no process. They are known by the one on its own number: which virtual transaction
# they are told under differs between versions, and before and after a restart.
_PREPARED = f"""
SELECT (
        SELECT l.virtualtransaction FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'transactionid' AND l.transactionid = p.transaction
            AND l.pid IS NULL AND l.granted
        LIMIT 1),
    p.gid, p.owner::text, {_IN_UTC.format("p.prepared")},
    extract(epoch FROM clock_timestamp() - p.prepared)::float
FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = current_database()
"""
_VACUUMS = """
SELECT v.pid, n.nspname || '.' || c.relname
FROM pg_catalog.pg_stat_progress_vacuum AS v
JOIN pg_catalog.pg_class AS c ON c.oid = v.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE v.datname = current_database()
"""
_BUILDS = """
SELECT b.pid, n.nspname || '.' || c.relname
FROM pg_catalog.pg_stat_progress_create_index AS b
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = b.relid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE b.datname = current_database() AND b.pid <> pg_catalog.pg_backend_pid()
"""
_BASE_BACKUPS = """
SELECT b.pid, b.backup_streamed::float, b.backup_total::float
FROM pg_catalog.pg_stat_progress_basebackup AS b
"""
# Who only keeps the WAL replays none.
_REPLICAS = f"""
SELECT r.pid, r.state,
    pg_catalog.pg_wal_lsn_diff({_NOW}, coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn))::float,
    extract(epoch FROM r.replay_lag)::float
FROM pg_catalog.pg_stat_replication AS r
"""
_SLOTS = f"""
SELECT s.slot_name::text, s.wal_status, pg_catalog.pg_wal_lsn_diff({_NOW}, s.restart_lsn)::float
FROM pg_catalog.pg_replication_slots AS s
WHERE NOT s.active AND NOT s.temporary
"""
# How old a table is, as a part of the age at which it has to be vacuumed; its TOAST table counts.
_AGES = """
SELECT n.nspname || '.' || c.relname,
    greatest(age(c.relfrozenxid), age(t.relfrozenxid))::float / least(
        current_setting('autovacuum_freeze_max_age')::float,
        (SELECT o.option_value::float FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
         WHERE o.option_name = 'autovacuum_freeze_max_age')),
    greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid))::float / least(
        current_setting('autovacuum_multixact_freeze_max_age')::float,
        (SELECT o.option_value::float FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
         WHERE o.option_name = 'autovacuum_multixact_freeze_max_age'))
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm') AND n.nspname || '.' || c.relname = ANY (%s::text[])
"""
# What is reserved is no session's of an ordinary role. A superuser has it all; who is one has no
# limit of its own, either.
_LIMITS = """
SELECT current_setting('max_connections')::integer
    - CASE WHEN r.rolsuper THEN 0
        ELSE current_setting('superuser_reserved_connections')::integer
            + CASE WHEN EXISTS (
                SELECT FROM pg_catalog.pg_roles AS m
                WHERE m.rolname = 'pg_use_reserved_connections'
                    AND pg_catalog.pg_has_role(r.oid, m.oid, 'USAGE'))
              THEN 0
              ELSE coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::integer
              END
      END,
    CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit END,
    CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit END
FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d
WHERE r.rolname = session_user AND d.datname = current_database()
"""
_TIMEOUT = "SELECT pg_catalog.current_setting('statement_timeout')"
_SET_TIMEOUT = "SELECT pg_catalog.set_config('statement_timeout', %s, false)"

# The worst first.
_EFFECTS = ("hold", "slow", "unknown")
_IDLE = "idle in transaction"


@dataclass(frozen=True)
class _Session:
    """A row of pg_stat_activity, see `_SESSIONS`."""

    pid: int
    connected: bool
    here: bool
    role: str | None
    of_a_role: bool
    ours: bool | None
    application_name: str
    has_snapshot: bool
    has_xid: bool
    client: str | None
    state: str | None
    backend_type: str | None
    leader_pid: int | None
    since: str | None
    seconds: float | None
    idle_seconds: float | None
    prevents_wraparound: bool

    @property
    def hidden(self) -> bool:
        return self.backend_type is None

    @property
    def counts(self) -> bool:
        """Whether it takes one of max_connections, as far as that is seen."""
        if self.hidden:
            return self.of_a_role and self.connected
        return self.backend_type == "client backend"

    @property
    def vacuums(self) -> bool:
        """Whether it is an autovacuum; no other process of a database is no role's."""
        if self.hidden:
            return self.here and not self.of_a_role
        return self.backend_type == "autovacuum worker"

    @property
    def helps(self) -> bool:
        """Whether it is part of another session's query."""
        return self.leader_pid not in (None, self.pid)

    @property
    def backend(self) -> Backend:
        return Backend(
            pid=self.pid,
            role=self.role,
            application_name=redacted(self.application_name),
            client=self.client,
            state=self.state,
            since=self.since,
            seconds=_rounded(self.seconds),
            idle_seconds=_rounded(self.idle_seconds),
        )


@dataclass
class _Asking:
    """Asks one question after the other; those that were not answered are kept."""

    connection: Any
    unanswered: list[Occupant] = field(default_factory=list)

    def rows(self, name: str, query: str, values: Sequence[object] = ()) -> list[Any] | None:
        try:
            found: list[Any] = self.connection.execute(query.encode(), values or None).fetchall()
        except DatabaseError as error:
            if self.connection.closed:
                raise
            self._note(name, str(described(error)["message"]))
        except UnicodeDecodeError:
            # The names of a whole server are in no encoding.
            self._note(name, "a name is in another encoding than this database")
        else:
            return found
        return None

    def _note(self, name: str, text: str) -> None:
        self.unanswered.append(Occupant("unknown", "unknown", name=name, text=redacted(text)))


@dataclass(frozen=True)
class _Seen:
    """What was asked of the server, and what it is judged by."""

    needed: Needed
    budgets: Budgets
    sessions: Mapping[int, _Session]
    # The lock of a session, by its pid, or of a prepared transaction → tables and modes.
    conflicts: Mapping[object, Sequence[Conflict]]
    # Of a session: on how many tables it has a lock, and whether all it has are to read.
    holds: Mapping[int, tuple[int, bool]]
    tables: int
    vacuumed: Mapping[int, str]
    built: Mapping[int, str | None]

    @property
    def patience(self) -> float:
        """For how long a deployment tries to get its locks."""
        return self.budgets.attempts * (self.budgets.lock + self.budgets.wait)


def look(
    connection: Any,
    plan: Plan,
    budgets: Budgets,
    skip: Callable[[Statement], bool] = lambda _statement: False,
) -> Activity:
    """What is at work on the server of an autocommit session; changes nothing.

    `plan` is what is to be applied, but for the statements that `skip` tells.
    """
    started = time.monotonic()
    with _hurried(connection):
        wanted = needed(connection, plan, skip)
        asking = _Asking(connection)
        found = [*_occupants(asking, wanted, budgets), *asking.unanswered]
    found.sort(key=_rank)
    return Activity(
        seconds=round(time.monotonic() - started, 3),
        rehearsed=wanted.rehearsed,
        tables=wanted.tables,
        occupants=tuple(found[:_MOST]),
        more=max(len(found) - _MOST, 0),
    )


@contextmanager
def _hurried(connection: Any) -> Iterator[None]:
    """No question takes long; afterwards the limit of the session is what it was."""
    before = connection.execute(_TIMEOUT).fetchone()[0]
    connection.execute(_SET_TIMEOUT, [_ASKING])
    yield
    connection.execute(_SET_TIMEOUT, [before])


def _rank(one: Occupant) -> tuple[int, bool, float]:
    seconds = one.backend.seconds if one.backend else None
    return _EFFECTS.index(one.effect), not (one.conflicts or one.snapshot), -(seconds or 0.0)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(seconds, 0.0), 1)


def _occupants(asking: _Asking, wanted: Needed, budgets: Budgets) -> Iterator[Occupant]:
    names = [[*wanted.tables]]
    # First the locks: whoever has one and is not there afterwards has ended.
    locks = asking.rows("locks", _LOCKS, names) or []
    holds = asking.rows("locks of all tables", _HOLDS) or []
    sessions = asking.rows("sessions", _SESSIONS)
    counted = asking.rows("tables", _TABLES)
    seen = _Seen(
        needed=wanted,
        budgets=budgets,
        sessions={row[0]: _Session(*row) for row in sessions or ()},
        conflicts=_conflicts(wanted, locks),
        holds={pid: (tables, reads) for pid, tables, reads in holds},
        tables=counted[0][0] if counted else 0,
        vacuumed=dict(asking.rows("vacuums", _VACUUMS) or ()),
        built=dict(asking.rows("index builds", _BUILDS) or ()),
    )
    if sessions is None:
        yield from _unseen_holders(seen)
    yield from _transactions(seen)
    yield from _prepared(seen, asking.rows("prepared transactions", _PREPARED) or [])
    yield from _autovacuums(seen)
    yield from _ages(asking.rows("age of the tables", _AGES, names) or [])
    yield from _base_backups(seen, asking.rows("base backups", _BASE_BACKUPS) or [])
    yield from _replicas(seen, asking.rows("replicas", _REPLICAS) or [])
    yield from _slots(asking.rows("replication slots", _SLOTS) or [])
    if sessions is not None:
        yield from _connections(seen, asking.rows("limits of connections", _LIMITS) or [])
        yield from _hidden(seen)


def _conflicts(wanted: Needed, locks: Sequence[Any]) -> dict[object, list[Conflict]]:
    """By the pid of a session, or the virtual transaction of what is prepared."""
    found: dict[object, list[Conflict]] = {}
    for pid, transaction, table, mode in sorted(locks, key=lambda row: row[2:]):
        against, certain = wanted.against(table, mode)
        if against:
            holder = transaction if pid is None else pid
            found.setdefault(holder, []).append(Conflict(table, mode, against, certain))
    return found


def _unseen_holders(seen: _Seen) -> Iterator[Occupant]:
    """Who has a lock, where nobody has said what the sessions do."""
    for holder, conflicts in seen.conflicts.items():
        if isinstance(holder, int):
            unseen = Backend(holder, None, "", None, None, None, None, None)
            yield Occupant("transaction", "unknown", unseen, tuple(conflicts))


def _transactions(seen: _Seen) -> Iterator[Occupant]:
    """Sessions of this database with an open transaction that is worth a word."""
    for session in seen.sessions.values():
        if not session.here or session.vacuums or session.helps:
            continue
        conflicts = tuple(seen.conflicts.get(session.pid, ()))
        snapshot = seen.needed.snapshots and session.has_snapshot
        kind = _kind(seen, session)
        found = Occupant(
            kind,
            _effect(seen, session, kind, conflicts, snapshot=snapshot),
            session.backend,
            conflicts,
            name=seen.built.get(session.pid),
            snapshot=snapshot,
        )
        if _is_told(seen, session, found):
            yield found


def _kind(seen: _Seen, session: _Session) -> str:
    if session.pid in seen.built:
        return "index_build"
    tables, reads = seen.holds.get(session.pid, (0, False))
    # Whatever it calls itself: a dump only reads, and its locks last as long as itself.
    only_reads = tables > 0 and reads and session.has_snapshot and not session.has_xid
    most = tables > 1 and tables >= _OF_A_DUMP * seen.tables
    named = session.application_name in _DUMPS
    return "dump" if only_reads and (most or named) else "transaction"


def _effect(
    seen: _Seen,
    session: _Session,
    kind: str,
    conflicts: Sequence[Conflict],
    *,
    snapshot: bool,
) -> Any:
    if session.seconds is None:
        return "unknown"
    if not snapshot and conflicts and not any(one.certain for one in conflicts):
        return "unknown"
    idle = (session.state or "").startswith(_IDLE)
    lasting = idle and (session.idle_seconds or 0.0) > seen.patience
    lasting |= kind == "dump" and session.seconds > seen.patience
    return "hold" if lasting and (conflicts or snapshot) else "slow"


def _is_told(seen: _Seen, session: _Session, found: Occupant) -> bool:
    """What has just begun is the application's traffic; it is not told."""
    if found.kind != "transaction":
        return True
    if session.seconds is None:
        # A session without a transaction has no lock; of one that is hidden nothing else is known.
        return bool(found.conflicts or found.snapshot)
    conflicts = found.conflicts or found.snapshot
    least = min(seen.budgets.lock, _LONG_SECONDS) if conflicts else _LONG_SECONDS
    return session.seconds >= least


def _prepared(seen: _Seen, rows: Sequence[Any]) -> Iterator[Occupant]:
    for transaction, name, owner, since, seconds in rows:
        conflicts = tuple(seen.conflicts.get(transaction, ()))
        if not conflicts and seconds < _LONG_SECONDS:
            continue
        certain = any(one.certain for one in conflicts)
        effect: Any = "hold" if certain else "unknown" if conflicts else "slow"
        backend = Backend(None, owner, "", None, "prepared", since, _rounded(seconds), None)
        yield Occupant("prepared", effect, backend, conflicts, name=redacted(name))


def _autovacuums(seen: _Seen) -> Iterator[Occupant]:
    for session in seen.sessions.values():
        if not session.here or not session.vacuums:
            continue
        conflicts = tuple(seen.conflicts.get(session.pid, ()))
        kind = "wraparound" if session.prevents_wraparound else "autovacuum"
        if not conflicts and kind == "autovacuum":
            # It gives way, and is gone at any moment.
            continue
        certain = any(one.certain for one in conflicts)
        unsure = session.hidden or (conflicts and not certain)
        lasting = "hold" if kind == "wraparound" and certain else "slow"
        effect: Any = "unknown" if unsure else lasting
        name = seen.vacuumed.get(session.pid)
        yield Occupant(kind, effect, session.backend, conflicts, name=name)


def _ages(rows: Sequence[Any]) -> Iterator[Occupant]:
    for name, transactions, multixacts in rows:
        part = max(transactions or 0.0, multixacts or 0.0)
        if part >= _NEAR:
            yield Occupant("freeze", "slow", name=name, numbers={"part": round(part, 3)})


def _base_backups(seen: _Seen, rows: Sequence[Any]) -> Iterator[Occupant]:
    for pid, sent, total in rows:
        session = seen.sessions.get(pid)
        told = {"sent": sent, "total": total}
        yield Occupant(
            "base_backup",
            "slow",
            session.backend if session else None,
            numbers={key: number for key, number in told.items() if number is not None},
        )


def _replicas(seen: _Seen, rows: Sequence[Any]) -> Iterator[Occupant]:
    hidden = 0
    for pid, state, behind, seconds in rows:
        session = seen.sessions.get(pid)
        if state is None:
            hidden += 1
        late = (behind or 0.0) >= _BEHIND_BYTES or (seconds or 0.0) >= _BEHIND_SECONDS
        if state == "backup" or not (late or state in ("startup", "catchup")):
            continue
        told = {"bytes": behind, "seconds": seconds}
        yield Occupant(
            "replica",
            "slow",
            session.backend if session else None,
            name=redacted(session.application_name) if session else None,
            numbers={key: number for key, number in told.items() if number is not None},
        )
    if hidden:
        yield Occupant("hidden", "unknown", name="walsenders", numbers={"sessions": hidden})


def _slots(rows: Sequence[Any]) -> Iterator[Occupant]:
    for name, status, kept in rows:
        if (kept or 0.0) >= _KEPT_BYTES or status in ("unreserved", "lost"):
            told = {} if kept is None else {"bytes": kept}
            yield Occupant("slot", "slow", name=name, text=status, numbers=told)


def _connections(seen: _Seen, rows: Sequence[Any]) -> Iterator[Occupant]:
    """The limits that hold for the login; its own session counts as well."""
    counting = [one for one in seen.sessions.values() if one.counts]
    used = {
        "max_connections": counting,
        "of the database": [one for one in counting if one.here],
        "of the role": [one for one in counting if one.ours],
    }
    for row in rows:
        for (name, taken), limit in zip(used.items(), row):
            left = None if limit is None else limit - len(taken) - 1
            if left is None or left >= _FEW_CONNECTIONS:
                continue
            # What is hidden may be no session of a client.
            none_left: Any = "unknown" if any(one.hidden for one in taken) else "hold"
            yield Occupant(
                "connections",
                none_left if left <= 0 else "slow",
                name=name,
                numbers={"left": max(left, 0), "limit": limit},
            )


def _hidden(seen: _Seen) -> Iterator[Occupant]:
    found = Counter(one.here for one in seen.sessions.values() if one.hidden and one.of_a_role)
    if found[True]:
        yield Occupant("hidden", "unknown", name="database", numbers={"sessions": found[True]})
