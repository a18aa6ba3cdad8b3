"""As many tables as pg_dump can dump by itself, on a server with little room for locks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.host.compare import source
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.run.test_run import SANDBOX
from tests.integration.support.harness import Controller, Database
from tests.integration.support.twins import Rehearsal

# Room for locks is in proportion to their product.
SMALL = {
    "max_locks_per_transaction": "32",
    "max_connections": "20",
    "max_wal_senders": "0",
    "max_worker_processes": "0",
    "autovacuum_max_workers": "1",
}
_AT_ONCE = 20


@pytest.fixture
def small(tmp_path: Path, server_bin: Path | None) -> Iterator[Cluster]:
    """A server of its own: one keeps for its locks what shared memory they have once taken."""
    (tmp_path / "small").mkdir()
    with Cluster.start(tmp_path / "small", server_bin, SMALL) as started:
        yield started


@dataclass
class Tables:
    """A database with this many tables of a row each."""

    cluster: Cluster
    name: str

    def fill(self, count: int, *, columns: str = "id integer PRIMARY KEY") -> Rehearsal:
        with self.cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {self.name}".encode())
        with self.cluster.connect(self.name) as connection:
            for start in range(0, count, _AT_ONCE):
                numbers = range(start, min(count, start + _AT_ONCE))
                connection.execute(
                    ";".join(
                        f"CREATE TABLE t{n} ({columns}); INSERT INTO t{n} (id) VALUES ({n})"
                        for n in numbers
                    ).encode()
                )
        words = self.cluster.conninfo(self.name, logins.SUPERUSER)
        return Rehearsal(
            Database(self.cluster, self.name, "target"),
            self.cluster.directory / self.name,
            Login(
                db=self.name,
                user=words["user"],
                host=words["host"],
                port=int(words["port"]),
                passfile=words["passfile"],
            ),
        )


def test_no_more_locks_than_a_dump_needs(small: Cluster) -> None:
    """A plain `pg_dump --jobs=2` works here; so does the proof."""
    rehearsal = Tables(small, "many").fill(640, columns="id integer PRIMARY KEY, x text UNIQUE")
    with rehearsal.locked():
        record = rehearsal.back_up(jobs=2)
        answer = rehearsal.restore(record)
    assert answer["proven"] is True, answer["reason"]
    assert len(answer["proof"]["tables"]) == 640
    assert record["jobs"] == 1


def test_no_room_for_a_dump_is_said(small: Cluster) -> None:
    rehearsal = Tables(small, "too_many").fill(3000, columns="id integer")
    with rehearsal.locked(), pytest.raises(GonogoError) as caught:
        rehearsal.back_up(jobs=2)
    assert caught.value.primary == "the server has no room for the locks of a backup"
    assert "max_locks_per_transaction" in str(caught.value.hint)


def test_no_room_for_the_locks_of_a_fingerprint_is_said_alike(small: Cluster) -> None:
    """The dump may have taken the room that the session beside it then lacks."""
    Tables(small, "too_many_again").fill(3000, columns="id integer")
    with (
        small.connect("too_many_again") as connection,
        pytest.raises(GonogoError) as caught,
        source.readable(),
    ):
        connection.execute(
            "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_catalog.pg_class"
            " WHERE relkind = 'r' LOOP EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', t);"
            " END LOOP; END $$"
        )
    assert caught.value.primary == "the server has no room for the locks of a backup"


def test_a_table_as_wide_as_can_be_and_hundreds_of_partitions(
    cluster: Cluster, tmp_path: Path
) -> None:
    rehearsal = replace(Tables(cluster, "wide").fill(1), directory=tmp_path)
    columns, ranges = range(1600), range(200)
    with cluster.connect("wide") as connection:
        connection.execute(f"CREATE TABLE w ({','.join(f'c{n} int' for n in columns)})".encode())
        connection.execute(f"INSERT INTO w VALUES ({','.join(map(str, columns))})".encode())
        connection.execute("CREATE TABLE p (id int PRIMARY KEY, x text) PARTITION BY RANGE (id)")
        connection.execute("CREATE INDEX ON p (x)")
        connection.execute(
            ";".join(
                f"CREATE TABLE p{n} PARTITION OF p FOR VALUES FROM ({n}) TO ({n + 1})"
                for n in ranges
            ).encode()
        )
        connection.execute("INSERT INTO p SELECT n, n FROM generate_series(0, 199) AS n")
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up(jobs=2))
    content.drop(cluster, "wide")
    assert answer["proven"] is True, answer["reason"]
    assert len(answer["proof"]["tables"]) == len(ranges) + 2


@pytest.fixture
def large(
    tmp_path: Path, server_bin: Path | None, pytestconfig: pytest.Config
) -> Iterator[Cluster]:
    """A server that has room for the locks of one dump of as many tables as `--tables` says."""
    count = pytestconfig.getoption("--tables")
    # The default is 64, for as many as 100 sessions.
    settings = {"max_locks_per_transaction": str(max(64, count // 100))}
    (tmp_path / "large").mkdir()
    with Cluster.start(tmp_path / "large", server_bin, settings) as started:
        yield started


@pytest.mark.attack
def test_thousands_of_tables(large: Cluster, pytestconfig: pytest.Config) -> None:
    count = pytestconfig.getoption("--tables")
    rehearsal = Tables(large, "thousands").fill(count)
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up(jobs=2))
    assert answer["proven"] is True, answer["reason"]
    assert len(answer["proof"]["tables"]) == count


@pytest.mark.attack
def test_a_verdict_on_thousands_of_tables(
    large: Cluster, controller: Controller, pytestconfig: pytest.Config
) -> None:
    """They are none of the runbook's: all is judged as without them."""
    count = pytestconfig.getoption("--tables")
    content.create(large, database="busy", profile="target", scale=1, environment="sandbox")
    database = Database(large, "busy", "target")
    with database.owner() as owner:
        for start in range(0, count, _AT_ONCE):
            made = (f"CREATE TABLE more{n} (id int)" for n in range(start, start + _AT_ONCE))
            owner.execute(";".join(made).encode())
    controller.twin = True
    controller.aim(database)
    run = controller.play(*SANDBOX)
    assert run.verdict["decision"] == "GO", run.output
