"""Whatever a catalog says of a user's object is compared, or it is said why it is not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from tests.integration.support import universe
from tests.integration.support.harness import login_of
from tests.integration.support.universe import catalogs, loading
from tests.integration.support.universe.catalogs import Property
from tests.integration.support.universe.comparing import Comparison
from tests.integration.support.universe.exemptions import NOT_COMPARED

NAME = "catalogs"
# So many rows are given another value until one is noticed: not every value says something else.
TRIALS = 40
# A server that has crashed is there again by then.
_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None) -> Iterator[Cluster]:
    """One of its own: a server whose catalogs are changed may crash."""
    with (
        Cluster.start(tmp_path_factory.mktemp("catalogs"), server_bin) as cluster,
        loading.loaded(cluster, NAME, universe.HERE / "objects.sql"),
    ):
        yield cluster
        _connected(cluster).close()


@pytest.fixture(scope="module")
def comparison(server: Cluster) -> Iterator[Comparison]:
    comparison = Comparison.of(_connected(server))
    yield comparison
    comparison.connection.close()


def _connected(server: Cluster) -> Any:
    """A session that may change catalogs, once the server lets somebody in."""
    end = time.monotonic() + _SECONDS
    while True:
        assert server.is_running()
        try:
            connection = connect(login_of(server, NAME), name="test")
        except GonogoError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
            continue
        connection.execute("SET allow_system_table_mods = on")
        return connection


def _values(comparison: Comparison, one: Property) -> tuple[list[tuple[str, str]], list[str]]:
    """Each row and its value, and all the values, as SQL."""
    found = comparison.ask(
        f"SELECT t.ctid::text, coalesce(quote_literal(t.{one.column}::text), 'NULL')"
        f" FROM pg_catalog.{one.catalog} AS t WHERE {one.rows}"
    )
    values = {value for _, value in found}
    if one.type == "boolean":
        values = {"'true'", "'false'"}
    elif one.name == "pg_trigger.tgargs":
        # The server reads as many as it has counted, each up to a zero.
        values = {sql.Literal("\\x" + b"other\0".hex() * 9).as_string(None)}
    elif one.type in {"smallint", "integer", "bigint", "real", "oid"}:
        values |= {"'0'", "'3'"}
    return [(row, value) for row, value in found], sorted(values)


def _changed(one: Property, row: str, value: str) -> str:
    """The statement that gives a row the value of another. No text is read as an expression."""
    new = f"{value}::{one.type}"
    if one.type == "pg_node_tree":
        new = (
            f"(SELECT t.{one.column} FROM pg_catalog.{one.catalog} AS t WHERE {one.rows}"
            f" AND t.{one.column}::text IS NOT DISTINCT FROM {value} LIMIT 1)"
        )
    return f"UPDATE pg_catalog.{one.catalog} SET {one.column} = {new} WHERE ctid = {sql.quote(row)}"


def _noticed(server: Cluster, comparison: Comparison, one: Property, chance: random.Random) -> bool:
    """Whether a change of it is noticed in one of some rows, or none can be made."""
    if comparison.connection.closed:
        comparison.connection = _connected(server)
    rows, values = _values(comparison, one)
    changes = [
        (row, value)
        for row, now in rows
        # An expression that nothing has a place for says nothing.
        if one.type != "pg_node_tree" or now != "NULL"
        for value in values
        if value != now
    ]
    chance.shuffle(changes)
    unnoticed = 0
    for row, value in changes[:TRIALS]:
        try:
            if comparison.differences(_changed(one, row, value)):
                return True
        except (psycopg.Error, UnicodeDecodeError):
            # Such a database cannot be read at all; a server that crashes starts anew.
            if comparison.connection.closed:
                comparison.connection = _connected(server)
            continue
        unnoticed += 1
    return unnoticed == 0


@pytest.mark.attack
def test_every_property_is_compared(server: Cluster, comparison: Comparison) -> None:
    chance = random.Random(1)  # noqa: S311 - which rows are tried
    unnoticed = [
        one.name
        for one in catalogs.properties(comparison)
        if catalogs.exempt(one) is None and not _noticed(server, comparison, one, chance)
    ]
    assert not unnoticed, "\n".join(unnoticed)


def test_every_column_is_compared_or_it_is_said_why(comparison: Comparison) -> None:
    """No pattern is about a column that there is not."""
    names = list(catalogs.properties(comparison))
    version = comparison.connection.info.server_version
    assert len(names) > 400
    idle = [
        pattern
        for patterns in NOT_COMPARED.values()
        for pattern in patterns
        if version >= catalogs.SINCE.get(pattern, 0)
        and not any(catalogs.fits(pattern, one) for one in names)
    ]
    assert idle == [], "\n".join(idle)
