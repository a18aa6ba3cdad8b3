"""Schema and content in a few numbers: every change shows, and a dump and its restore is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.contract.records.source import TableContent
from gonogo.host.compare import fingerprint, schema_catalog
from gonogo.host.session.connection import connect
from tests.integration.support.harness import EVERY_KIND, Database, login_of
from tests.integration.support.twins import Rehearsal

MADE = EVERY_KIND.read_text(encoding="utf-8")
METHOD = fingerprint.best_method(0)


@pytest.fixture
def admin(database: Database) -> Login:
    return login_of(database.cluster, database.name)


@pytest.fixture
def session(database: Database, admin: Login) -> Iterator[psycopg.Connection]:
    with database.admin() as connection:
        connection.execute(MADE)
    with connect(admin, name="test") as connection:
        yield connection


def _catalog(session: psycopg.Connection) -> dict[str, str]:
    return schema_catalog.read(session)


def test_objects_of_every_kind_come_back(database: Database, admin: Login, tmp_path: Path) -> None:
    with database.admin() as connection:
        connection.execute(MADE)
    rehearsal = Rehearsal(database, tmp_path, admin)
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer
    proof = answer["proof"]
    assert proof["large_objects"] == {"count": [2, 2], "hashed": True, "equal": True}
    assert proof["sequences"]["compared"] == 2
    assert proof["tables"]["public.without_columns"]["rows"] == [1, 1]
    assert proof["tables"]["public.unl"]["rows"] == [1, 1]
    assert not {"public.parted", "public.ft"} & set(proof["tables"])


SCHEMA_CHANGES = {
    "ALTER TABLE public.sites ADD COLUMN extra integer": {"column public.sites.extra"},
    "ALTER TABLE public.mother ALTER COLUMN b SET NOT NULL": {
        "column public.mother.b",
        "column public.child.b",
    },
    "ALTER TABLE public.mother ENABLE TRIGGER tr": {"trigger public.mother.tr"},
    "ALTER TABLE public.mother FORCE ROW LEVEL SECURITY": {"table public.mother"},
    "ALTER TABLE public.mother OWNER TO apms_app": {
        "owner of table public.mother",
        "privileges of table public.mother",
    },
    "ALTER SEQUENCE public.sq INCREMENT 3": {"sequence public.sq"},
    'DROP INDEX "Odd ""schema".gin': {'index "Odd ""schema".gin'},
    "DROP RULE ru ON public.child": {"rule public.child.ru"},
    'DROP VIEW "Odd ""schema".vw': None,
    "GRANT UPDATE ON public.mother TO apms_app": {"privileges of table public.mother"},
    "REVOKE SELECT (a) ON public.child FROM apms_app": {"privileges of column public.child.a"},
    "COMMENT ON TABLE public.mother IS 'other'": {"comment on table public.mother"},
    "ALTER PUBLICATION pub DROP TABLE public.child": {"publication pub"},
    "CREATE OR REPLACE FUNCTION public.trg() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN OLD; END $$": {"function public.trg()"},
    'ALTER TYPE "Odd ""schema".mood ADD VALUE \'glad\'': {'type "Odd ""schema".mood'},
    "ALTER EVENT TRIGGER et DISABLE": {"event trigger et"},
    "ALTER TABLE public.refs ALTER CONSTRAINT refs_id_k_fkey DEFERRABLE": {
        "constraint public.refs.refs_id_k_fkey"
    },
}


@pytest.mark.parametrize("statement", SCHEMA_CHANGES, ids=range(len(SCHEMA_CHANGES)))
def test_a_change_of_the_schema_is_named(session: psycopg.Connection, statement: str) -> None:
    before = _catalog(session)
    assert schema_catalog.compare(before, _catalog(session)) == []
    session.execute(statement)
    changed = {d.name for d in schema_catalog.compare(before, _catalog(session))}
    expected = SCHEMA_CHANGES[statement]
    assert changed == expected if expected else changed


def test_a_dropped_column_leaves_no_trace(session: psycopg.Connection) -> None:
    before = _catalog(session)
    session.execute("ALTER TABLE public.sites ADD COLUMN extra integer")
    session.execute("ALTER TABLE public.sites DROP COLUMN extra")
    assert _catalog(session) == before


CONTENT = """
CREATE TYPE public.kind AS ENUM ('one', 'two');
CREATE TABLE public.things (
    id integer, label text, code varchar(10), fixed char(5), open char, amount numeric,
    price numeric(10, 2), cost numeric(10, 2), big bigint, small smallint, letter "char",
    called name, number oid, clock time, stamp timestamp, host inet, net cidr, noted date,
    flag boolean, k public.kind, doc jsonb, raw json,
    ratio float8, at timestamptz, day date, who uuid, list text[], bytes bytea, pair point);
INSERT INTO public.things
SELECT n, 'label ' || n, 'c' || n, 'f', 'o', n, 'NaN', 0, n, n, 'l', 'n' || n, n,
    time '12:00' + n * interval '1 second', timestamp '2026-01-01' + n * interval '1 hour',
    '10.0.0.1', '10.0.0.0/8', NULL, true, 'one', '{"a": 1}', '{"a": 1}', n,
    timestamptz '2026-01-01' + n * interval '1 hour', date '2026-01-01' + n, gen_random_uuid(),
    ARRAY['x'], '\\x00', point(n, 0)
FROM generate_series(1, 100) AS n;
"""

DATA_CHANGES = (
    "label = label || ' '",
    "label = NULL",
    "label = upper(label)",
    "code = code || 'x'",
    "fixed = 'g'",
    "amount = 5.0",
    "amount = 'NaN'",
    "price = 0, cost = 'NaN'",
    "cost = cost + 0.01",
    "cost = NULL",
    "small = small + 1",
    "letter = 'm'",
    "called = 'm'",
    "number = 7",
    "clock = clock + interval '1 microsecond'",
    "stamp = stamp + interval '1 microsecond'",
    "stamp = 'infinity'",
    "at = '-infinity'",
    "host = '10.0.0.1/8'",
    "net = '10.0.0.0/9'",
    "noted = '2026-01-01'",
    "day = 'infinity'",
    "day = NULL, noted = day",
    "big = big + (1::bigint << 40)",
    "flag = NOT flag",
    "k = 'two'",
    """doc = '{"a": 1.0}'""",
    """raw = '{"a":1}'""",
    "ratio = ratio + 1e-12",
    "ratio = '-0'",
    "at = at + interval '1 microsecond'",
    "day = day + 1",
    "who = NULL",
    "list = '[0:0]={x}'",
    "list = ARRAY[NULL]::text[]",
    "bytes = ''",
    "pair = point(0, 5)",
    "label = code, code = label",
)


def test_a_change_of_one_value_shows(database: Database) -> None:
    with database.owner() as connection:
        connection.execute(CONTENT)
    login = database.login()

    def read() -> TableContent:
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=2, method=METHOD)
        return found.tables["public.things"]

    before = read()
    assert before.rows == 100
    for change in DATA_CHANGES:
        with database.owner() as connection:
            connection.execute("CREATE TABLE public.kept AS TABLE public.things")
            connection.execute(sql.SQL(f"UPDATE public.things SET {change} WHERE id = 5"))
        assert read() != before, change
        with database.owner() as connection:
            connection.execute("TRUNCATE public.things")
            # In another order, which makes no difference.
            connection.execute(
                "INSERT INTO public.things SELECT * FROM public.kept ORDER BY random()"
            )
            connection.execute("DROP TABLE public.kept")
        assert read() == before, change


def test_two_rows_that_exchange_a_value_show(database: Database) -> None:
    """Each column holds the same values as before."""
    with database.owner() as connection:
        connection.execute(
            "CREATE TABLE public.pairs AS"
            " SELECT n AS id, n AS value FROM generate_series(1, 9) AS n"
        )
    login = database.login()

    def read() -> str:
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)
        return str(found.tables["public.pairs"].hash)

    before = read()
    with database.owner() as connection:
        connection.execute("UPDATE public.pairs SET value = 10 - value")
    assert read() != before


def test_more_columns_than_the_parser_nests_easily(database: Database) -> None:
    """As many as a table can have."""
    columns = ", ".join(f"c{n} boolean" for n in range(1600))
    with database.owner() as connection:
        connection.execute(sql.SQL(f"CREATE TABLE public.wide ({columns})"))
        connection.execute("INSERT INTO public.wide (c7) VALUES (true)")
    login = database.login()

    def read() -> str:
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)
        return str(found.tables["public.wide"].hash)

    before = read()
    with database.owner() as connection:
        connection.execute("UPDATE public.wide SET c7 = NULL, c8 = true")
    assert read() != before


def test_another_way_to_hash_is_refused(database: Database) -> None:
    """A backup of an earlier version of the project."""
    login = database.login()
    with pytest.raises(GonogoError, match="hashed in a way that is not known here: record"):
        fingerprint.content(lambda: connect(login, name="test"), sessions=1, method="record")
