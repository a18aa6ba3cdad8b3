"""What is printed in another way after a restore does not differ; what says something else does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from gonogo.contract.login import Login
from gonogo.contract.records.migration import Statement
from gonogo.contract.records.rehearsal import Retried
from gonogo.host.compare import fingerprint, reprint, schema_catalog
from gonogo.host.compare.definition_parts import cut
from gonogo.host.compare.schema_catalog import Difference
from gonogo.host.migrate.again import again
from gonogo.host.session.connection import connect
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal

Make = Callable[[str], Login]

HERE = Path(__file__).parent
_numbers = count(1)
_READ_ALL = 140000


def read(name: str, version: int, *majors: int) -> str:
    """The SQL of a file, and of those beside it for servers from these versions on."""
    files = [f"{name}.sql"]
    files += [f"{name}_{major}.sql" for major in majors if version >= major * 10000]
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in files)


def printed_again(version: int) -> str:
    """Definitions that change when they are restored."""
    return read("printed_again", version, 14, 15)


@pytest.fixture
def make(cluster: Cluster) -> Iterator[Make]:
    """Makes a database of this SQL; returns a superuser's login to it."""
    made = []

    def database(statements: str) -> Login:
        name = f"definitions_{next(_numbers)}"
        with cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        with cluster.connect(name) as connection:
            connection.execute(statements.encode())
        return login_of(cluster, name)

    yield database
    with cluster.connect() as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def version_of(cluster: Cluster) -> int:
    with cluster.connect() as connection:
        return connection.info.server_version


def rehearsal(cluster: Cluster, login: Login, directory: Path) -> Rehearsal:
    return Rehearsal(
        Database(cluster, login.db, "target"),
        directory,
        login,
        options={"server_bin": str(cluster.bin)},
    )


def test_what_is_printed_in_another_way_is_equal(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    superuser = (HERE / "printed_again_superuser.sql").read_text(encoding="utf-8")
    login = make(printed_again(version_of(cluster)) + superuser)
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is True, answer
    schema = answer["proof"]["schema"]
    # They are: without this the test would prove nothing.
    kinds = {name.split(" public.")[0].split(" pub")[0] for name in schema["printed_again"]}
    assert kinds >= EXPRESSIONS - NEWER[(version_of(cluster) // 10000)], schema


@pytest.mark.attack
def test_expressions_of_every_form_are_equal_and_a_changed_number_is_not(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    version = version_of(cluster)
    login = make(read("printed_variously", version, 14, 17))
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is True, answer
    assert len(answer["proof"]["schema"]["printed_again"]) >= 30
    tried = 0
    with connect(login, name="test") as session:
        for name, text in schema_catalog.read(session).items():
            if not cut(name, text).queries:
                continue
            for number in re.finditer(r"(?<![\w.'])[0-9](?![\w.'])", text):
                other = f"{text[: number.start()]}7{text[number.end() :]}"
                difference = Difference("different", name, text, other)
                assert reprint.same(session, [difference] * (text != other)) == {}, (name, other)
                tried += 1
    assert tried > 200


EXPRESSIONS = {
    "column",
    "constraint",
    "constraint of domain",
    "domain",
    "function",
    "index",
    "materialized view",
    "policy",
    "procedure",
    "publication",
    "rule",
    "statistics",
    "table",
    "trigger",
    "view",
}
NEWER: dict[int, set[str]] = {
    13: {"procedure", "publication", "statistics"},
    14: {"publication"},
    **{major: set() for major in range(15, 19)},
}


@pytest.mark.attack
def test_who_owns_everything_compares_with_own_rights(database: Database, tmp_path: Path) -> None:
    """A login that is no superuser, into a database beside the source."""
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {logins.OWNER} CREATEDB".encode())
        version = admin.info.server_version
    with database.owner() as owner:
        owner.execute(printed_again(version).encode())
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        answer = run.restore(run.back_up(), scratch=True, space_factor=1e9)
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {logins.OWNER} NOCREATEDB".encode())
    assert (answer["proven"], answer["method"]) == (True, "database"), answer
    assert len(answer["proof"]["schema"]["printed_again"]) > 20


def test_what_says_something_else_is_not(cluster: Cluster, make: Make) -> None:
    """Of each of these definitions, one number in one expression after the other."""
    login = make(printed_again(version_of(cluster)))

    tried = set()
    with connect(login, name="test") as session:
        for name, text in schema_catalog.read(session).items():
            places = [place for place in range(len(text)) if text.startswith("<= 9", place)]
            for other in [f"{text[:place]}<= 8{text[place + 4 :]}" for place in places]:
                assert cut(name, other).frame == cut(name, text).frame, name
                difference = Difference("different", name, text, other)
                assert reprint.same(session, [difference]) == {}, name
                tried.add(name.split(" public.")[0].split(" pub")[0])
    assert tried >= EXPRESSIONS - NEWER[(version_of(cluster) // 10000)] - {"table"}


def test_what_is_applied_again_may_be_printed_in_another_way(make: Make) -> None:
    """The database was restored; the statement is the migration's."""
    login = make(
        "CREATE TABLE public.t (n integer, m integer,"
        " c boolean DEFAULT (pg_backend_pid() >= 1 AND pg_backend_pid() <= 9 AND random() > 0))"
    )
    text = (
        "ALTER TABLE public.t ALTER COLUMN c"
        " SET DEFAULT (pg_backend_pid() BETWEEN 1 AND {} AND random() > 0)"
    )
    with connect(login, name="test") as session:
        for last, changes in ((9, ()), (8, ("column public.t.c",))):
            statement = Statement(
                file="m.sql",
                line=1,
                first_line=1,
                text=text.format(last),
                verb="ALTER",
                opening="ALTER TABLE",
                lock="unknown",
                tables=(),
                effects=(),
                read=False,
                outside=None,
            )
            assert again(session, [statement]) == Retried(changes, ())


# --- what a dump does not carry ------------------------------------------------------------------

NOT_CARRIED = [
    "comment on derived table constraint positive on public.child: of the child",
    "comment on derived table constraint positive on public.part: of the part",
    "comment on derived table constraint refers on public.part: of the part",
    "comment on derived trigger guard on public.part: of the part",
    "comment on derived type public.doubled: of a row",
    "comment on derived type public.one[]: of an array",
    "comment on extension pgcrypto: not at the source",
    "comment on index public.broken: of what is not there",
    "index public.broken: invalid,",
    "sequence public.like_it_id_seq: bigint,",
    "sequence public.like_that_down_seq: bigint,",
    "sequence public.like_that_id_seq: bigint,",
    "subscription sub",
    "triggers of constraint public.part.refers: public.part disabled",
]


def test_what_a_dump_does_not_carry_is_named_and_is_no_fault(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    login = make((HERE / "not_carried.sql").read_text(encoding="utf-8"))
    with connect(login, name="test") as session:
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON public.doubled (n)")
        session.execute("COMMENT ON INDEX public.broken IS 'of what is not there'")
        session.execute("ALTER SCHEMA public OWNER TO pg_monitor")
    run = rehearsal(cluster, login, tmp_path)
    try:
        with run.locked():
            answer = run.restore(run.back_up())
    finally:
        with connect(login, name="test") as session:
            session.execute("ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
            session.execute("DROP SUBSCRIPTION sub")
    assert answer["proven"] is True, answer
    told = answer["proof"]["schema"]["not_carried"]
    missing = [one for one in NOT_CARRIED if not any(line.startswith(one) for line in told)]
    assert not missing, told


def test_a_language_that_was_dropped_is_no_fault_and_a_lost_right_is_one(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    """Every new database has the language, and the privileges of a schema called public."""
    login = make(
        "DROP EXTENSION plpgsql; CREATE EXTENSION hstore SCHEMA public;"
        "CREATE TABLE public.member (a integer); ALTER EXTENSION hstore ADD TABLE public.member;"
        "ALTER SCHEMA public RENAME TO app"
    )
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        answer = run.restore(run.back_up())
    schema = answer["proof"]["schema"]
    assert "extension plpgsql: not at the source" in schema["not_carried"]
    assert [one["name"] for one in schema["differences"]] == [
        "privileges of schema app",
        "table of extension hstore: app.member",
    ]


# --- what needs a search path --------------------------------------------------------------------

FUNCTIONS = """
CREATE SCHEMA ours;
CREATE FUNCTION ours.plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE FUNCTION ours.wrapped(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE TABLE public.kept (a text, k regclass);
CREATE TABLE public.t (a text);
CREATE INDEX wrapped ON public.t (ours.wrapped(a));
"""
# The server puts the body of such a function into each query of the table.
UNQUALIFIED = (
    "SET check_function_bodies = off; CREATE OR REPLACE FUNCTION ours.wrapped(text) RETURNS text"
    " LANGUAGE sql IMMUTABLE AS 'SELECT plain($1)'"
)


def test_a_table_is_read_whatever_its_index_needs_a_search_path_for(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    login = make(FUNCTIONS)
    with connect(login, name="test") as session:
        session.execute(f"ALTER DATABASE {login.db} SET search_path = ours, public".encode())
        session.execute(UNQUALIFIED.encode())
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        record = run.back_up()
    assert set(record["tables"]) == {"public.kept", "public.t"}


def test_a_table_that_no_query_can_read_is_read(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    """A dump has it, too: nothing is planned."""
    login = make(FUNCTIONS + "INSERT INTO public.t VALUES ('x');" + UNQUALIFIED)
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        record = run.back_up()
    assert "public.t" in record["tables"]


def test_what_is_hashed_is_found_by_no_search_path(make: Make) -> None:
    """A function or an operator that would fit the type better is not the system's."""
    login = make(
        FUNCTIONS + "CREATE DOMAIN ours.day AS date; CREATE TABLE public.days (d ours.day, x text);"
        "INSERT INTO public.days VALUES ('2026-01-01', 'x');"
        "INSERT INTO public.t VALUES ('x');"
        "CREATE FUNCTION ours.concat(ours.day) RETURNS text LANGUAGE sql AS 'SELECT ''same''';"
        "CREATE FUNCTION ours.isfinite(ours.day) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
        "CREATE FUNCTION ours.less(ours.day, date) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "CREATE OPERATOR ours.- (LEFTARG = ours.day, RIGHTARG = date, FUNCTION = ours.less);"
        "CREATE INDEX wrapped_day ON public.days (ours.wrapped(x));"
    )

    def hashed() -> str:
        content = fingerprint.content(
            lambda: connect(login, name="test"),
            sessions=1,
            method=fingerprint.best_method(0),
        )
        return str(content.tables["public.days"].hash)

    before = hashed()
    with connect(login, name="test") as session:
        session.execute(f"ALTER DATABASE {login.db} SET search_path = ours, public".encode())
        session.execute(UNQUALIFIED.encode())
    assert hashed() == before


@pytest.mark.attack
def test_a_view_and_a_cast_that_need_a_search_path_stand_in_nobody_s_way(
    cluster: Cluster, make: Make, tmp_path: Path
) -> None:
    """A dump calls neither: a view is not executed, and a value is written by its own type."""
    login = make(
        FUNCTIONS
        + UNQUALIFIED
        + """;
        DROP INDEX public.wrapped;
        INSERT INTO public.t VALUES ('x');
        CREATE VIEW public.seen AS
            SELECT ours.wrapped(a) AS w, length(a) BETWEEN 0 AND 9 AND a <> '' AS short
            FROM public.t;
        CREATE TYPE ours.k AS (a integer);
        CREATE FUNCTION ours.told(ours.k) RETURNS text LANGUAGE sql STABLE
            AS 'SELECT name FROM lookup WHERE id = ($1).a';
        CREATE CAST (ours.k AS text) WITH FUNCTION ours.told(ours.k) AS IMPLICIT;
        CREATE TABLE public.of_k (k ours.k, ks ours.k[], t text DEFAULT ROW(1)::ours.k);
        INSERT INTO public.of_k VALUES (ROW(1), ARRAY[ROW(1)::ours.k], 'x')"""
    )
    run = rehearsal(cluster, login, tmp_path)
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is True, answer
