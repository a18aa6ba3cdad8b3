"""What a tool keeps to take its migrations back is tried, and carried out, as an undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.contract.records.migration import Plan
from gonogo.contract.records.undo import Undo
from gonogo.controller.runbook import pending
from gonogo.host.migrate import history, rehearse
from gonogo.host.migrate.history import History, Migration
from gonogo.host.migrate.undo import take_back
from gonogo.host.session.connection import connect
from tests.folders import NAMES, migrations
from tests.integration.deploy.test_history_tools import Asking, make, there, told
from tests.integration.support.harness import Database
from tests.integration.support.migrations import deployed
from tests.migration_tools import REAL

UP = "CREATE TABLE own_{} (n serial PRIMARY KEY);\nINSERT INTO own_{} DEFAULT VALUES;\n"
DOWN = "DROP TABLE own_{};\n"
WITH_DOWN = (
    *("dbmate", "diesel", "flyway", "golang_migrate", "goose", "node_pg_migrate", "sqitch"),
    "sqlx",
)
WITHOUT = sorted({*history.TOOLS} - {*WITH_DOWN})
BUDGETS = budgets_of({"lock": "200ms", "attempts": 2, "wait": "1ms"})


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as connection:
        yield connection


def folder_of(key: str, path: Path) -> Path:
    folder = migrations(key, path, up=UP, down=DOWN)
    if key == "flyway":
        for name in NAMES:
            (folder / f"U{name.replace('_', '__', 1)}.sql").write_text(
                f"DROP TABLE own_{name[-1]};"
            )
    return folder


def undo_of(key: str, tool: History, files: list[Migration]) -> Plan:
    undo = pending.undo(key, tool, files)
    assert undo is not None
    return undo


def tried(database: Database, plan: Plan, undo: Plan | None) -> Any:
    def session(*, patient: bool = False) -> Any:
        timeouts = Timeouts(statement="0") if patient else Timeouts()
        return connect(database.login(), name="gonogo:test:rehearsal", timeouts=timeouts)

    request = rehearse.Request(session, plan, undo, budgets=BUDGETS, confirm=lambda: None)
    return rehearse.apply_revert_reapply(request)


def taken_back(database: Database, undo: Plan, approved: str | None = None) -> Undo:
    with connect(database.login(), name="gonogo:test:undo") as connection:
        return take_back(
            connection, undo, schema_before=None, approved_content=approved, budgets=BUDGETS
        )


# --- every tool --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", WITH_DOWN)
def test_what_is_pending_goes_there_and_back_and_there_again(
    key: str, database: Database, owner: psycopg.Connection, tmp_path: Path
) -> None:
    schema = history.schema_of(key, "public")
    tool = history.find(key, schema=schema)
    if schema != "public":
        owner.execute(f"CREATE SCHEMA {schema}".encode())
    make(owner, key, schema)
    files = tool.files(folder_of(key, tmp_path))
    first, *others = files
    assert deployed(database, pending.plan(key, tool, [first])).action == "applied"
    undo = undo_of(key, tool, others)
    assert [step.statements[0].opening for step in undo.steps] == [
        "DROP TABLE own_c",
        "DROP TABLE own_b",
    ]
    found = tried(database, pending.plan(key, tool, others), undo)
    assert found.problem is None, found.problem
    assert found.undone.lost == {"public.own_b": 1, "public.own_c": 1}
    entries = tool.entries(owner) or []
    assert tool.pending(files, entries) == []
    content = taken_back(database, undo).content
    assert taken_back(database, undo, content).committed
    entries = tool.entries(owner) or []
    assert tool.applied(files, entries) == told(files)[:1]
    assert told(tool.pending(files, entries)) == told(files)[1:]
    assert tool.failed(entries) == []


@pytest.mark.parametrize("key", WITHOUT)
def test_a_tool_without_such_files_has_no_undo(key: str, tmp_path: Path) -> None:
    tool = history.find(key, schema="public")
    files = tool.files(migrations(key, tmp_path, up=UP, down=DOWN))
    assert pending.undo(key, tool, files) is None
    assert pending.without_undo(files) == [one.file for one in files]


@pytest.mark.parametrize("key", [*map(there, sorted({*REAL} & {*WITH_DOWN}))])
def test_the_tool_itself_goes_on_from_what_was_taken_back(
    key: str, database: Database, tmp_path: Path
) -> None:
    asking = Asking(key, database, tmp_path)
    asking.write(NAMES)
    assert asking.apply().status == 0
    files = asking.tool.files(asking.folder)
    undo = undo_of(key, asking.tool, files[1:])
    login = replace(database.login(), user=database.cluster.login(database.name)["user"])
    with connect(login, name="gonogo:test:undo") as connection:
        take = partial(take_back, connection, undo, schema_before=None, budgets=BUDGETS)
        assert take(approved_content=take(approved_content=None).content).committed
    with database.admin() as connection:
        entries = asking.tool.entries(connection) or []
        assert told(asking.tool.pending(files, entries)) == told(files)[1:]
    again = asking.apply()
    assert again.status == 0, again.output
    asking.content()


# --- what such a file may do -------------------------------------------------------------------


@pytest.fixture
def goose(owner: psycopg.Connection) -> History:
    make(owner, "goose", "public")
    owner.execute(
        "CREATE TABLE public.word (id serial PRIMARY KEY, said text, more text,"
        " kind text NOT NULL DEFAULT 'none');"
        "COMMENT ON COLUMN public.word.kind IS 'its kind';"
        "ALTER TABLE public.word ALTER kind SET STATISTICS 500;"
        "INSERT INTO public.word (said, more) SELECT 'word ' || n, 'more' "
        "FROM generate_series(1, 5) AS n"
    )
    return history.find("goose", schema="public")


def pair(up: str, down: str | None, *, version: int = 1) -> Migration:
    return Migration(str(version), f"{version}_x.sql", up, down=down)


def rehearsed(database: Database, tool: History, *files: Migration) -> Any:
    plan = pending.plan("goose", tool, files)
    return tried(database, plan, pending.undo("goose", tool, files))


BACK = {
    "rows of the migration's own": (
        "INSERT INTO word (said) VALUES ('new');",
        "DELETE FROM word WHERE said = 'new';",
    ),
    "values that are brought back": (
        "UPDATE word SET said = said || '!';",
        "UPDATE word SET said = rtrim(said, '!');",
    ),
    "a table that is kept aside": (
        "CREATE TABLE old AS SELECT * FROM word; DELETE FROM word WHERE id > 2;",
        "INSERT INTO word SELECT * FROM old WHERE id > 2; DROP TABLE old;",
    ),
    "an index that is built and dropped concurrently": (
        "CREATE INDEX CONCURRENTLY said_idx ON word (said);",
        "DROP INDEX CONCURRENTLY said_idx;",
    ),
    "transactions of its own": (
        "ALTER TABLE word ADD COLUMN n int;",
        "BEGIN; ALTER TABLE word DROP COLUMN n; COMMIT;",
    ),
    "rights": (
        "GRANT SELECT ON word TO PUBLIC;",
        "REVOKE SELECT ON word FROM PUBLIC;",
    ),
    "a column that comes back behind the others": (
        "UPDATE word SET more = NULL; ALTER TABLE word DROP COLUMN said;",
        "ALTER TABLE word ADD COLUMN said text; "
        "UPDATE word SET said = 'word ' || id, more = 'more';",
    ),
    "a column without a value": (
        "UPDATE word SET more = NULL; ALTER TABLE word DROP COLUMN more;",
        "ALTER TABLE word ADD COLUMN more text; UPDATE word SET more = 'more';",
    ),
    "a sequence that goes on": (
        "INSERT INTO word (said) SELECT 'x' FROM generate_series(1, 9);",
        "DELETE FROM word WHERE said = 'x';",
    ),
}


@pytest.mark.parametrize("words", BACK)
def test_a_way_back_that_leads_back(database: Database, goose: History, words: str) -> None:
    up, down = BACK[words]
    file = pair(up, down)._replace(transaction="CONCURRENTLY" not in up)
    found = rehearsed(database, goose, file)
    assert found.problem is None, found.problem
    assert found.again is not None


def test_what_has_no_meaning_is_said_and_is_no_fault(database: Database, goose: History) -> None:
    file = pair(
        "ALTER TABLE word DROP COLUMN kind, DROP COLUMN said;",
        "ALTER TABLE word ADD COLUMN said text, ADD COLUMN kind text NOT NULL DEFAULT 'none';"
        "UPDATE word SET said = 'word ' || id;",
    )
    found = rehearsed(database, goose, file)
    assert found.problem is None, found.problem
    assert found.undone.immaterial == (
        "order of columns of public.word",
        "settings of column public.word.kind",
        "comment on table column public.word.kind",
    ), found.undone


LOST = {
    "a column whose values are gone": (
        "ALTER TABLE word DROP COLUMN said;",
        "ALTER TABLE word ADD COLUMN said text;",
        "do not leave the rows as they were: public.word.said: 5 values before, 0 now",
    ),
    "values that are other ones": (
        "UPDATE word SET said = 'none' WHERE id = 1;",
        "SELECT 1;",
        "do not leave the rows as they were: public.word: other values in its 5 rows",
    ),
    "rows that are gone": (
        "DELETE FROM word WHERE id > 2; ALTER TABLE word ADD COLUMN n int;",
        "ALTER TABLE word DROP COLUMN n;",
        "do not leave the rows as they were: public.word: 5 rows before, 2 now",
    ),
    "a table whose rows are gone": (
        "DROP TABLE word;",
        "CREATE TABLE word (id serial PRIMARY KEY, said text, more text,"
        " kind text NOT NULL DEFAULT 'none'); ALTER TABLE word ALTER kind SET STATISTICS 500;",
        "do not leave the rows as they were: public.word: 5 rows before, 0 now",
    ),
    "a column that loses what it has to be": (
        "ALTER TABLE word DROP COLUMN kind;",
        "ALTER TABLE word ADD COLUMN kind text DEFAULT 'none';",
        "nothing has changed: not as before the deployment: column public.word.kind",
    ),
    "a column that loses its default": (
        "ALTER TABLE word DROP COLUMN kind;",
        "ALTER TABLE word ADD COLUMN kind text NOT NULL DEFAULT 'some';",
        "nothing has changed: not as before the deployment: column public.word.kind",
    ),
    "a comment that is not taken back": (
        "COMMENT ON COLUMN word.said IS 'new';",
        "SELECT 1;",
        "do not leave the schema as it was: comment on table column public.word.said",
    ),
    "a right that stays": (
        "GRANT SELECT ON word TO PUBLIC;",
        "SELECT 1;",
        "do not leave the schema as it was",
    ),
    "a table that stays": (
        "CREATE TABLE other (id int);",
        "SELECT 1;",
        "do not take everything back",
    ),
    "a sequence that begins again": (
        "INSERT INTO word (said) VALUES ('x');",
        "DELETE FROM word WHERE said = 'x'; SELECT setval('word_id_seq', 1, false);",
        "behind where they were",
    ),
    "a file that fails": (
        "ALTER TABLE word ADD COLUMN n int;",
        "DO $$ BEGIN RAISE EXCEPTION 'there is no way back'; END $$;",
        "could not be taken back",
    ),
}


@pytest.mark.parametrize("words", LOST)
def test_a_way_back_that_leads_elsewhere_is_found_out(
    database: Database, goose: History, words: str
) -> None:
    up, down, said = LOST[words]
    found = rehearsed(database, goose, pair(up, down))
    assert found.problem is not None
    assert (found.problem.step, found.problem.severity) == ("undo", "no_go")
    assert said in f"{found.problem.message}: {found.problem.detail}", found.problem
    if words != "a file that fails":
        assert "gonogo_irreversible" in (found.problem.hint or "")


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("key", ["dbmate", "golang_migrate", "goose"])
def test_a_column_that_comes_back_without_its_values(
    key: str, values: bool, database: Database, owner: psycopg.Connection, tmp_path: Path
) -> None:
    make(owner, key, "public")
    owner.execute("CREATE TABLE public.place (id int PRIMARY KEY, said text, n int NOT NULL)")
    owner.execute("INSERT INTO public.place SELECT n, NULL, n FROM generate_series(1, 5) AS n")
    if values:
        owner.execute("UPDATE public.place SET said = 'x' WHERE id <= 3")
    tool = history.find(key, schema="public")
    up, down = "ALTER TABLE place DROP COLUMN said;", "ALTER TABLE place ADD COLUMN said text;"
    files = tool.files(migrations(key, tmp_path, NAMES[:1], up, down))
    found = tried(database, pending.plan(key, tool, files), undo_of(key, tool, files))
    if values:
        assert (found.problem.step, found.problem.severity) == ("undo", "no_go")
        assert found.problem.detail == "public.place.said: 3 values before, 0 now"
        assert "is only in the backup" in found.problem.hint
    else:
        assert found.problem is None, found.problem
        assert found.undone.immaterial == ("order of columns of public.place",)


@pytest.mark.parametrize("down", [None, "", "-- no way back\n", "BEGIN;\n-- none\nCOMMIT;\n"])
def test_a_file_without_a_statement_takes_nothing_back(goose: History, down: str | None) -> None:
    files = [pair("SELECT 1;", "SELECT 1;"), pair("SELECT 1;", down, version=2)]
    assert pending.undo("goose", goose, files) is None
    assert pending.without_undo(files) == ["2_x.sql"]


def test_what_cannot_be_in_a_transaction_is_said(goose: History) -> None:
    with pytest.raises(GonogoError, match=r"1_x.sql:2: VACUUM WORD cannot run inside"):
        pending.undo("goose", goose, [pair("SELECT 1;", "\nVACUUM word;")])


def test_rows_that_the_file_changes_are_named_and_approved(
    database: Database, goose: History, owner: psycopg.Connection
) -> None:
    file = pair("INSERT INTO word (said) VALUES ('new');", "DELETE FROM word WHERE said = 'new';")
    assert deployed(database, pending.plan("goose", goose, [file])).action == "applied"
    undo = undo_of("goose", goose, [file])
    shown = taken_back(database, undo)
    assert shown.altered == {"public.word": (6, 5)}
    assert "public.word" in shown.holds
    # Rows that are none of its own do not change what was approved; one of its own does.
    owner.execute("INSERT INTO word (said) VALUES ('other')")
    assert taken_back(database, undo).content == shown.content
    owner.execute("INSERT INTO word (said) VALUES ('new')")
    assert taken_back(database, undo).content != shown.content
    assert not taken_back(database, undo, shown.content).committed
    done = taken_back(database, undo, taken_back(database, undo).content)
    assert (done.committed, done.altered) == (True, {"public.word": (8, 6)})


@pytest.mark.parametrize("key", ["goose", "golang_migrate"])
def test_nothing_is_taken_back_below_a_later_migration(
    key: str, database: Database, owner: psycopg.Connection, tmp_path: Path
) -> None:
    tool = history.find(key, schema="public")
    make(owner, key, "public")
    first, second, third = tool.files(folder_of(key, tmp_path))
    assert deployed(database, pending.plan(key, tool, [first, second, third])).action == "applied"
    for files in ([first], [first, second]):
        with pytest.raises(GonogoError, match="later migrations") as caught:
            taken_back(database, undo_of(key, tool, files))
        assert third.name in (caught.value.detail or "")
    assert taken_back(database, undo_of(key, tool, [second, third])).state == "applied"
