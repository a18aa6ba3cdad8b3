"""What a server takes for a standby: a client that says itself how far it has replayed."""

from __future__ import annotations

import struct
from types import TracebackType

import psycopg
from psycopg.conninfo import make_conninfo

from sandbox import logins
from sandbox.cluster import Cluster

__all__ = ["Replica"]

_OURS = "SELECT FROM pg_stat_replication WHERE application_name = %s AND {}"
_NOW = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"


class Replica:
    """One that has all there is when it begins, and nothing more before it is told."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster, self._name = cluster, name
        conninfo = make_conninfo(
            **cluster.conninfo(),
            password=logins.read_password(cluster.passfile, logins.SUPERUSER),
            application_name=name,
            replication="true",
        )
        self._session = psycopg.pq.PGconn.connect(conninfo.encode())
        begins = self._session.exec_(b"IDENTIFY_SYSTEM").get_value(0, 2)
        assert begins is not None, self._session.error_message
        self._session.exec_(b"START_REPLICATION PHYSICAL " + begins)
        self._until("state = 'streaming'")
        self.replay()
        self._until("replay_lsn IS NOT NULL")

    def replay(self) -> None:
        """Replay all there is by now."""
        with self._cluster.connect() as admin:
            ((lsn,),) = admin.execute(_NOW).fetchall()
        status = struct.pack("!cQQQqB", b"r", int(lsn), int(lsn), int(lsn), 0, 0)
        self._session.put_copy_data(status)
        while self._session.flush():
            pass

    def __enter__(self) -> Replica:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.finish()
        self._until("true", is_so=False)

    def _until(self, condition: str, *, is_so: bool = True) -> None:
        query = _OURS.format(condition).encode()
        with self._cluster.connect() as admin:
            while bool(admin.execute(query, [self._name]).fetchall()) is not is_so:
                pass
