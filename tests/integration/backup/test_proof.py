"""What the archive has data of is compared, by what the server writes of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gonogo.contract.login import Login
from gonogo.contract.records.ledger import LedgerTable
from gonogo.contract.records.source import LargeObjects
from gonogo.host.compare import fingerprint, fingerprint_queries
from gonogo.host.migrate import undo
from gonogo.host.session import catalog
from gonogo.host.session.connection import connect
from gonogo.host.stages import cleanup
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.twins import Rehearsal, wrapped

METHOD = fingerprint.best_method(0)
THINGS = ("public", "things")
# What the plans of an undo and a cleanup show is made of these.
counted_by_undo = undo._fingerprint  # noqa: SLF001 - see above
found_by_cleanup = cleanup._existing  # noqa: SLF001 - see above

# Its own tables are in no dump, but for those that it has asked for.
EXTENSION = """
CREATE TABLE part_config (parent text, premake integer);
CREATE TABLE odds (id integer, note text);
CREATE TABLE internal (id integer);
CREATE SEQUENCE part_numbers;
INSERT INTO odds VALUES (1, 'its own'), (2, 'its own');
SELECT pg_extension_config_dump('part_config', '');
SELECT pg_extension_config_dump('odds', 'WHERE odds.id > 10');
SELECT pg_extension_config_dump('part_numbers', '');
"""


@pytest.fixture(scope="module")
def extended(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> Iterator[tuple[Cluster, Path]]:
    """A server with an extension that keeps settings of its users, and its programs."""
    share = cluster.bin.parent / "share"
    if not list(share.rglob("plpgsql.control")):
        pytest.skip("this server cannot be copied")
    # The account of the server must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="gonogo-test-"))
    folder.chmod(0o755)
    try:
        installed = folder / "server"
        shutil.copytree(cluster.bin.parent, installed)
        (control,) = installed.rglob("plpgsql.control")
        (control.parent / "keeper.control").write_text("default_version = '1'\n")
        (control.parent / "keeper--1.sql").write_text(EXTENSION)
        data = tmp_path_factory.mktemp("extended")
        with Cluster.start(data, installed / "bin") as started:
            yield started, installed / "bin"
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def kept(extended: tuple[Cluster, Path], tmp_path: Path) -> Rehearsal:
    cluster, programs = extended
    with cluster.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS kept")
        connection.execute("CREATE DATABASE kept")
    with cluster.connect("kept") as connection:
        connection.execute("CREATE SCHEMA partman; CREATE EXTENSION keeper SCHEMA partman")
        connection.execute(
            "INSERT INTO partman.part_config VALUES ('public.sites', 4);"
            "INSERT INTO partman.odds VALUES (11, 'the user''s');"
            "SELECT nextval('partman.part_numbers')"
        )
    words = cluster.conninfo("kept", logins.SUPERUSER)
    login = Login(
        db="kept",
        user=words["user"],
        host=words["host"],
        port=int(words["port"]),
        passfile=words["passfile"],
    )
    database = Database(cluster, "kept", "target")
    options = {"server_bin": str(programs), "pg_bin": str(programs)}
    return Rehearsal(database, tmp_path, login, options=options)


def test_what_extensions_keep_for_users_is_compared(kept: Rehearsal) -> None:
    with kept.locked():
        answer = kept.restore(kept.back_up(pg_bin=kept.options["pg_bin"]))
    assert answer["proven"] is True, answer
    tables = answer["proof"]["tables"]
    assert tables["partman.part_config"]["rows"] == [1, 1]
    # With the condition that the dump has: the extension makes its own rows anew.
    assert tables["partman.odds"]["rows"] == [1, 1]
    assert answer["proof"]["sequences"]["compared"] == 1


@pytest.mark.parametrize("table", ["part_config", "odds"])
def test_what_extensions_keep_is_missing(kept: Rehearsal, tmp_path: Path, table: str) -> None:
    programs = Path(kept.options["pg_bin"])
    without = wrapped(tmp_path / "bin", programs, options=f"--exclude-table-data=partman.{table}")
    with kept.locked():
        answer = kept.restore(kept.back_up(pg_bin=without))
    assert answer["proven"] is False
    unequal = [name for name, one in answer["proof"]["tables"].items() if not one["equal"]]
    assert unequal == [f"partman.{table}"]


def test_data_that_nobody_compares_is_no_proof(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: the table of contents of the archive is compared with what was read."""
    query = fingerprint_queries.TABLES.replace(
        "WHERE c.relkind = 'r'", "WHERE c.relkind = 'r' AND c.relname <> 'sites'"
    )
    assert query != fingerprint_queries.TABLES
    monkeypatch.setattr(fingerprint_queries, "TABLES", query)
    rehearsal = Rehearsal(database, tmp_path, database.login())
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is None
    assert answer["reason"] == ("the archive has data that nobody has compared: public.sites")


# A type, two values of it, and what a cast to text could hide: SQL that makes such a cast.
LIAR = "CREATE FUNCTION public.same({0}) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'same' $$"
CAST = "CREATE CAST ({0} AS text) WITH FUNCTION public.same({0}) AS IMPLICIT"
HIDDEN = {
    "composite": ("CREATE TYPE public.t AS (a int)", "public.t", "ROW(1)", "ROW(2)"),
    "enum": ("CREATE TYPE public.t AS ENUM ('a', 'b')", "public.t", "'a'", "'b'"),
    "range": ("CREATE TYPE public.t AS RANGE (subtype = int)", "public.t", "'[1,2)'", "'[1,3)'"),
    "array": (
        "CREATE TYPE public.t AS ENUM ('a', 'b')",
        "public.t[]",
        "'{a}'",
        "'{b}'",
    ),
    "domain": (
        "CREATE TYPE public.u AS (a int); CREATE DOMAIN public.t AS public.u",
        "public.u",
        "ROW(1)",
        "ROW(2)",
    ),
    "of_the_server": ("SELECT", "jsonb", "'1'", "'2'"),
    "null_row": ("CREATE TYPE public.t AS (a int)", "public.t", "ROW(NULL)", "NULL"),
}
OF_DOMAIN = {"domain": "public.t"}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_cast_to_text_hides_nothing(database: Database, kind: str) -> None:
    make, cast_from, first, second = HIDDEN[kind]
    declared = OF_DOMAIN.get(kind, cast_from)
    with database.admin() as connection:
        connection.execute(make)
        connection.execute(f"CREATE TABLE public.things (id integer, v {declared})".encode())
        connection.execute(f"INSERT INTO public.things VALUES (1, {first})".encode())
        connection.execute(LIAR.format(cast_from).encode())
        connection.execute(CAST.format(cast_from).encode())
        connection.execute("GRANT SELECT ON public.things TO PUBLIC")
    login = database.login()

    def read() -> str:
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)
        return str(found.tables["public.things"].hash)

    before = read()
    with database.admin() as connection:
        connection.execute(f"UPDATE public.things SET v = {second}".encode())
    assert read() != before


def test_a_cast_of_rows_hides_nothing(database: Database) -> None:
    """In the comparisons of an undo and of a cleanup."""
    with database.owner() as connection:
        connection.execute("CREATE TABLE public.things AS SELECT 1 AS id, 'one' AS v")
        connection.execute(LIAR.format("public.things").encode())
        connection.execute(CAST.format("public.things").encode())
    login = database.login()

    def read(columns: list[str]) -> tuple[int, str]:
        with connect(login, name="test") as connection:
            return counted_by_undo(connection, THINGS, columns)

    def complement() -> Any:
        query = sql.SQL(catalog.FINGERPRINT).format(
            table=sql.Identifier(*THINGS), condition=sql.SQL("true")
        )
        with connect(login, name="test") as connection:
            return connection.execute(query).fetchone()

    before, of_one, of_all = read(["*"]), read(["id"]), complement()
    with database.owner() as connection:
        connection.execute("UPDATE public.things SET v = 'two'")
    assert read(["*"]) != before
    assert read(["id"]) == of_one
    assert complement() != of_all


def test_large_objects_are_compared_without_rights_on_the_catalog(database: Database) -> None:
    login = database.login()

    def read() -> LargeObjects:
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)
        return found.large_objects

    with database.owner() as connection:
        connection.execute("SELECT lo_from_bytea(70001, 'abc'), lo_create(70002)")
        # With a hole of many pages, and more than is read at once.
        connection.execute("SELECT lo_put(70002, 600000, 'end')")
    before = read()
    assert before.count == 2
    for change in (
        "SELECT lo_put(70001, 0, 'x')",
        "SELECT lo_put(70002, 300000, 'x')",
        "SELECT lo_put(70002, 599999, 'x')",
        "COMMENT ON LARGE OBJECT 70001 IS 'other'",
        "SELECT lo_unlink(70001)",
    ):
        with database.owner() as connection:
            connection.execute(change.encode())
        after = read()
        assert after.hash != before.hash, change
        before = after


# The settings of a database are the owner's.
PLANNER = (
    "enable_seqscan = off",
    "enable_indexonlyscan = on",
    "seq_page_cost = 1e9",
    "cpu_tuple_cost = 1e9",
    "random_page_cost = 0",
)


@pytest.fixture
def hiding(database: Database) -> Callable[[], None]:
    """Make a table whose indexes, of every shape that could answer, do not know one of its rows."""

    def make() -> None:
        with database.admin() as connection:
            connection.execute(
                "CREATE TABLE public.things (id text NOT NULL, v text);"
                "INSERT INTO public.things SELECT 'id' || n, 'v' FROM generate_series(1, 500) AS n;"
                "CREATE INDEX covers ON public.things (id) INCLUDE (v);"
                "CREATE INDEX partly ON public.things (id) WHERE id IS NOT NULL;"
                "CREATE INDEX gone ON public.things (v, id);"
                "UPDATE pg_index SET indisready = false, indisvalid = false"
                " WHERE indrelid = 'public.things'::regclass;"
            )
            connection.execute("INSERT INTO public.things VALUES ('hidden', 'w')")
            connection.execute(
                "UPDATE pg_index SET indisready = true, indisvalid = true"
                " WHERE indrelid = 'public.things'::regclass"
            )
            connection.execute("VACUUM ANALYZE public.things")
            connection.execute("GRANT SELECT ON public.things TO PUBLIC")
            for setting in PLANNER:
                connection.execute(f"ALTER DATABASE {database.name} SET {setting}".encode())

    return make


def test_an_index_that_hides_rows_answers_nothing(
    database: Database, hiding: Callable[[], None]
) -> None:
    hiding()
    login = database.login()
    with connect(login, name="test") as connection:
        # Our sessions do not plan as the database says; here the queries are tried by themselves.
        for setting in PLANNER:
            connection.execute(f"SET {setting}".encode())
        hidden = connection.execute("SELECT count(*) FROM public.things").fetchone()
        assert hidden == (500,), "the index does not hide the row"
        found = fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)
        assert found.tables["public.things"].rows == 501
        # As an undo counts what would be lost.
        for column in ("id", "v"):
            assert counted_by_undo(connection, THINGS, [column], present=column)[0] == 501
        # As a cleanup looks for the rows of its ledger.
        ledger = [LedgerTable(THINGS, ["hidden", "id1"])]
        rows = found_by_cleanup(connection, ledger)["public.things"]
        assert [key for key, _ in rows] == ["hidden", "id1"]


def test_a_failure_of_the_server_is_told(database: Database) -> None:
    """A fingerprint of what may not be read is an error, not a number."""
    with database.admin() as connection:
        connection.execute("CREATE TABLE public.things (id integer)")
        connection.execute("REVOKE ALL ON public.things FROM PUBLIC")
    login = database.login()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fingerprint.content(lambda: connect(login, name="test"), sessions=1, method=METHOD)


@pytest.mark.parametrize(
    ("made", "there"),
    [("CYCLE", 42), ("", 42), ("CYCLE INCREMENT -1 MINVALUE -100000000000 MAXVALUE -1", -42)],
)
def test_a_sequence_that_stands_elsewhere(
    database: Database, tmp_path: Path, made: str, there: int
) -> None:
    """Also one that begins anew at its end, where it cannot have done that meanwhile."""
    with database.owner() as owner:
        owner.execute(f"CREATE SEQUENCE public.ring {made}".encode())
        owner.execute("SELECT setval('public.ring', %s)", (there,))
    rehearsal = Rehearsal(database, tmp_path, database.login())
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
        assert answer["proven"] is True, answer
        change = f"s/setval('public.ring', {there}, true)/setval('public.ring', {there + 1}, true)/"
        rehearsal.pg_bin = wrapped(
            tmp_path / "bin", database.cluster.bin, after=f'sed -i "{change}" "$archive/toc.dat"'
        )
        answer = rehearsal.restore(rehearsal.back_up(directory=str(tmp_path / "again")))
    assert answer["proven"] is False
    assert answer["proof"]["sequences"]["different"] == ["public.ring"]
