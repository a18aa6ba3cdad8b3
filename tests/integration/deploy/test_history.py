"""The record of a migration tool in a real database, and the tool's lock during a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.deployment import HistoryFound
from gonogo.host.migrate import history
from gonogo.host.migrate.history import Entry, Migration
from gonogo.host.migrate.history.interface import APPLIED, FAILED, TRANSACTION, UNDONE
from gonogo.host.migrate.history.tools.plain import Plain
from gonogo.host.migrate.history.tools.prisma import Prisma
from tests.integration.support.harness import Database
from tests.integration.support.migrations import PRISMA_TABLE, deployed, plan_of, prisma_rows

ADD = "ALTER TABLE public.sites ADD COLUMN gonogo_note text;"
ONE = Migration("20260101000000_one", "one.sql", checksums=("c" * 64,))
# A name in which a placeholder of the driver, a field of a format and a quotation mark stand.
ODD = 'a"b %s {table}'


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as connection:
        yield connection


@pytest.fixture(params=["public", ODD])
def schema(owner: psycopg.Connection, request: pytest.FixtureRequest) -> str:
    """One with Prisma's table."""
    name = str(request.param)
    if name != "public":
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    table = sql.Identifier(name, "_prisma_migrations").as_string(owner)
    owner.execute(PRISMA_TABLE.replace("public._prisma_migrations", table).encode())
    return name


def states(tool: history.History, owner: psycopg.Connection) -> list[tuple[str, str]]:
    return [(entry.name, entry.state) for entry in tool.entries(owner) or []]


def test_prisma_s_record_is_written_and_taken_back(owner: psycopg.Connection, schema: str) -> None:
    tool = Prisma(schema)
    assert tool.entries(owner) == []
    tool.record(owner, ONE)
    (entry,) = tool.entries(owner) or []
    details = {"finished": True, "steps": 1, "logs": False}
    assert entry == Entry(ONE.name, APPLIED, ONE.checksums[0], details)
    tool.unrecord(owner, ONE)
    assert states(tool, owner) == [(ONE.name, UNDONE)]
    tool.record(owner, ONE)
    assert states(tool, owner) == [(ONE.name, UNDONE), (ONE.name, APPLIED)]


def test_what_prisma_has_begun_has_failed(owner: psycopg.Connection, schema: str) -> None:
    table = sql.Identifier(schema, "_prisma_migrations")
    owner.execute(
        sql.SQL(
            "INSERT INTO {} (id, checksum, migration_name, logs) VALUES ('1', 'c', 'n', 'no')"
        ).format(table)
    )
    (entry,) = Prisma(schema).entries(owner) or []
    assert entry == Entry("n", FAILED, "c", {"finished": False, "steps": 0, "logs": True})


def test_what_settles_it_settles_it(owner: psycopg.Connection, schema: str) -> None:
    """The command for a person, where Prisma has none."""
    tool = Prisma(schema)
    tool.record(owner, ONE)
    hint = tool.unstamp(Entry(ONE.name, APPLIED)) or ""
    owner.execute(hint.encode())
    assert states(tool, owner) == [(ONE.name, UNDONE)]


def test_a_view_is_no_record(owner: psycopg.Connection) -> None:
    owner.execute("CREATE VIEW public._prisma_migrations AS SELECT 1 AS id")
    assert Prisma("public").entries(owner) is None


def test_prisma_s_lock_is_one_session_s(database: Database, owner: psycopg.Connection) -> None:
    tool = Prisma("public")
    assert tool.take(owner)
    with database.owner() as other:
        assert not tool.take(other)
        tool.release(owner)
        assert tool.take(other)


def test_plain_files_leave_the_database_to_itself(owner: psycopg.Connection) -> None:
    tool = Plain("public")
    before = _tables(owner)
    tool.record(owner, ONE)
    tool.unrecord(owner, ONE)
    assert tool.take(owner)
    tool.release(owner)
    assert tool.entries(owner) is None
    assert _tables(owner) == before
    assert owner.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    ).fetchone() == (0,)


def test_plain_files_are_known_by_the_schema_alone(
    database: Database, owner: psycopg.Connection, tmp_path: Any
) -> None:
    """Another tool's record is none of theirs, and its lock neither."""
    owner.execute(PRISMA_TABLE)
    plan = plan_of(tmp_path, add=ADD)
    assert Prisma("public").take(owner)
    done = deployed(database, plan)
    assert done.action == "applied"
    assert done.after.history == HistoryFound("plain", None)
    assert done.after.contradictions == ()
    assert prisma_rows(owner) == []
    assert deployed(database, plan).action == "none"


def test_the_evidence_says_which_tool_has_recorded_it(
    database: Database, owner: psycopg.Connection, tmp_path: Any
) -> None:
    owner.execute(PRISMA_TABLE)
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD))
    assert done.before.history == HistoryFound("prisma", ())
    (entry,) = done.after.history.entries
    assert (entry.name, entry.state) == ("20260101000000_test", "applied")


# --- a lock of each transaction ----------------------------------------------------------------


class Transactional(Plain):
    """A tool that locks its own table in each transaction."""

    name = "Another"
    lock_scope = TRANSACTION
    lock_name = "public.gonogo_lock"

    def take(self, connection: Any) -> bool:
        try:
            with connection.transaction():
                connection.execute("LOCK TABLE public.gonogo_lock IN EXCLUSIVE MODE NOWAIT")
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def release(self, connection: Any) -> None:
        raise AssertionError(f"the transaction has done it: {connection}")


@pytest.fixture
def transactional(owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.execute("CREATE TABLE public.gonogo_lock ()")
    monkeypatch.setattr(history, "find", lambda _tool, *, schema: Transactional(schema))


@pytest.mark.usefixtures("transactional")
def test_a_lock_of_a_transaction_is_taken_in_it(database: Database, tmp_path: Any) -> None:
    held = (
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid()"
        " AND relation = 'public.gonogo_lock'::regclass AND mode = 'ExclusiveLock')"
        " THEN RAISE 'not held'; END IF; END $$;"
    )
    done = deployed(database, plan_of(tmp_path, add=f"{ADD}\n{held}"))
    assert done.action == "applied", done.error


@pytest.mark.usefixtures("transactional")
def test_nothing_is_deployed_beside_a_transaction_of_the_tool(
    database: Database, owner: psycopg.Connection, tmp_path: Any
) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with owner.transaction():
        owner.execute("LOCK TABLE public.gonogo_lock IN EXCLUSIVE MODE")
        with pytest.raises(GonogoError, match="deployment of Another's is at work") as caught:
            deployed(database, plan)
        assert "public.gonogo_lock" in caught.value.render()
    assert deployed(database, plan).action == "applied"


# --- the end of a lock -------------------------------------------------------------------------


def test_a_session_that_is_lost_releases_nothing(
    database: Database, owner: psycopg.Connection, tmp_path: Any
) -> None:
    """What became of the deployment is told as before; the lock has gone with the session."""
    owner.execute(PRISMA_TABLE)
    ends = "SELECT pg_terminate_backend(pg_backend_pid());"
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD, late=("none", ends)))
    assert done.error.lost
    assert done.files == ("add.sql",)
    assert Prisma("public").take(owner)


def _tables(owner: psycopg.Connection) -> list[Any]:
    return owner.execute("SELECT oid FROM pg_class ORDER BY oid").fetchall()
