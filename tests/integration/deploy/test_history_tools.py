"""The records of all migration tools in a real database, and the tools' own word on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from gonogo.host.migrate import history
from gonogo.host.migrate.history import Entry, History, Migration
from gonogo.host.migrate.history.interface import APPLIED, FAILED, IGNORED, REFUSED
from tests.folders import NAMES, migrations
from tests.integration.support.harness import Database
from tests.migration_tools import REAL, Asked, Real
from tools import record_tables as history_tables

# A name in which a placeholder of the driver, a field of a format and a quotation mark stand.
ODD = 'a"b %s {table}'
TOOLS = sorted(history_tables.TABLES)
# Whose deployments hold a lock.
LOCKING = [key for key in TOOLS if history.find(key, schema="public").lock_scope]
UP, DOWN = "CREATE TABLE own_{} (n int);\n", "DROP TABLE own_{};\n"


def told(files: Sequence[Migration]) -> list[str]:
    return [file.name for file in files]


def sent(one: Migration) -> Migration:
    """As it comes to the target host: by JSON, and without its SQL."""
    details = json.loads(json.dumps(one.details))
    return Migration(one.name, one.file, checksums=one.checksums, details=details)


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as connection:
        yield connection


@pytest.fixture(params=["own", ODD])
def schema(owner: psycopg.Connection, request: pytest.FixtureRequest) -> str:
    owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(request.param)))
    return str(request.param)


def make(owner: psycopg.Connection, key: str, schema: str, statements: str | None = None) -> None:
    quoted = sql.Identifier(schema).as_string(owner)
    text = (statements or history_tables.TABLES[key]).replace("{s}", quoted)
    owner.execute(text.replace("{{}}", "{}").encode())


# --- every tool --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", TOOLS)
def test_a_record_is_written_and_taken_back(
    key: str, owner: psycopg.Connection, schema: str, tmp_path: Path
) -> None:
    tool = history.find(key, schema=schema)
    files = tool.files(migrations(key, tmp_path, up=UP, down=DOWN))
    assert tool.entries(owner) is None
    make(owner, key, schema)
    assert tool.entries(owner) == []
    for one in files:
        tool.record(owner, sent(one))
    entries = tool.entries(owner) or []
    assert tool.applied(files, entries) == told(files)
    assert tool.pending(files, entries) == tool.changed(files, entries) == []
    assert tool.out_of_order(files, entries) == []
    assert tool.missing(files, entries) == []
    assert told(tool.changed([files[0]._replace(checksums=("0",)), *files[1:]], entries)) == (
        told(files)[:1] if tool.digest else []
    )
    tool.unrecord(owner, sent(files[-1]))
    entries = tool.entries(owner) or []
    assert told(tool.pending(files, entries)) == told(files)[-1:]
    assert tool.failed(entries) == []
    tool.record(owner, sent(files[-1]))
    assert tool.pending(files, tool.entries(owner) or []) == []
    rows = owner.execute(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n"
        " ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'",
        [schema],
    ).fetchall()
    assert {*rows} <= {*tool.tables}


@pytest.mark.parametrize("key", sorted(history_tables.FAILED))
def test_what_was_begun_and_not_finished_has_failed(
    key: str, owner: psycopg.Connection, schema: str, tmp_path: Path
) -> None:
    tool = history.find(key, schema=schema)
    files = tool.files(migrations(key, tmp_path))
    make(owner, key, schema)
    for one in files[:2]:
        tool.record(owner, sent(one))
    make(owner, key, schema, history_tables.FAILED[key].replace("{n}", files[1].name))
    entries = tool.entries(owner) or []
    assert tool.failed(entries) == [files[1].name]
    assert tool.applied(files, entries) == [files[0].name]
    assert told(tool.pending(files, entries)) == [files[2].name]


@pytest.mark.parametrize("key", [*TOOLS, "plain"])
def test_a_table_of_another_tool_s_is_no_record(
    key: str, owner: psycopg.Connection, schema: str
) -> None:
    """The name schema_migrations is that of many."""
    tool = history.find(key, schema=schema)
    for _, name in tool.tables:
        table = sql.Identifier(schema, name)
        owner.execute(sql.SQL("CREATE TABLE {} (other int)").format(table))
    assert tool.entries(owner) is None


@pytest.mark.parametrize("key", TOOLS)
def test_what_a_person_is_told_is_sql_or_a_command(
    key: str, owner: psycopg.Connection, schema: str, tmp_path: Path
) -> None:
    tool = history.find(key, schema=schema)
    files = tool.files(migrations(key, tmp_path))
    make(owner, key, schema)
    stamp = tool.stamp(files[0].name) or ""
    if stamp.startswith("INSERT"):
        owner.execute(stamp.replace("SHA-384 of the file", "00").encode())
    else:
        tool.record(owner, sent(files[0]))
    entries = tool.entries(owner) or []
    assert tool.applied(files, entries) == [files[0].name]
    unstamp = tool.unstamp(entries[0]) or ""
    if unstamp.startswith(("DELETE", "UPDATE")):
        owner.execute(unstamp.encode())
        assert tool.applied(files, tool.entries(owner) or []) == []
    assert tool.unstamp(Entry(files[0].name, FAILED))


@pytest.mark.parametrize("key", LOCKING)
def test_the_lock_of_a_tool_is_one_session_s(
    key: str, database: Database, owner: psycopg.Connection
) -> None:
    tool = history.find(key, schema="public")
    assert tool.take(owner)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    with database.owner() as other:
        assert not tool.take(other)
        # Nothing is left of what it could have.
        assert other.execute(held).fetchone() == (0,)
        tool.release(owner)
        assert tool.take(other)


def test_golang_migrate_s_lock_has_two_names(database: Database, owner: psycopg.Connection) -> None:
    """Its command calls the database by the path of its URL, a program by its name."""
    tool = history.find("golang_migrate", schema="public")
    command, program = tool.keys(owner)[1], tool.keys(owner)[0]
    for key in (command, program):
        with database.owner() as other:
            other.execute("SELECT pg_advisory_lock(%s)", [key])
            assert not tool.take(owner)


# --- the tools' own word -----------------------------------------------------------------------


def there(key: str) -> Any:
    """One of the tools, where the machine has it."""
    missing = REAL[key].program() is None
    reason = f"there is no {key}; `make servers` gets it where it can be had"
    return pytest.param(key, marks=pytest.mark.skipif(missing, reason=reason))


class Asking:
    """A tool and its folder, before a database that is empty."""

    def __init__(self, key: str, database: Database, path: Path) -> None:
        self.key = key
        self.real: Real = REAL[key]
        self.tool: History = history.find(key, schema=history.schema_of(key, "public"))
        self.folder = path / "supabase" / "migrations" if key == "supabase" else path / "folder"
        login = database.cluster.login(database.name)
        self.url = (
            f"postgres://{quote(login['user'])}@{login['host']}:{login['port']}/{database.name}"
            "?sslmode=disable"
        )
        self.environment = {
            "PGPASSFILE": str(login["passfile"]),
            "PGSSLMODE": "disable",
            "DATABASE_URL": self.url,
            "SQITCH_FULLNAME": "A Person",
            "SQITCH_EMAIL": "person@example.org",
        }

    def write(self, names: Sequence[str]) -> list[Migration]:
        migrations(self.key, self.folder, names, UP, DOWN)
        if self.key == "sqitch":
            (self.folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
        return self.tool.files(self.folder)

    def apply(self) -> Asked:
        return self.real.apply(self.url, self.folder, self.environment)

    def content(self) -> None:
        """The tool says that nothing is pending, and has nothing to do."""
        said = self.real.ask(self.url, self.folder, self.environment)
        assert said is None or (said.status == 0 and self.real.up_to_date in said.output), said
        done = self.apply()
        assert done.status == 0, done.output


@pytest.fixture(params=[*map(there, sorted(REAL))])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def asking(key: str, database: Database, tmp_path: Path) -> Asking:
    return Asking(key, database, tmp_path)


def own_tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relname ~ '^own_' AND relkind = 'r' ORDER BY 1"
    ).fetchall()
    return [name for (name,) in rows]


def rows_of(connection: psycopg.Connection, tool: History) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tool's, without what is never the same."""
    passing = {"id", "run_on", "committed_at", "created_at" if tool.name == "Sqitch" else ""}
    people = {"committer_name", "committer_email", "creator_name", "creator_email"}
    found = {}
    for schema, name in tool.tables:
        table = sql.Identifier(schema, name)
        try:
            cursor = connection.execute(sql.SQL("SELECT * FROM {}").format(table))
        except psycopg.errors.UndefinedTable:
            continue
        columns = [column.name for column in cursor.description or []]
        found[name] = sorted(
            (
                {k: v for k, v in zip(columns, row, strict=True) if k not in passing | people}
                for row in cursor.fetchall()
            ),
            key=str,
        )
    return found


def test_a_tool_is_content_with_what_was_recorded_for_it(
    asking: Asking, database: Database
) -> None:
    """It makes its table with the first; we apply the others, and it sees no difference."""
    tool = asking.tool
    asking.write(NAMES[:1])
    done = asking.apply()
    assert done.status == 0, done.output
    with database.admin() as connection:
        connection.autocommit = True
        files = asking.write(NAMES)
        entries = tool.entries(connection) or []
        # What it has recorded itself is what we would have.
        assert tool.applied(files, entries) == told(files)[:1]
        assert tool.changed(files, entries) == []
        assert told(tool.pending(files, entries)) == told(files)[1:]
        for one in files[1:]:
            connection.execute((one.text or "").encode())
            tool.record(connection, sent(one))
        ours = rows_of(connection, tool)
        asking.content()
        assert own_tables(connection) == ["own_a", "own_b", "own_c"]
        assert rows_of(connection, tool) == ours
        # Taken back, it applies the last one again, and writes the row that we had.
        last = files[-1]
        connection.execute((last.down or "DROP TABLE own_c").encode())
        tool.unrecord(connection, sent(last))
        if asking.real.status and asking.real.up_to_date and asking.key != "supabase":
            said = asking.real.ask(asking.url, asking.folder, asking.environment)
            assert said is not None
            assert asking.real.up_to_date not in said.output
        done = asking.apply()
        assert done.status == 0, done.output
        assert own_tables(connection) == ["own_a", "own_b", "own_c"]
        theirs = rows_of(connection, tool)
        theirs.pop("events", None)
        ours.pop("events", None)
        assert theirs == ours


def test_a_tool_does_with_a_late_file_what_is_said_of_it(
    asking: Asking, database: Database
) -> None:
    tool = asking.tool
    asking.write([NAMES[0], NAMES[2]])
    assert asking.apply().status == 0
    files = asking.write(NAMES)
    with database.admin() as connection:
        late = tool.out_of_order(files, tool.entries(connection) or [])
        done = asking.apply()
        applied = "own_b" in own_tables(connection)
        left = tool.pending(files, tool.entries(connection) or [])
    assert (done.status == 0, applied) == (tool.late != REFUSED, tool.late == APPLIED), done.output
    if asking.key != "sqitch":
        assert told(late) == [files[1].name]
    if tool.late == IGNORED:
        assert left == []


@pytest.mark.parametrize("key", [*map(there, sorted({*REAL} & {*LOCKING}))])
def test_a_tool_does_nothing_beside_our_lock(asking: Asking, database: Database) -> None:
    asking.write(NAMES[:1])
    with database.admin() as connection:
        connection.autocommit = True
        assert asking.tool.take(connection)
        done = asking.apply()
        assert done.status != 0, done.output
        assert own_tables(connection) == []
        asking.tool.release(connection)
        assert asking.apply().status == 0
