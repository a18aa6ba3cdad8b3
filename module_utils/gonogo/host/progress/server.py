# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""What PostgreSQL says of the work of this run's sessions: its views pg_stat_progress_*.

They are asked of a session of the run, so "this run" is whose run id is in its name. None of these
queries takes a lock of a table, or looks at a row of one.

Runs on the target host: Python 3.9, standard library only; sessions are psycopg's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...contract.records.progress import Touched
from ...contract.schemas import OF_USERS
from .telling import Step, lent

__all__ = ["Copy", "builds", "copies", "estimates", "look_for_builds", "touched"]

# The first version with pg_stat_progress_copy.
_COPY = 140000

_OURS = """
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid
    LEFT JOIN pg_catalog.pg_class AS c
        ON c.oid = p.relid AND p.datname = pg_catalog.current_database()
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.application_name LIKE 'gonogo:%:%'
    AND pg_catalog.split_part(a.application_name, ':', 2) = pg_catalog.split_part(
        pg_catalog.current_setting('application_name'), ':', 2)
"""
_COPIES = f"""
SELECT p.relid::bigint,
    CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END,
    p.tuples_processed
FROM pg_catalog.pg_stat_progress_copy AS p {_OURS} AND p.relid <> 0
ORDER BY p.tuples_processed DESC
"""
_BUILDS = f"""
SELECT CASE WHEN c.oid IS NULL THEN 'an index'
        ELSE 'index on ' || pg_catalog.format('%I.%I', n.nspname, c.relname) END,
    CASE WHEN p.blocks_total > 0 THEN 100 * p.blocks_done / p.blocks_total
        WHEN p.tuples_total > 0 THEN 100 * p.tuples_done / p.tuples_total END,
    p.phase
FROM pg_catalog.pg_stat_progress_create_index AS p {_OURS}
ORDER BY a.query_start
"""
# What autovacuum has counted last; of a table that it has never seen, what was written since.
_ESTIMATES = f"""
SELECT c.oid::bigint,
    greatest(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND {OF_USERS}
"""


@dataclass(frozen=True)
class Copy:
    """A COPY at work. `name` is None where the table is one of another database."""

    table: int
    name: str | None
    rows: int


def copies(connection: Any) -> list[Copy] | None:
    """The COPYs of this run, None where the server does not tell."""
    if connection.info.server_version < _COPY:
        return None
    # Without values the driver leaves the per cent signs alone.
    rows = connection.execute(_COPIES).fetchall()
    return [Copy(int(table), name, int(done)) for table, name, done in rows]


def builds(connection: Any) -> list[Touched]:
    """The indexes that this run builds, with the phase and the share of it that is done."""
    return [
        Touched(f"{name}, {phase}", None if percent is None else min(int(percent), 100))
        for name, percent, phase in connection.execute(_BUILDS).fetchall()
    ]


def estimates(connection: Any) -> dict[int, int]:
    """OID → rows, about, of every table that a dump has rows of."""
    return {int(oid): int(rows) for oid, rows in connection.execute(_ESTIMATES).fetchall()}


def look_for_builds(step: Step) -> None:
    """The look of a step in which indexes may be built."""
    with lent() as connection:
        step.touch(builds(connection))


def touched(found: Sequence[Copy]) -> list[Touched]:
    """The tables that are copied, as far as they have names here."""
    return [Touched(copy.name) for copy in found if copy.name]
