"""Rows that are made up to fit the tables of a database."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sandbox import rows
from tests.integration.support.harness import Database

TABLES = """
CREATE SCHEMA made;
SET search_path = made;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 12);
CREATE TABLE person (
    id serial PRIMARY KEY, mail text NOT NULL UNIQUE, mood mood NOT NULL,
    boss integer REFERENCES person,
    code varchar(3) NOT NULL, tags text[] NOT NULL, told timestamptz NOT NULL,
    share numeric(5, 2) NOT NULL,
    more jsonb, place short NOT NULL, kind text NOT NULL CHECK (kind IN ('a', 'b')),
    CHECK ((more IS NULL) = (kind = 'a'))
);
CREATE TABLE visit (
    person integer REFERENCES person, number smallint CHECK (number BETWEEN 3 AND 900),
    at date NOT NULL,
    PRIMARY KEY (person, number)
);
CREATE TABLE detail (
    id uuid PRIMARY KEY, person integer, number smallint,
    FOREIGN KEY (person, number) REFERENCES visit
);
CREATE TABLE nobody (id integer PRIMARY KEY CHECK (id < 0 AND id > 0));
CREATE TABLE of_nobody (nobody integer NOT NULL REFERENCES nobody);
CREATE TABLE kept (id integer PRIMARY KEY);
CREATE TABLE besides (id integer PRIMARY KEY);
INSERT INTO kept VALUES (1);
"""


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as connection:
        connection.execute(TABLES)
        yield connection


def test_each_table_is_filled_or_named(owner: psycopg.Connection) -> None:
    filled = rows.fill(owner, rows=12, besides=["made.besides"])
    made = {name: number for name, number in filled.rows.items() if name.startswith("made.")}
    assert made == {"made.person": 12, "made.visit": 12, "made.detail": 12}
    assert filled.unfilled["made.nobody"].startswith("23514: ")
    assert filled.unfilled["made.of_nobody"] == "it refers to tables without rows"
    kinds = owner.execute("SELECT count(DISTINCT code), count(*) FROM made.person").fetchone()
    assert kinds is not None
    assert kinds[0] > 1
    assert owner.execute("SELECT count(*) FROM made.kept").fetchone() == (1,)
    assert owner.execute("SELECT count(*) FROM made.besides").fetchone() == (0,)
    # The sequence goes on behind them.
    assert owner.execute(
        "SELECT nextval('made.person_id_seq') > max(id) FROM made.person"
    ).fetchone() == (True,)
    assert rows.fill(owner, rows=12, besides=["made.besides"]).rows == {}


def test_the_same_tables_get_the_same_rows(owner: psycopg.Connection) -> None:
    asked = "SELECT md5(string_agg(p::text, ',' ORDER BY p.id)) FROM made.person AS p"
    rows.fill(owner, rows=5)
    first = owner.execute(asked).fetchone()
    owner.execute("TRUNCATE made.person RESTART IDENTITY CASCADE")
    rows.fill(owner, rows=5)
    assert owner.execute(asked).fetchone() == first
