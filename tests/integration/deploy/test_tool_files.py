"""The files of a migration tool are applied as their tool would apply them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.login import Timeouts
from gonogo.contract.records.deployment import Contradiction
from gonogo.contract.records.migration import Plan
from gonogo.controller.runbook import pending
from gonogo.host.migrate import history, rehearse
from gonogo.host.migrate.application import Session, begin
from gonogo.host.migrate.history import Migration
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database
from tests.integration.support.migrations import PRISMA_TABLE, deployed, prisma_rows

NAME = "20260101000000_one"


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as connection:
        connection.execute(PRISMA_TABLE)
        yield connection


def plan_of(*texts: str, tool: str = "prisma", schema: str = "public") -> Plan:
    """A plan of one file for each text."""
    owner = history.find(tool, schema=schema)
    files = [
        Migration(f"{NAME}{number or ''}", f"{number}/migration.sql", text, ("c" * 64,))
        for number, text in enumerate(texts)
    ]
    return pending.plan(tool, owner, files)


def applied(database: Database, *texts: str, **more: Any) -> Any:
    """The record of a deployment that has applied them, and is known for it."""
    done = deployed(database, plan_of(*texts), **more)
    assert (done.action, done.error) == ("applied", None), done
    assert (done.before.state, done.after.state) == ("absent", "applied")
    assert deployed(database, plan_of(*texts)).action == "none"
    return done


def names(connection: psycopg.Connection) -> list[str]:
    return [row["migration_name"] for row in prisma_rows(connection)]


# --- whose settings ----------------------------------------------------------------------------


def test_names_without_a_schema_are_those_of_the_application(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute(
        "CREATE SCHEMA app; CREATE TABLE app.gonogo_a (id int); CREATE DOMAIN app.d AS int"
    )
    owner.execute(f'ALTER DATABASE "{database.name}" SET search_path = app, public')
    text = """
        ALTER TABLE gonogo_a ADD COLUMN b d;
        CREATE TABLE gonogo_c (id int PRIMARY KEY);
        CREATE INDEX gonogo_i ON gonogo_a (b);
        CREATE FUNCTION gonogo_f(a d) RETURNS int LANGUAGE sql AS 'SELECT 1';
    """
    done = applied(database, text)
    assert {one.object for one in done.after.objects} >= {
        "column b on app.gonogo_a",
        "table app.gonogo_c",
        "index gonogo_i on app.gonogo_a",
        "function app.gonogo_f(app.d)",
    }
    alter = done.statements[0]
    assert [(wait.relation, wait.blocks) for wait in alter.waits] == [
        ("app.gonogo_a", "reads and writes")
    ]


def test_a_table_of_the_name_in_a_later_schema_is_another_one(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE SCHEMA app; CREATE TABLE public.gonogo_a (id int)")
    owner.execute(f'ALTER DATABASE "{database.name}" SET search_path = app, public')
    done = applied(database, "CREATE TABLE gonogo_a (id int);")
    assert [one.object for one in done.after.objects] == ["table app.gonogo_a"]


def test_the_schema_of_prisma_s_url_is_the_search_path(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute('CREATE SCHEMA "a.B"')
    owner.execute(PRISMA_TABLE.replace("public.", '"a.B".'))
    done = deployed(database, plan_of("CREATE TABLE gonogo_a (id int);", schema="a.B"))
    assert done.action == "applied"
    assert owner.execute("SELECT to_regclass('\"a.B\".gonogo_a')::text").fetchone() is not None
    assert owner.execute('SELECT count(*) FROM "a.B"._prisma_migrations').fetchone() == (1,)


def test_statements_have_the_settings_of_the_login(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute(f"ALTER DATABASE \"{database.name}\" SET timezone = 'Asia/Tokyo'")
    applied(database, "CREATE TABLE gonogo_t AS SELECT '2026-01-01 00:00'::timestamptz AS at;")
    at = owner.execute("SELECT at AT TIME ZONE 'UTC' FROM gonogo_t").fetchone()
    assert str(at and at[0]) == "2025-12-31 15:00:00"


def test_what_a_file_sets_holds_for_what_it_was_set_for(
    database: Database, owner: psycopg.Connection
) -> None:
    """The questions between the statements take nothing from it, and are not asked under it."""
    owner.execute("CREATE SCHEMA one; CREATE SCHEMA two; CREATE SCHEMA three")
    applied(
        database,
        """
        SET search_path = one;
        CREATE TABLE one.gonogo_a (id int);
        BEGIN;
        SET LOCAL search_path = two;
        SET LOCAL lock_timeout = 0;
        CREATE TABLE two.gonogo_b AS SELECT current_schema() AS said;
        SELECT set_config('search_path', 'three', true);
        CREATE TABLE three.gonogo_c AS SELECT current_schema() AS said;
        COMMIT;
        CREATE TABLE one.gonogo_d AS SELECT current_schema() AS said;
        """,
    )
    said = {
        table: (owner.execute(f"SELECT said FROM {table}").fetchone() or ("",))[0]
        for table in ("two.gonogo_b", "three.gonogo_c", "one.gonogo_d")
    }
    assert said == {"two.gonogo_b": "two", "three.gonogo_c": "three", "one.gonogo_d": "one"}
    assert names(owner) == [NAME]


def test_a_question_means_the_system_s_operators(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE SCHEMA evil")
    owner.execute(
        "CREATE FUNCTION evil.no(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';"
        "CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.no)"
    )
    path = "evil, pg_catalog"
    with connect(database.login(), name="gonogo:test:deploy") as connection:
        begin(connection, {"search_path": path})
        session = Session(connection, apart=True)
        for opened in (False, True):
            if opened:
                connection.execute("BEGIN")
            assert connection.execute("SELECT 1 = 1").fetchone() == (None,)
            assert session.ask("SELECT 1 = %s", [1]) == [(True,)]
            with pytest.raises(psycopg.Error):
                session.ask("SELECT 1 / 0")
            assert connection.execute("SHOW search_path").fetchone() == (path,)


# --- which transaction -------------------------------------------------------------------------


def test_a_file_that_fails_leaves_nothing(database: Database, owner: psycopg.Connection) -> None:
    done = deployed(database, plan_of("CREATE TABLE gonogo_a (id int); SELECT 1 / 0;"))
    assert (done.action, done.after.state, done.changed) == ("failed", "absent", ())
    assert names(owner) == []


def test_each_file_of_a_tool_has_its_own_transaction(
    database: Database, owner: psycopg.Connection
) -> None:
    done = deployed(database, plan_of("CREATE TABLE gonogo_a (id int);", "SELECT 1 / 0;"))
    assert (done.action, done.files) == ("failed", ("0/migration.sql",))
    assert names(owner) == [NAME]


def test_the_part_that_a_file_has_committed_itself_stays_and_is_known(
    database: Database, owner: psycopg.Connection
) -> None:
    text = """
        BEGIN;
        CREATE TABLE gonogo_a (id int);
        COMMIT;
        CREATE TABLE gonogo_b AS SELECT 1 / 0 AS x;
    """
    done = deployed(database, plan_of(text))
    assert (done.action, done.after.state, done.files) == ("failed", "partial", ())
    assert names(owner) == []
    assert deployed(database, plan_of(text)).action == "refused"


def test_the_isolation_that_a_file_asks_for(database: Database, owner: psycopg.Connection) -> None:
    text = """
        SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
        CREATE TABLE gonogo_t AS SELECT current_setting('transaction_isolation') AS level;
    """
    applied(database, text)
    assert owner.execute("SELECT level FROM gonogo_t").fetchone() == ("repeatable read",)


def test_an_index_is_built_concurrently_without_anybody_saying_so(
    database: Database, owner: psycopg.Connection
) -> None:
    applied(database, "CREATE INDEX CONCURRENTLY gonogo_i ON sites (id);")
    assert names(owner) == [NAME]


def test_an_index_that_could_not_be_built_is_named_and_not_tried_again(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE gonogo_a AS SELECT 1 AS id FROM generate_series(1, 2)")
    plan = plan_of("CREATE UNIQUE INDEX CONCURRENTLY gonogo_i ON gonogo_a (id);")
    done = deployed(database, plan)
    assert (done.action, done.error.sqlstate) == ("failed", "23505")
    assert [left.index for left in done.leftovers] == ["public.gonogo_i"]
    again = deployed(database, plan)
    assert (again.action, again.before.state) == ("refused", "partial")
    assert "is invalid" in again.before.objects[0].difference
    assert names(owner) == []


# --- what no object tells ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE sites SET id = id;",
        "DO $$ BEGIN PERFORM 1; END $$;",
        "ALTER TABLE gonogo_a RENAME TO gonogo_b;",
        "ALTER TABLE gonogo_a RENAME COLUMN id TO name;",
        "ALTER TABLE gonogo_a ALTER COLUMN id TYPE bigint;",
        "ALTER TYPE gonogo_e ADD VALUE 'b';",
        "ALTER TYPE gonogo_e RENAME VALUE 'a' TO 'b';",
        "CREATE TABLE IF NOT EXISTS gonogo_a (id int);",
        "CREATE OR REPLACE VIEW gonogo_v AS SELECT 2 AS a;",
        "DROP TABLE IF EXISTS gonogo_nothing;",
        "DROP TABLE gonogo_a CASCADE; CREATE TABLE gonogo_a (id int);",
        "DROP INDEX gonogo_i; CREATE INDEX gonogo_i ON gonogo_a (id);",
        "ALTER TABLE gonogo_a ENABLE ROW LEVEL SECURITY;"
        " CREATE POLICY gonogo_p ON gonogo_a USING (true);",
        "CREATE TABLE gonogo_m (a int) PARTITION BY RANGE (a);"
        " CREATE TABLE gonogo_m1 PARTITION OF gonogo_m FOR VALUES FROM (1) TO (2);",
        "COMMENT ON TABLE gonogo_a IS 'x';",
        "GRANT SELECT ON gonogo_a TO PUBLIC;",
        "-- nothing yet\n",
    ],
)
def test_the_record_tells_of_what_no_object_tells(
    database: Database, owner: psycopg.Connection, text: str
) -> None:
    owner.execute(
        "CREATE TABLE gonogo_a (id int); CREATE INDEX gonogo_i ON gonogo_a (id);"
        "CREATE TYPE gonogo_e AS ENUM ('a'); CREATE VIEW gonogo_v AS SELECT 1 AS a"
    )
    applied(database, text)
    assert names(owner) == [NAME]


def test_where_nothing_tells_nothing_is_applied(database: Database) -> None:
    """There is no table of Prisma's here."""
    for tool in ("prisma", "plain"):
        done = deployed(database, plan_of("DELETE FROM sites;", tool=tool))
        assert (done.action, done.before.state) == ("refused", "unknown")
        (said,) = done.before.contradictions
        assert isinstance(said, Contradiction)
        assert said.blocks
        assert "nothing tells whether 0/migration.sql is applied" in said.text


def test_what_is_there_and_on_no_record_is_not_made_again(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE gonogo_a (id int)")
    done = deployed(database, plan_of("CREATE TABLE gonogo_a (id int);"))
    assert (done.action, done.before.state) == ("none", "applied")
    assert "is there, but not in Prisma's record" in done.before.contradictions[0].text


def test_what_is_there_in_part_and_on_no_record_is_the_server_s_to_refuse(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE gonogo_b (id int)")
    text = "CREATE TABLE gonogo_a (id int); CREATE TABLE gonogo_b (id int);"
    done = deployed(database, plan_of(text))
    assert (done.action, done.error.sqlstate) == ("failed", "42P07")
    assert done.changed == ()


def test_what_is_on_record_and_not_there_is_refused(
    database: Database, owner: psycopg.Connection
) -> None:
    plan = plan_of("CREATE TABLE gonogo_a (id int);")
    assert deployed(database, plan).action == "applied"
    owner.execute("DROP TABLE gonogo_a")
    done = deployed(database, plan)
    assert (done.action, done.before.state) == ("refused", "absent")
    assert any(one.blocks for one in done.before.contradictions)


# --- on a copy, and back -----------------------------------------------------------------------


def tried(database: Database, plan: Plan, undo: str | None = None) -> Any:
    login = database.login()

    def session(*, patient: bool = False) -> Any:
        timeouts = Timeouts(statement="0") if patient else Timeouts()
        return connect(login, name="gonogo:test:rehearsal", timeouts=timeouts)

    back = replace(plan_of(undo), objects=plan.objects) if undo else None
    budgets = budgets_of({"lock": "200ms", "attempts": 2, "wait": "1ms"})
    request = rehearse.Request(session, plan, back, budgets=budgets, confirm=lambda: None)
    return rehearse.apply_revert_reapply(request)


@pytest.mark.parametrize(
    ("text", "undo"),
    [
        ("ALTER TABLE sites ADD COLUMN b int;", "ALTER TABLE sites DROP COLUMN b;"),
        ("COMMENT ON TABLE sites IS 'x';", "COMMENT ON TABLE sites IS NULL;"),
    ],
)
def test_there_and_back_and_there_again(
    database: Database, owner: psycopg.Connection, text: str, undo: str
) -> None:
    owner.execute("COMMENT ON TABLE sites IS NULL")
    found = tried(database, plan_of(text), undo)
    assert found.problem is None, found.problem
    assert found.undone.seconds > 0
    assert found.again.seconds > 0
    states = [row["rolled_back_at"] is None for row in prisma_rows(owner)]
    assert states == [False, True]


def test_an_undo_that_undoes_nothing_is_found_out(
    database: Database, owner: psycopg.Connection
) -> None:
    del owner  # who has made the tool's record
    found = tried(database, plan_of("ALTER TABLE sites ADD COLUMN b int;"), "SELECT 1;")
    assert found.problem is not None
    assert "do not take everything back" in found.problem.message


def test_what_the_copy_has_shown_is_locked_ahead(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE gonogo_a (id int)")
    plan = plan_of("ALTER TABLE sites ADD COLUMN b int; ALTER TABLE gonogo_a ADD COLUMN b int;")
    found = tried(database, plan, "ALTER TABLE sites DROP b; ALTER TABLE gonogo_a DROP b;")
    assert found.problem is None, found.problem
    owner.execute("ALTER TABLE sites DROP b; ALTER TABLE gonogo_a DROP b;")
    owner.execute("DELETE FROM _prisma_migrations")
    with database.owner() as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE public.gonogo_a IN ACCESS SHARE MODE")
        done = deployed(database, replace(plan, measured=found.deployment.statements))
        # Not the second statement, which would need the lock: both tables are locked first.
        assert (done.error.sqlstate, done.error.statement) == (
            "55P03",
            plan.steps[0].statements[0].opening,
        )
        assert [holder.pid for holder in done.error.holders] == [other.info.backend_pid]
    assert deployed(database, plan).action == "applied"


def test_what_is_there_by_its_names_alone_is_found_out_on_the_copy(
    database: Database, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE gonogo_a (id int)")
    again = tried(database, plan_of("CREATE TABLE gonogo_a (id int);"))
    assert (again.state, again.retried.changes, again.retried.untried) == ("applied", (), ())
    other = tried(
        database, plan_of("CREATE TABLE gonogo_a (id int); COMMENT ON TABLE gonogo_a IS 'x'")
    )
    assert other.state == "applied"
    assert other.retried.changes == ("comment on table public.gonogo_a",)
