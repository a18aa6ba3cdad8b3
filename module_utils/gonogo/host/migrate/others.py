# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""What others have to bear while a deployment works: who waits behind it, which replica is behind.

Every session may see who waits for whom (pg_locks, pg_blocking_pids) and how far a replication slot
is. A replica shows how far it is only to who may read all statistics.

Runs on the target host: Python 3.9, standard library only; sessions are psycopg's.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Lags", "Queue", "Slots", "Waiter", "Waiting", "behind", "waiting"]

# More than anybody waits for to be counted; each costs the server a moment.
_MOST = 2000
# Whoever waits for an advisory lock has asked to wait; and for the end of old transactions only
# builds CONCURRENTLY wait, behind which nobody does.
_LET_BE = "'advisory', 'virtualxid'"
# VACUUM, ANALYZE, a build CONCURRENTLY: they wait for their turn, and in nobody's way.
_MAINTENANCE = "ShareUpdateExclusiveLock"

# Of a session that waits for a row, its table is that of the row which is its turn next.
_WAITING = f"""
WITH locks AS MATERIALIZED (
    SELECT l.pid, l.virtualtransaction, l.locktype, l.mode, l.granted, l.database, l.relation
    FROM pg_catalog.pg_locks AS l
), waiting AS (
    SELECT l.pid, l.virtualtransaction, l.locktype = 'relation' AND l.mode = '{_MAINTENANCE}'
        AS maintenance,
        coalesce(l.relation, (SELECT max(t.relation) FROM locks AS t
            WHERE t.pid = l.pid AND t.locktype = 'tuple')) AS relation
    FROM locks AS l
    WHERE NOT l.granted AND l.pid IS NOT NULL AND l.locktype NOT IN ({_LET_BE})
    ORDER BY l.pid LIMIT {_MOST}
)
SELECT w.pid, coalesce(w.virtualtransaction, ''), w.maintenance,
    (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = w.relation),
    pg_catalog.pg_blocking_pids(w.pid)
FROM waiting AS w
"""

# Of a replica that is not for this login to see, all but the process is null.
_REPLICAS = """
SELECT r.pid, coalesce(nullif(r.application_name, ''), pg_catalog.host(r.client_addr),
        'process ' || r.pid), r.state,
    pg_catalog.pg_wal_lsn_diff(r.replay_lsn, '0/0')::text,
    extract(epoch FROM r.replay_lag)::float,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::text
FROM pg_catalog.pg_stat_replication AS r
WHERE r.state IS DISTINCT FROM 'backup'
"""

# Those that lose what they need with the next checkpoint, or have a tenth left of what they may
# keep. One that is lost already loses no more.
_ENDING = """
SELECT s.slot_name::text
FROM pg_catalog.pg_replication_slots AS s
CROSS JOIN (SELECT pg_catalog.pg_size_bytes(
    pg_catalog.current_setting('max_slot_wal_keep_size')) AS bytes) AS kept
WHERE s.wal_status = 'unreserved'
    OR s.wal_status <> 'lost' AND kept.bytes > 0 AND s.safe_wal_size < kept.bytes / 10
ORDER BY 1
"""


@dataclass(frozen=True)
class Waiter:
    """A session that waits for a lock, of `table` where it is one of a table or of a row of it; for
    whom it waits."""

    pid: int
    transaction: str
    maintenance: bool
    table: str | None
    blockers: Collection[int]


@dataclass(frozen=True)
class Waiting:
    """How many wait, the longest for so many seconds, and for which tables."""

    sessions: int = 0
    seconds: float = 0.0
    tables: Sequence[str] = ()


def waiting(connection: Any) -> list[Waiter]:
    """Everybody who waits for a lock now."""
    rows = connection.execute(_WAITING).fetchall()
    return [Waiter(pid, which, own, table, blockers) for pid, which, own, table, blockers in rows]


def behind(pid: int, everybody: Sequence[Waiter]) -> list[Waiter]:
    """Those that wait for the process, or for one that waits for it, and so on.

    Who is behind a request that only waits itself is behind it, too: a queue for a lock is in the
    order in which they came.
    """
    found: list[Waiter] = []
    reached, left = {pid}, [one for one in everybody if one.pid != pid]
    while True:
        more = [one for one in left if not reached.isdisjoint(one.blockers)]
        if not more:
            return found
        found += more
        reached.update(one.pid for one in more)
        left = [one for one in left if one.pid not in reached]


@dataclass
class Queue:
    """Who waits behind a process, from look to look.

    How long is counted from the first look that has seen it there: whoever has waited for somebody
    else before has not waited for the process by then.
    """

    pid: int
    _since: Mapping[tuple[int, str], float] = field(default_factory=dict)

    def look(self, connection: Any) -> Waiting:
        """Who waits now. Database errors pass through."""
        return self.seen(waiting(connection), time.monotonic())

    def seen(self, everybody: Sequence[Waiter], moment: float) -> Waiting:
        """The same of who waits at this moment."""
        ours = [one for one in behind(self.pid, everybody) if not one.maintenance]
        since = {(w.pid, w.transaction): moment for w in ours}
        self._since = {key: self._since.get(key, now) for key, now in since.items()}
        longest = max((moment - first for first in self._since.values()), default=0.0)
        tables = sorted({one.table for one in ours if one.table})
        return Waiting(len(self._since), longest, tables)


@dataclass
class _Replica:
    # What has to be replayed, and since when it was there to be.
    wanted: int
    since: float

    def seconds(self, replayed: int, written: int, moment: float) -> float:
        if replayed >= self.wanted:
            self.wanted, self.since = written, moment
        return moment - self.since


@dataclass
class Lags:
    """How far replicas are behind, from look to look.

    The server's own measure stands still where a replica does, so the time since which something
    has not been replayed is counted as well. A replica that was behind by more than `allowed` when
    it was seen first is left alone: it is `apart`.
    """

    allowed: float
    apart: dict[int, str] = field(default_factory=dict)
    _replicas: dict[int, _Replica] = field(default_factory=dict)

    def look(self, connection: Any) -> dict[str, float]:
        """Replica → seconds. Database errors pass through; raises LookupError where the login may
        not see them."""
        return self.seen(connection.execute(_REPLICAS).fetchall(), time.monotonic())

    def seen(self, rows: Sequence[Sequence[Any]], moment: float) -> dict[str, float]:
        """The same of these rows at this moment."""
        found: dict[str, float] = {}
        for pid, name, state, replayed, said, written in rows:
            if state is None:
                raise LookupError("the login is no member of pg_monitor")
            if replayed is None:
                # It takes the WAL and replays nothing.
                continue
            at, now = int(replayed), int(written)
            if pid not in self._replicas:
                self._replicas[pid] = _Replica(now, moment)
                if state != "streaming" or (said or 0.0) > self.allowed:
                    self.apart[pid] = name
            seconds = self._replicas[pid].seconds(at, now, moment)
            if pid not in self.apart:
                # What the server has measured last says nothing of who has replayed all.
                found[name] = max(seconds, float(said or 0.0) if at < now else 0.0)
        return found


@dataclass
class Slots:
    """Which replication slots come near their end; those that were there at the first look are
    `apart`."""

    apart: Collection[str] | None = None

    def look(self, connection: Any) -> list[str]:
        """Their names. Database errors pass through."""
        return self.seen([name for (name,) in connection.execute(_ENDING).fetchall()])

    def seen(self, names: Sequence[str]) -> list[str]:
        """The same of these that are near their end now."""
        if self.apart is None:
            self.apart = set(names)
        return [name for name in names if name not in self.apart]
