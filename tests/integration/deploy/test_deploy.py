"""A migration is applied under budgets, and every statement is traced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.records.deployment import Leftover
from gonogo.contract.records.trace import Lock
from gonogo.host.compare import schema_catalog
from gonogo.host.migrate.deployment import deploy, find_out
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database
from tests.integration.support.migrations import (
    PRISMA_TABLE,
    deployed,
    outcome,
    plan_of,
    prisma_rows,
)

ADD = "ALTER TABLE public.sites ADD COLUMN gonogo_note text;"


@contextmanager
def holding(database: Database, statement: str) -> Iterator[psycopg.Connection]:
    """A session of somebody else's with an open transaction."""
    with database.owner() as other:
        other.execute("BEGIN")
        other.execute(statement)
        yield other


def columns(database: Database, table: str = "sites") -> set[str]:
    with database.owner() as owner:
        rows = owner.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
            (f"public.{table}",),
        ).fetchall()
    return {row[0] for row in rows}


def missing_in(done: Any) -> set[str]:
    return {item.object for item in done.after.objects if not item.matches}


# --- the trace ---------------------------------------------------------------------------------


def test_the_trace_names_locks_and_who_waits(database: Database, tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, add=ADD, index="\n-- why\nCREATE INDEX gonogo_i ON public.sites (gonogo_note);"
    )
    done = deployed(database, plan)
    assert done.action == "applied", done
    add, index = done.statements
    assert Lock("public.sites", "AccessExclusiveLock", existing=True) in add.locks
    assert [(w.relation, w.blocks) for w in add.waits] == [("public.sites", "reads and writes")]
    # Until the end of the transaction, which is later than that of the statement.
    assert add.waits[0].seconds >= add.seconds + index.seconds
    assert (index.file, index.line, index.statement) == (
        "index.sql",
        3,
        "CREATE INDEX gonogo_i ON public.sites (gonogo_note)",
    )
    assert {lock.mode for lock in index.locks} >= {"ShareLock"}
    assert [(w.relation, w.blocks) for w in index.waits] == [("public.sites", "writes")]
    assert add.wal_bytes > 0
    assert index.size_bytes > 0


def test_the_trace_shows_a_rewritten_table(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(
            "CREATE TABLE public.gonogo_big AS SELECT n, n AS m FROM generate_series(1, 20000) n"
        )
        owner.execute("CREATE INDEX gonogo_big_n ON public.gonogo_big (n)")
    plan = plan_of(
        tmp_path,
        wide="ALTER TABLE public.gonogo_big ALTER COLUMN n TYPE bigint, ADD COLUMN extra text;",
        plain="ALTER TABLE public.gonogo_big ADD COLUMN more text;",
    )
    done = deployed(database, plan)
    rewriting, plain = done.statements
    assert rewriting.rewritten == ("public.gonogo_big", "public.gonogo_big_n")
    assert rewriting.wal_bytes > 500_000
    assert rewriting.size_bytes > 0
    assert plain.rewritten == ()
    assert plain.size_bytes == 0


def test_tables_of_its_own_make_nobody_wait(database: Database, tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        own="CREATE TABLE public.gonogo_new (id int);\nALTER TABLE public.gonogo_new ADD n int;",
    )
    done = deployed(database, plan)
    assert [line.waits for line in done.statements] == [(), ()]
    assert not any(lock.existing for line in done.statements for lock in line.locks)


# --- budgets -----------------------------------------------------------------------------------


def test_a_lock_that_is_not_to_be_had_stops_it_and_names_the_holder(
    database: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, own="CREATE TABLE public.gonogo_new (id int);", add=ADD)
    with holding(database, "LOCK TABLE public.sites IN ACCESS SHARE MODE") as other:
        done = deployed(database, plan)
        pid = other.info.backend_pid
    assert done.action == "failed"
    assert done.error.sqlstate == "55P03"
    assert done.error.attempts == 2
    assert (done.error.file, done.error.line) == ("add.sql", 1)
    assert [holder.pid for holder in done.error.holders] == [pid]
    assert done.changed == ()
    assert done.statements == ()
    assert done.after.state == "absent"


def test_the_whole_transaction_is_tried_again(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own="CREATE TABLE public.gonogo_new (id int);", add=ADD)
    tries = []
    with holding(database, "LOCK TABLE public.sites IN ACCESS SHARE MODE") as other:

        def confirm() -> None:
            tries.append(1)
            if len(tries) == 2:
                other.execute("ROLLBACK")

        done = deployed(database, plan, budgets={"attempts": 3}, confirm=confirm)
    assert done.action == "applied", done.error
    # Before each try, and before COMMIT.
    assert len(tries) == 3
    assert [attempt.sqlstate for attempt in done.failed_attempts] == ["55P03"]
    assert len(done.statements) == 2


def test_a_statement_that_would_keep_the_application_waiting_is_ended(
    database: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, add=ADD, slow="SELECT pg_catalog.pg_sleep(3600);")
    done = deployed(database, plan, budgets={"hold": "100ms"})
    assert done.action == "failed"
    assert done.error.message.startswith("the statement would make the application wait")
    assert done.error.file == "slow.sql"
    assert done.changed == ()


def test_without_such_a_lock_only_the_statement_counts(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, slow="SELECT pg_catalog.pg_sleep(3600);", add=ADD)
    done = deployed(database, plan, budgets={"hold": "1h", "statement": "100ms"})
    assert done.error.sqlstate == "57014"
    assert done.error.file == "slow.sql"


def test_a_run_that_lost_its_lock_tries_nothing(database: Database, tmp_path: Path) -> None:
    def confirm() -> None:
        raise GonogoError("this run has lost its lock on the database")

    with pytest.raises(GonogoError, match="lost its lock"):
        deployed(database, plan_of(tmp_path, add=ADD), confirm=confirm)
    assert "gonogo_note" not in columns(database)


def test_a_run_that_loses_its_lock_while_it_works_commits_nothing(
    database: Database, tmp_path: Path
) -> None:
    asked = []

    def confirm() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise GonogoError("this run has lost its lock on the database")

    with pytest.raises(GonogoError, match="lost its lock"):
        deployed(database, plan_of(tmp_path, add=ADD), confirm=confirm)
    assert "gonogo_note" not in columns(database)


def test_what_was_committed_before_a_run_lost_its_lock_is_told(
    database: Database, tmp_path: Path
) -> None:
    asked = []

    def confirm() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise GonogoError("this run has lost its lock on the database")

    build = "CREATE INDEX CONCURRENTLY gonogo_i ON public.sites (name);"
    plan = plan_of(tmp_path, add=ADD, index=("none", build))
    done = deployed(database, plan, confirm=confirm)
    assert done.action == "failed"
    assert done.files == ("add.sql",)
    assert done.error.message == "this run has lost its lock on the database"
    assert done.after.state == "unfinished"


def test_only_the_schema_that_is_on_record_is_changed(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    found = outcome(database, plan, check_only=True)
    look = found.record
    assert look.action == "would_apply"
    assert found.catalog_before
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.gonogo_other ()")
    done = deployed(database, plan, sealed=look.schema_before)
    assert done.action == "moved"
    assert "gonogo_note" not in columns(database)
    again = deployed(database, plan, check_only=True)
    assert deployed(database, plan, sealed=again.schema_before).action == "applied"


# --- a failure midway ------------------------------------------------------------------------


def test_a_failure_leaves_everything_as_it_was(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD, bad="SELECT 1;\n\nSELECT\n    nonsense;\n")
    with database.owner() as owner:
        owner.execute(PRISMA_TABLE)
        done = deployed(database, plan)
        assert prisma_rows(owner) == []
    assert done.action == "failed"
    assert done.error.sqlstate == "42703"
    # The line the server means, not that of the statement.
    assert (done.error.file, done.error.line) == ("bad.sql", 4)
    assert done.schema_before == done.schema_after
    assert done.changed == ()
    assert "gonogo_note" not in columns(database)


def test_what_stays_of_files_without_a_transaction_is_named(
    database: Database, tmp_path: Path
) -> None:
    plan = plan_of(
        tmp_path,
        add="ALTER TABLE public.sites ADD CONSTRAINT gonogo_c CHECK (id <> '') NOT VALID;",
        late=("none", "ALTER TABLE public.sites VALIDATE CONSTRAINT gonogo_c;\nSELECT nonsense;"),
    )
    done = deployed(database, plan)
    assert done.action == "failed"
    assert done.files == ("add.sql",)
    assert [line.line for line in done.statements] == [1, 1]
    assert "constraint public.sites.gonogo_c" in done.changed


def test_an_unfinished_deployment_is_finished_when_asked_for(
    database: Database, tmp_path: Path
) -> None:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.gonogo_t (n int)")
        owner.execute("INSERT INTO public.gonogo_t VALUES (-1)")
        owner.execute(PRISMA_TABLE)
        plan = plan_of(
            tmp_path,
            prisma="add",
            add="ALTER TABLE public.gonogo_t ADD CONSTRAINT gonogo_c CHECK (n > 0) NOT VALID;",
            late=("none", "ALTER TABLE public.gonogo_t VALIDATE CONSTRAINT gonogo_c;"),
        )
        failed = deployed(database, plan)
        assert failed.action == "failed"
        assert failed.error.sqlstate == "23514"
        assert failed.after.state == "unfinished"
        refused = deployed(database, plan)
        assert refused.action == "refused"
        assert missing_in(refused) == {"validation of constraint gonogo_c on public.gonogo_t"}
        owner.execute("UPDATE public.gonogo_t SET n = 1")
        done = deployed(database, plan, resume=True)
        assert done.action == "applied", done.error
        assert [line.file for line in done.statements] == ["late.sql"]
        assert len(prisma_rows(owner)) == 1


def test_validating_makes_nobody_wait(database: Database, tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        add="ALTER TABLE public.sites ADD CONSTRAINT gonogo_c CHECK (id <> '') NOT VALID;",
        late=("none", "ALTER TABLE public.sites VALIDATE CONSTRAINT gonogo_c;"),
    )
    done = deployed(database, plan)
    add, validate = done.statements
    assert [wait.blocks for wait in add.waits] == ["reads and writes"]
    assert validate.waits == ()
    assert {lock.mode for lock in validate.locks} == {"ShareUpdateExclusiveLock"}


def test_an_unfinished_index_is_named_with_the_command_that_removes_it(
    database: Database, tmp_path: Path
) -> None:
    plan = plan_of(
        tmp_path,
        make="CREATE TABLE public.gonogo_t (n int);\nINSERT INTO public.gonogo_t VALUES (1), (1);",
        index=("none", "CREATE UNIQUE INDEX CONCURRENTLY gonogo_u ON public.gonogo_t (n);"),
    )
    done = deployed(database, plan)
    assert done.error.sqlstate == "23505"
    assert done.leftovers == (
        Leftover("public.gonogo_u", "DROP INDEX CONCURRENTLY public.gonogo_u;"),
    )
    assert done.files == ("make.sql",)
    # It is there and of no use: nobody takes it for the index.
    (index,) = [item for item in done.after.objects if item.object.startswith("index")]
    assert index.exists
    assert not index.matches
    assert "is invalid" in index.difference
    assert done.after.state == "partial"
    with database.owner() as owner:
        owner.execute(done.leftovers[0].command)
        owner.execute("DELETE FROM public.gonogo_t")
    again = deployed(database, plan, resume=True)
    assert again.action == "applied", again.error


def test_an_unfinished_index_is_named_by_whoever_finds_out_what_was_left(
    database: Database, tmp_path: Path
) -> None:
    """Those that were unfinished before are not this migration's."""
    build = "CREATE UNIQUE INDEX CONCURRENTLY gonogo_u ON public.gonogo_t (n);"
    plan = plan_of(tmp_path, index=("none", build))
    with database.owner() as owner:
        owner.execute("SET search_path TO ''")
        owner.execute("CREATE TABLE public.gonogo_t (n int)")
        owner.execute("INSERT INTO public.gonogo_t VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute(build.replace("gonogo_u", '"gonogo theirs"'))
        before = schema_catalog.read(owner)
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute(build)
        found = find_out(owner, plan, before)
    assert found.action == "failed"
    assert found.leftovers == (
        Leftover("public.gonogo_u", "DROP INDEX CONCURRENTLY public.gonogo_u;"),
    )


def test_a_lost_session_is_followed_by_a_look(database: Database, tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        add=ADD,
        end="SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());",
    )
    done = deployed(database, plan)
    assert done.action == "failed"
    assert done.error.lost
    assert done.after.state == "absent"
    assert done.changed == ()


class _LostAnswer:
    """A session that ends with the answer to COMMIT on its way; `commits`: whether it happened."""

    def __init__(self, connection: Any, *, commits: bool) -> None:
        self.real, self.commits, self.closed = connection, commits, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __enter__(self) -> _LostAnswer:
        return self

    def __exit__(self, *_: object) -> None:
        self.real.close()

    def execute(self, query: Any, *arguments: Any) -> Any:
        if query == "COMMIT":
            if self.commits:
                self.real.execute(query)
            self.real.close()
            self.closed = True
            raise psycopg.OperationalError("the connection is lost")
        return self.real.execute(query, *arguments)


@pytest.mark.parametrize(("commits", "action"), [(True, "applied"), (False, "failed")])
def test_a_lost_answer_to_commit_is_looked_up(
    database: Database, tmp_path: Path, commits: bool, action: str
) -> None:
    login, opened = database.login(), []

    def open_session() -> Any:
        session: Any = connect(login, name="gonogo:test:deploy")
        opened.append(session)
        return session if len(opened) > 1 else _LostAnswer(session, commits=commits)

    plan = plan_of(tmp_path, add=ADD)
    done = deploy(open_session, plan, budgets=budgets_of({}), confirm=lambda: None).record
    assert done.action == action
    assert done.error
    assert done.error.committed is None
    assert len(done.statements) == commits
    assert done.changed == (("column public.sites.gonogo_note",) if commits else ())


# --- recognition -------------------------------------------------------------------------------


def test_the_owner_of_the_tables_may_do_all_of_it(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        (superuser,) = owner.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or (None,)
    assert superuser is False
    assert deployed(database, plan_of(tmp_path, add=ADD)).action == "applied"


def test_what_is_there_is_not_applied_again(database: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with database.owner() as owner:
        owner.execute(ADD)
    done = deployed(database, plan)
    assert (done.action, done.before.state) == ("none", "applied")
    assert done.statements == ()


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        ("CREATE TABLE public.gonogo_a (id int)", "table public.gonogo_b"),
        ("CREATE TABLE public.gonogo_b (id int)", "table public.gonogo_a"),
    ],
)
def test_a_partial_migration_is_named_object_by_object(
    database: Database, tmp_path: Path, made: str, missing: str
) -> None:
    plan = plan_of(
        tmp_path, a="CREATE TABLE public.gonogo_a (id int);\nCREATE TABLE public.gonogo_b (id int);"
    )
    with database.owner() as owner:
        owner.execute(made)
    done = deployed(database, plan)
    assert (done.action, done.before.state) == ("refused", "partial")
    assert missing_in(done) == {missing}


def test_a_check_only_look_changes_nothing(database: Database, tmp_path: Path) -> None:
    assert deployed(database, plan_of(tmp_path, add=ADD), check_only=True).action == "would_apply"
    assert "gonogo_note" not in columns(database)


# --- Prisma ------------------------------------------------------------------------------------


@pytest.fixture
def prisma(database: Database) -> Iterator[psycopg.Connection]:
    with database.owner() as owner:
        owner.execute(PRISMA_TABLE)
        yield owner


def _recorded(owner: psycopg.Connection, checksum: str, *, finished: bool = True) -> None:
    owner.execute(
        "INSERT INTO public._prisma_migrations (id, checksum, migration_name, finished_at)"
        " VALUES (gen_random_uuid()::text, %s, '20260101000000_test',"
        " CASE WHEN %s THEN now() END)",
        (checksum, finished),
    )


def test_the_record_is_written_with_the_migration(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, prisma="add", add=ADD)
    done = deployed(database, plan)
    (row,) = prisma_rows(prisma)
    assert row["checksum"] == plan.history.migrations[0].checksums[0]
    assert row["finished_at"] >= row["started_at"]
    assert (row["logs"], row["rolled_back_at"], row["applied_steps_count"]) == (None, None, 1)
    assert done.after.contradictions == ()


def test_a_failure_leaves_no_record(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD, bad="SELECT nonsense;"))
    assert done.action == "failed"
    assert prisma_rows(prisma) == []


def test_a_database_without_prisma_gets_no_table(database: Database, tmp_path: Path) -> None:
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD))
    assert done.action == "applied"
    assert done.changed == ("column public.sites.gonogo_note",)


def test_recorded_as_applied_but_not_there_is_a_contradiction(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, prisma="add", add=ADD)
    _recorded(prisma, plan.history.migrations[0].checksums[0])
    done = deployed(database, plan)
    assert done.action == "refused"
    (found,) = done.before.contradictions
    assert found.blocks
    assert "none of its objects is there" in found.text
    # The command that is named settles it.
    prisma.execute(found.hint)
    assert deployed(database, plan).action == "applied"


def test_begun_and_not_finished_is_a_contradiction(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, prisma="add", add=ADD)
    _recorded(prisma, plan.history.migrations[0].checksums[0], finished=False)
    done = deployed(database, plan)
    assert done.action == "refused"
    assert done.before.contradictions[0].hint == (
        "npx prisma migrate resolve --rolled-back 20260101000000_test"
    )


def test_there_but_not_recorded_is_named(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    prisma.execute(ADD)
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD))
    assert done.action == "none"
    assert done.before.contradictions[0].hint == (
        "npx prisma migrate resolve --applied 20260101000000_test"
    )


def test_a_record_of_another_file_is_named(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    prisma.execute(ADD)
    _recorded(prisma, "0" * 64)
    done = deployed(database, plan_of(tmp_path, prisma="add", add=ADD))
    assert "is of another add.sql" in done.before.contradictions[0].text


def test_a_record_of_the_file_with_other_line_ends_is_the_same(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, prisma="add", add=f"-- unix\n{ADD}\n")
    prisma.execute(ADD)
    _recorded(prisma, plan.history.migrations[0].checksums[1])
    assert deployed(database, plan).before.contradictions == ()


def test_nothing_is_deployed_beside_a_deployment_of_prisma(
    database: Database, prisma: psycopg.Connection, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, prisma="add", add=ADD)
    prisma.execute("SELECT pg_advisory_lock(72707369)")
    with pytest.raises(GonogoError, match="deployment of Prisma's is at work"):
        deployed(database, plan)
    prisma.execute("SELECT pg_advisory_unlock(72707369)")
    assert deployed(database, plan).action == "applied"


# --- writers -----------------------------------------------------------------------------------


def test_no_writer_waits_longer_than_the_budgets(database: Database, tmp_path: Path) -> None:
    """The server itself ends a writer that has to wait for longer than lock and hold together."""
    plan = plan_of(tmp_path, add=ADD, index="CREATE INDEX gonogo_i ON public.sites (gonogo_note);")
    written: list[int] = []
    ended: list[str | None] = []
    over = threading.Event()

    def write() -> None:
        with database.owner() as writer:
            writer.execute("SET lock_timeout = '30s'")
            while not over.is_set():
                try:
                    cursor = writer.execute("UPDATE public.sites SET id = id")
                    written.append(cursor.rowcount)
                except psycopg.Error as error:
                    ended.append(error.sqlstate)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        # Somebody reads for ever: the first attempts wait in vain, with the writers behind them.
        with holding(database, "LOCK TABLE public.sites IN ACCESS SHARE MODE"):
            refused = deployed(database, plan, budgets={"attempts": 3})
        done = deployed(database, plan, budgets={"lock": "5s", "hold": "5s", "attempts": 20})
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert refused.error.sqlstate == "55P03"
    assert done.action == "applied", done.error
    assert written
    assert set(ended) <= {"40P01"}


# --- read as it was cut ------------------------------------------------------------------------


def test_what_is_hard_to_cut_is_applied_and_recognised(database: Database, tmp_path: Path) -> None:
    """The server takes each piece as one statement, and makes what was read in it."""
    long = "gonogo_" + "ä" * 40
    plan = plan_of(
        tmp_path,
        texts="COMMENT ON TABLE public.sites IS E'a'\n  -- why;\n 'b\\';c';\r\nSELECT 1;",
        names=f"CREATE TABLE public.U&\"gonogo!0061\" UESCAPE '!' (id int); "
        f"CREATE TABLE public.{long} (id int);",
        body="CREATE FUNCTION public.gonogo_f() RETURNS int LANGUAGE plpgsql"
        " AS E'BEGIN RETURN length(\\'a\\');'\n' END';",
        atomic="CREATE FUNCTION public.gonogo_g() RETURNS int BEGIN ATOMIC"
        ' SELECT 1 AS end; SELECT w.end FROM (SELECT CASE WHEN true THEN 2 END) AS w ("end"); END;',
    )
    done = deployed(database, plan)
    assert done.action == "applied", done
    assert missing_in(done) == set()
    assert len(done.statements) == 6
    with database.owner() as owner:
        found = owner.execute(
            "SELECT obj_description('public.sites'::regclass), public.gonogo_f(),"
            " public.gonogo_g(), to_regclass('public.gonogoa') IS NOT NULL"
        ).fetchone()
    assert found == ("ab';c", 1, 2, True)


@pytest.mark.parametrize("setting", ["standard_conforming_strings, off", "client_encoding, LATIN1"])
def test_a_session_that_reads_sql_in_another_way_runs_nothing_more(
    database: Database, tmp_path: Path, setting: str
) -> None:
    name, value = setting.split(", ")
    plan = plan_of(
        tmp_path,
        first=f"{ADD} DO $$BEGIN PERFORM set_config('{name}', '{value}', false); END$$;",
        second="SELECT '\\'; ALTER TABLE public.sites ADD COLUMN gonogo_more text; --';",
    )
    with pytest.raises(GonogoError) as caught:
        deployed(database, plan)
    assert f"{name} is {value}, and must be" in caught.value.render()
    assert not {"gonogo_note", "gonogo_more"} & columns(database)


def test_several_statements_in_the_place_of_one_are_taken_back(
    database: Database, tmp_path: Path
) -> None:
    """Whatever the cutting has made of a file, the server's own reading has the last word."""
    plan = plan_of(tmp_path, add=ADD)
    (step,) = plan.steps
    (statement,) = step.statements
    more = replace(statement, text=f"{statement.text}SELECT 1;")
    plan = replace(plan, steps=[replace(step, statements=[more])])
    with pytest.raises(GonogoError, match="has read several statements"):
        deployed(database, plan)
    assert "gonogo_note" not in columns(database)
