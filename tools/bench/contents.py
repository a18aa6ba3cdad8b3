"""What makes a database big: rows of text beside the application's own, or tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import database, logins

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from sandbox.cluster import Cluster

PROFILE = "target"
ENVIRONMENT = "sandbox"

_SQL = Path(__file__).parent / "sql"

# All tables of a batch are locked until its transaction ends, and the server's room for locks is
# limited.
_BATCH = 100


def create(cluster: Cluster, name: str, *, scale: int, texts: Sequence[int] = ()) -> int:
    """Create a database of the sandbox's kind; return its size in bytes.

    ``scale`` is the sandbox's; ``texts`` are the numbers of rows in further tables, of 450 bytes
    each. Raises: SandboxError.
    """
    database.create(cluster, database=name, profile=PROFILE, scale=scale, environment=ENVIRONMENT)
    for table, rows in enumerate(texts, start=1):
        with cluster.connect(name, logins.OWNER) as owner, owner.transaction():
            _run(owner, "texts.sql", texts=rows, first=sum(texts[: table - 1]) + 1)
            owner.execute(f"ALTER TABLE public.document_texts RENAME TO document_texts_{table}")
    settle(cluster, name)
    with cluster.connect(name) as admin:
        row = admin.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0])


def add_tables(cluster: Cluster, name: str, *, first: int, last: int) -> None:
    """Create the tables of these numbers; those before are there."""
    with cluster.connect(name, logins.OWNER) as owner:
        for start in range(first, last + 1, _BATCH):
            with owner.transaction():
                _run(owner, "tables.sql", first=start, last=min(start + _BATCH - 1, last))
    settle(cluster, name)


def settle(cluster: Cluster, name: str) -> None:
    """Do at once what autovacuum would otherwise do in the middle of a measurement."""
    with cluster.connect(name) as admin:
        admin.execute("VACUUM (ANALYZE)")
        admin.execute("CHECKPOINT")


def _run(connection: psycopg.Connection, file: str, **settings: int) -> None:
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, true)", (f"bench.{name}", str(value)))
    connection.execute((_SQL / file).read_bytes())
