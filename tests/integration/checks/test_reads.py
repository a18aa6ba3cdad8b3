"""No check reads a table again for each row of it or of another: on a large database that takes
longer than any limit allows, and the script ends with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.support import scripts
from tests.integration.support.harness import Database

# Rows in the tables that grow are as many times those of the usual sandbox.
_SCALE = 20
_LARGE = 1000
# How often all scripts together may read a row, whichever table it is in.
_OFTEN = 300
# When a server has counted what a session has read that is closed.
_COUNTED_SECONDS = 10.0

_READ = """
SELECT relname, seq_tup_read / n_live_tup FROM pg_catalog.pg_stat_user_tables
WHERE schemaname = 'public' AND n_live_tup >= %s"""


@pytest.fixture
def large(cluster: Cluster) -> Iterator[Database]:
    name = "large"
    content.create(cluster, database=name, profile="target", scale=_SCALE, environment="sandbox")
    with cluster.connect(name) as admin:
        admin.execute("VACUUM (ANALYZE)")
        admin.execute("SELECT pg_stat_reset()")
        admin.execute("VACUUM (ANALYZE)")
    yield Database(cluster, name, "target")
    content.drop(cluster, name)


def test_no_table_is_read_for_each_row(large: Database, tmp_path: Path) -> None:
    found = scripts.answers(large, scripts.PHASES, tmp_path)
    assert not found.errors
    read = _read(large)
    assert {"workflow_stage_actions", "workflow_stages", "workflow_instances"} <= set(read)
    assert {table: times for table, times in read.items() if times > _OFTEN} == {}


def _read(database: Database) -> dict[str, int]:
    """Table → how often each of its rows was read, once the server has counted it."""
    deadline, read = time.monotonic() + _COUNTED_SECONDS, dict[str, int]()
    while time.monotonic() < deadline:
        with database.admin() as connection:
            found: dict[str, int] = dict(connection.execute(_READ, [_LARGE]).fetchall())
        if read and found == read and min(read.values()) > 0:
            break
        read = found
        time.sleep(0.5)
    return read
