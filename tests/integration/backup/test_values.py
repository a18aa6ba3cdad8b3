"""Every built-in type at its edges: proven when it was restored, and another value is noticed."""

from __future__ import annotations

import contextlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonogo.host.compare import fingerprint
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from tests.integration.support import universe
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal, wrapped
from tests.integration.support.universe import loading

NAME = "values"
METHOD = fingerprint.best_method(0)

# Columns of these types cannot be made, or hold no value that a client could write.
NO_COLUMN = {
    "_": "arrays: one of each way to write them is tried",
    "gtsvector": "has no input",
    "pg_brin_bloom_summary": "has no input",
    "pg_brin_minmax_multi_summary": "has no input",
    "pg_dependencies": "has no input",
    "pg_mcv_list": "has no input",
    "pg_ndistinct": "has no input",
    "pg_node_tree": "has no input",
    "pg_ddl_command": "a pseudo-type",
}


@pytest.fixture(scope="module")
def values(cluster: Cluster) -> Iterator[Database]:
    with loading.loaded(cluster, NAME, universe.HERE / "values.sql") as database:
        yield database


@pytest.fixture
def run(values: Database, tmp_path: Path, server_bin: Path | None) -> Rehearsal:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    login = login_of(values.cluster, values.name)
    return Rehearsal(values, tmp_path, login, options=programs)


def test_every_value_is_proven(run: Rehearsal) -> None:
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is True, answer
    tables = answer["proof"]["tables"]
    assert len(tables) > 90
    # Each value came back as a row of its own.
    with run.database.admin() as session:
        for name, one in tables.items():
            rows = session.execute(f"SELECT FROM {name}".encode()).fetchall()
            assert one["rows"] == [len(rows)] * 2


def test_every_type_of_the_server_is_there(values: Database) -> None:
    with values.cluster.connect(values.name) as connection:
        missing = connection.execute(
            "SELECT t.typname::text FROM pg_type AS t"
            " WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm')"
            " AND t.typcategory <> 'A' AND t.oid < 16384 AND NOT EXISTS ("
            "     SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
            "     WHERE a.atttypid = t.oid AND c.relnamespace = 'edges'::regnamespace)"
        ).fetchall()
    assert {name for (name,) in missing} <= set(NO_COLUMN)


class Read:
    """A session that changes values, reads what is in the tables, and takes the changes back."""

    def __init__(self, connection: Any):
        self.connection = connection
        self.before = self.hashes()
        self.tables = {
            name: [key for (key,) in self.ask(f"SELECT id FROM {name} ORDER BY id")]
            for name in self.before
        }

    def ask(self, query: str) -> list[Any]:
        return list(self.connection.execute(query.encode()).fetchall())

    def hashes(self) -> dict[str, tuple[int, str]]:
        found = fingerprint.content(
            lambda: contextlib.nullcontext(self.connection), sessions=1, method=METHOD
        )
        return {name: (one.rows or 0, one.hash or "") for name, one in found.tables.items()}

    def unnoticed(self, distance: int, place: int) -> list[str]:
        """Tables that look as before when a value of theirs is that of another row.

        `place` is which row, `distance` how far behind it the other is. What the type writes of
        the two is not the same.
        """
        with self.connection.transaction(force_rollback=True):
            changed = []
            for name, keys in self.tables.items():
                if place >= len(keys) or distance >= len(keys):
                    continue
                one, other = keys[place], keys[(place + distance) % len(keys)]
                done = self.connection.execute(
                    f"UPDATE {name} AS t SET v = o.v FROM {name} AS o WHERE t.id = {one} AND"
                    f" o.id = {other} AND (concat(t.v) <> concat(o.v)"
                    " OR (t.v IS DISTINCT FROM NULL) <> (o.v IS DISTINCT FROM NULL))".encode()
                )
                if done.rowcount:
                    changed.append(name)
            after = self.hashes()
        return [name for name in changed if after[name] == self.before[name]]

    def taken_for_another(self) -> list[list[str]]:
        """Values of one type that look the same by themselves, though it writes them otherwise."""
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(b"CREATE SCHEMA alone")
            places = [(name, key) for name, keys in self.tables.items() for key in keys]
            for place, (name, key) in enumerate(places):
                self.connection.execute(
                    f"CREATE TABLE alone.t{place} AS SELECT v FROM {name} WHERE id = {key}".encode()
                )
            after = self.hashes()
            alike: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
            for place, (name, _) in enumerate(places):
                ((written,),) = self.ask(
                    "SELECT CASE WHEN v IS NOT DISTINCT FROM NULL THEN 'no value'"
                    f" ELSE format('value %s', v) END FROM alone.t{place}"
                )
                alike[name, after[f"alone.t{place}"][1]].add(written)
        return [sorted(values) for values in alike.values() if len(values) > 1]

    def rows(self) -> int:
        return max(map(len, self.tables.values()))


@pytest.fixture
def read(run: Rehearsal) -> Iterator[Read]:
    with connect(run.login, name="test") as connection:
        yield Read(connection)


def test_the_value_of_the_next_row_is_noticed(read: Read) -> None:
    unnoticed = {place: read.unnoticed(1, place) for place in range(read.rows())}
    assert {place: names for place, names in unnoticed.items() if names} == {}


def test_no_value_is_taken_for_another(read: Read) -> None:
    """Each is alone in a table of its own, so its hash is that of the value."""
    assert read.taken_for_another() == []


@pytest.mark.attack
def test_the_value_of_any_other_row_is_noticed(read: Read) -> None:
    unnoticed = {
        (distance, place): found
        for distance in range(2, read.rows())
        for place in range(read.rows())
        if (found := read.unnoticed(distance, place))
    }
    assert unnoticed == {}


# In each file of rows the first has the value of the second. Such a file has a row a line, columns
# with a tab between, and says of a value what is no line and no tab.
DAMAGE = r"""
import gzip, pathlib, sys
for file in pathlib.Path(sys.argv[1]).glob("*.dat.gz"):
    lines = gzip.decompress(file.read_bytes()).split(b"\n")
    if len(lines) > 3:
        (one, first), (_, second) = lines[0].split(b"\t", 1), lines[1].split(b"\t", 1)
        assert first != second, file
        lines[0] = one + b"\t" + second
        file.write_bytes(gzip.compress(b"\n".join(lines)))
"""


def test_a_value_that_is_another_in_the_archive(run: Rehearsal, tmp_path: Path) -> None:
    script = tmp_path / "damage.py"
    script.write_text(DAMAGE)
    run.pg_bin = wrapped(
        tmp_path / "bin", run.database.cluster.bin, after=f'{sys.executable} {script} "$archive"'
    )
    with run.locked():
        answer = run.restore(run.back_up(compress="1"))
    assert answer["proven"] is False
    equal = [name for name, one in answer["proof"]["tables"].items() if one["equal"]]
    assert equal == []
    assert answer["reason"] == "the twin does not equal its source"
