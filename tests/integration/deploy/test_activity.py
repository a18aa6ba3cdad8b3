"""Who is at work right before a deployment: each kind is seen, and nobody is invented.

What makes a deployment hopeless holds it before anything is tried; the rest is told.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.records.activity import Activity, Occupant
from gonogo.contract.records.migration import BY_PATH, Plan
from gonogo.contract.records.reading import plain, read
from gonogo.host.migrate.activity import look
from gonogo.host.migrate.locks_needed import needed
from gonogo.host.session.connection import connect
from gonogo.verdict import next_step, sentence, summary
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.migrations import deployed, plan_of

T = "public.gonogo_t"
ADD = f"ALTER TABLE {T} ADD COLUMN note text;"
INDEX = f"CREATE INDEX gonogo_i ON {T} (n);"
BESIDE = ("none", f"CREATE INDEX CONCURRENTLY gonogo_i ON {T} (n);")
STATISTICS = f"ALTER TABLE {T} ALTER COLUMN n SET STATISTICS 5;"
LEFT = "CREATE TABLE public.gonogo_left (id int);"
# A deployment gives up after so many seconds, two attempts of a tenth each.
SOON = {"lock": "100ms", "attempts": 2, "wait": "1ms"}
LATER = {"lock": "100ms", "attempts": 100, "wait": "1min"}
PAUSE = 0.4

_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None) -> Iterator[Cluster]:
    settings = {"max_prepared_transactions": "4", "max_connections": "40"}
    with Cluster.start(tmp_path_factory.mktemp("busy"), server_bin, settings) as started:
        yield started


@contextmanager
def emptied(server: Cluster) -> Iterator[Database]:
    """A database of the owner with two tables."""
    database = Database(server, f"busy_{next(_numbers)}", "none")
    name = sql.Identifier(database.name)
    with server.connect() as admin:
        owner = sql.Identifier(logins.OWNER)
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    with database.admin() as admin:
        admin.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    with database.owner() as session:
        session.execute(f"CREATE TABLE {T} (n int)".encode())
        session.execute("CREATE TABLE public.gonogo_u (n int)")
    try:
        yield database
    finally:
        with server.connect() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def busy(server: Cluster) -> Iterator[Database]:
    with emptied(server) as database:
        yield database


@contextmanager
def at_work(
    database: Database, *statements: str, name: str = "app", admin: bool = False
) -> Iterator[psycopg.Connection]:
    """A session of somebody else's with an open transaction that does nothing for a while."""
    with database.admin() if admin else database.owner() as other:
        other.execute("SELECT set_config('application_name', %s, false)", [name])
        other.execute("BEGIN")
        for statement in statements:
            other.execute(statement.encode())
        time.sleep(PAUSE)
        yield other


def seen(database: Database, plan: Plan, budgets: dict[str, object] | None = None) -> Activity:
    """What a deployment of the plan would be told; as it comes back from a target host."""
    with connect(database.login(), name="gonogo:test:deploy") as connection:
        found = look(connection, plan, budgets_of({**SOON, **(budgets or {})}))  # type: ignore[dict-item]
        assert connection.execute("SHOW statement_timeout").fetchone() == ("10min",)
    return read(Activity, plain(found), file="an activity")


def occupants(
    database: Database, plan: Plan, budgets: dict[str, object] | None = None
) -> list[Occupant]:
    return [*seen(database, plan, budgets).occupants]


def kinds(found: Sequence[Occupant]) -> list[tuple[str, str]]:
    return [(one.kind, one.effect) for one in found]


def measured(server: Cluster, plan: Plan) -> Plan:
    """The plan with the trace of its statements on another database."""
    with emptied(server) as copy:
        done = deployed(copy, plan)
    assert done.action == "applied", done.error
    return replace(plan, measured=done.statements)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def answers(database: Database, query: str) -> Callable[[], bool]:
    """Whether the query has a row."""

    def asked() -> bool:
        with database.admin() as admin:
            return bool(admin.execute(query.encode()).fetchall())

    return asked


# --- transactions ------------------------------------------------------------------------------


def test_where_nobody_is_at_work_nothing_is_found(
    server: Cluster, busy: Database, tmp_path: Path
) -> None:
    plan = measured(server, plan_of(tmp_path, add=ADD))
    found = seen(busy, plan)
    assert found.occupants == ()
    assert found.rehearsed
    assert found.tables == {"public.gonogo_t": ("AccessExclusiveLock",)}
    assert found.seconds < 5
    assert summary(found).startswith("nobody was found to wait for")


def test_an_idle_transaction_with_a_conflicting_lock_holds_it_and_nothing_is_tried(
    server: Cluster, busy: Database, tmp_path: Path
) -> None:
    plan = measured(server, plan_of(tmp_path, add=ADD))
    budgets = budgets_of(SOON)  # type: ignore[arg-type]
    around = lambda connection, skip: look(connection, plan, budgets, skip)  # noqa: E731
    tried = []
    with at_work(busy, f"SELECT FROM {T}") as other:
        done = deployed(busy, plan, around=around, confirm=lambda: tried.append(1))
        (holder,) = done.activity.occupants
        assert holder.backend.pid == other.info.backend_pid
    assert (done.action, tried) == ("blocked", [])
    assert (done.statements, done.failed_attempts, done.changed) == ((), (), ())
    assert kinds([holder]) == [("transaction", "hold")]
    assert (holder.backend.role, holder.backend.application_name) == (logins.OWNER, "app")
    assert holder.backend.state == "idle in transaction"
    assert holder.backend.client == "127.0.0.1"
    (conflict,) = holder.conflicts
    assert (conflict.table, conflict.mode) == ("public.gonogo_t", "AccessShareLock")
    assert (conflict.wanted, conflict.certain) == (("AccessExclusiveLock",), True)
    said = sentence(holder)
    assert 'ACCESS SHARE on "public.gonogo_t", where the migration needs ACCESS EXCLUSIVE' in said
    assert f"pg_terminate_backend({holder.backend.pid})" in next_step(holder)
    again = deployed(busy, plan, around=around)
    assert (again.action, again.activity.occupants) == ("applied", ())


def test_one_that_may_still_end_in_time_is_told(busy: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with at_work(busy, f"SELECT FROM {T}"):
        assert kinds(occupants(busy, plan, LATER)) == [("transaction", "slow")]


def test_one_that_works_is_told(busy: Database, tmp_path: Path) -> None:
    """It may end at any moment."""
    plan = plan_of(tmp_path, add=ADD)
    with at_work(busy, f"SELECT FROM {T}") as other:
        running = threading.Thread(target=partial(_end, other, "SELECT pg_sleep(60)"))
        running.start()
        until(answers(busy, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        found = occupants(busy, plan)
        other.cancel()
        running.join()
    assert kinds(found) == [("transaction", "slow")]
    assert found[0].backend is not None
    assert (found[0].backend.state, found[0].backend.idle_seconds) == ("active", None)


def _end(session: psycopg.Connection, statement: str) -> None:
    with suppress(psycopg.Error):
        session.execute(statement.encode())


def test_locks_that_do_not_conflict_are_nobodys_business(
    server: Cluster, busy: Database, tmp_path: Path
) -> None:
    """A reader, and an index: mode against mode, and not table against table."""
    plan = measured(server, plan_of(tmp_path, index=INDEX))
    with at_work(busy, f"SELECT FROM {T}", "LOCK TABLE public.gonogo_u"):
        assert occupants(busy, plan) == []
    with at_work(busy, f"INSERT INTO {T} VALUES (1)"):
        (found,) = occupants(busy, plan)
    assert found.effect == "hold"
    assert [(one.mode, one.wanted) for one in found.conflicts] == [
        ("RowExclusiveLock", ("ShareLock",))
    ]


def test_without_a_rehearsal_the_texts_of_the_statements_count(
    server: Cluster, busy: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, left=LEFT, some=STATISTICS)
    with at_work(busy, f"SELECT FROM {T}"):
        bare, rehearsed = seen(busy, plan), seen(busy, measured(server, plan))
    # Nobody knows whether such a form of ALTER TABLE needs the strongest lock.
    assert kinds(bare.occupants) == [("transaction", "unknown")]
    assert "may need ACCESS EXCLUSIVE" in sentence(bare.occupants[0])
    assert (bare.rehearsed, rehearsed.rehearsed) == (False, True)
    assert rehearsed.occupants == ()
    assert rehearsed.tables["public.gonogo_t"] == ("ShareUpdateExclusiveLock",)


MODES: Sequence[tuple[str | tuple[str, str], dict[str, str]]] = (
    (ADD, {"gonogo_t": "AccessExclusive"}),
    (INDEX, {"gonogo_t": "Share"}),
    (STATISTICS, {"gonogo_t": "ShareUpdateExclusive AccessExclusive"}),
    (f"UPDATE {T} SET n = 1;", {"gonogo_t": "RowExclusive"}),
    (f"INSERT INTO {T} VALUES (1);", {"gonogo_t": "RowExclusive AccessExclusive"}),
    (BESIDE, {"gonogo_t": "ShareUpdateExclusive Share"}),
    (
        ("none", "DROP INDEX CONCURRENTLY public.gonogo_k;"),
        {"gonogo_t": "ShareUpdateExclusive AccessExclusive"},
    ),
    ("DROP INDEX public.gonogo_k;", {"gonogo_t": "AccessExclusive"}),
    (
        f"ALTER TABLE {T} ADD FOREIGN KEY (n) REFERENCES public.gonogo_u (n) NOT VALID;",
        # Two tables are locked before anything is done.
        {"gonogo_t": "ShareRowExclusive AccessExclusive", "gonogo_u": "ShareRowExclusive"},
    ),
    ("COMMENT ON TABLE public.gonogo_u IS 'x';", {}),
    ("DO $$ BEGIN LOCK TABLE public.gonogo_u; END $$;", {}),
    ("ALTER TABLE public.gonogo_not_there ADD COLUMN n int;", {}),
)


def test_the_text_of_a_statement_says_its_modes(busy: Database, tmp_path: Path) -> None:
    with busy.owner() as owner:
        owner.execute(f"CREATE INDEX gonogo_k ON {T} (n)".encode())
    with connect(busy.login(), name="gonogo:test:deploy") as connection:
        for text, modes in MODES:
            plan = plan_of(tmp_path, left=LEFT, some=text)
            wanted = {f"public.{name}": some.split() for name, some in modes.items()}
            for asked in (plan, _by_path(plan)):
                found = needed(connection, asked)
                assert {
                    name: [mode.removesuffix("Lock") for mode in some]
                    for name, some in found.tables.items()
                } == wanted, text
            assert found.snapshots is (text == BESIDE)


def _by_path(plan: Plan) -> Plan:
    """The same, under a search path that leads to the tables."""
    steps = [
        replace(
            step,
            statements=[
                replace(one, tables=[(BY_PATH, name) for _, name in one.tables])
                for one in step.statements
            ],
        )
        for step in plan.steps
    ]
    return replace(plan, steps=steps, session={"search_path": "public"})


def test_an_index_beside_its_users_waits_for_old_snapshots(busy: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, index=BESIDE)
    serializable = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    with at_work(busy, serializable, "SELECT FROM public.gonogo_u"):
        (found,) = occupants(busy, plan)
        assert (found.kind, found.effect, found.snapshot) == ("transaction", "hold", True)
        assert found.conflicts == ()
        assert "a snapshot that CONCURRENTLY waits for" in sentence(found)
        # What takes no such index does not care.
        assert occupants(busy, plan_of(tmp_path, add=ADD)) == []


def test_a_dump_is_known_by_its_locks(busy: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with busy.owner() as owner:
        owner.execute(f"INSERT INTO {T} SELECT generate_series(1, 1000000)".encode())
    words = [str(busy.cluster.bin / "pg_dump"), "--no-password"]
    keywords = busy.cluster.conninfo(busy.name, logins.OWNER)
    # Nobody reads what it writes.
    dump = subprocess.Popen(
        [*words, "--dbname", psycopg.conninfo.make_conninfo(**keywords)], stdout=subprocess.PIPE
    )
    try:
        until(
            answers(
                busy,
                "SELECT FROM pg_stat_activity WHERE application_name = 'pg_dump'"
                " AND query LIKE 'COPY public.gonogo_t%'"
                " AND xact_start < clock_timestamp() - interval '0.3 s'",
            )
        )
        found = occupants(busy, plan)
        patient = occupants(busy, plan, LATER)
        elsewhere = occupants(busy, plan_of(tmp_path, index=INDEX))
    finally:
        dump.kill()
        dump.communicate()
    assert kinds(found) == [("dump", "hold")]
    assert kinds(patient) == [("dump", "slow")]
    # Its locks conflict with nothing there.
    assert kinds(elsewhere) == [("dump", "slow")]
    assert elsewhere[0].conflicts == ()


@pytest.mark.parametrize(
    ("name", "also", "kind"),
    [
        ("nightly", "", "dump"),
        ("pg_dump", "UPDATE public.gonogo_u SET n = 1", "transaction"),
    ],
)
def test_no_name_makes_a_dump(
    busy: Database, tmp_path: Path, name: str, also: str, kind: str
) -> None:
    begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    lock = f"LOCK TABLE {T}, public.gonogo_u IN ACCESS SHARE MODE"
    every = [begin, lock, "SELECT 1", *([also] if also else [])]
    with at_work(busy, *every, name=name):
        (found,) = occupants(busy, plan_of(tmp_path, add=ADD))
    assert (found.kind, found.effect) == (kind, "hold")
    assert ("it calls itself a dump" in sentence(found)) is (name == "pg_dump")


# --- what is no session ------------------------------------------------------------------------


def test_a_prepared_transaction_holds_it(server: Cluster, busy: Database, tmp_path: Path) -> None:
    plan = measured(server, plan_of(tmp_path, add=ADD))
    name = "'; DROP TABLE x; --\x1b[31m\n"
    with busy.owner() as owner:
        owner.execute("BEGIN")
        owner.execute(f"INSERT INTO {T} VALUES (1)".encode())
        owner.execute(sql.SQL("PREPARE TRANSACTION {}").format(sql.Literal(name)))
        try:
            (found,) = occupants(busy, plan, LATER)
            elsewhere = occupants(busy, plan_of(tmp_path, left=LEFT))
        finally:
            owner.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(name)))
    assert (found.kind, found.effect, found.name) == ("prepared", "hold", name)
    assert found.backend is not None
    assert (found.backend.pid, found.backend.role) == (None, logins.OWNER)
    assert elsewhere == []
    said = f"{sentence(found)} {next_step(found)}"
    assert "\x1b" not in said
    assert "\n" not in said
    # Nobody is given such a name to paste.
    assert "PREPARED '" not in said


def test_an_index_build_is_told(busy: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with busy.owner() as owner, busy.owner() as other:
        owner.execute(
            "CREATE FUNCTION public.slow(n int) RETURNS int IMMUTABLE LANGUAGE sql"
            " AS 'SELECT n FROM pg_sleep(60)'"
        )
        owner.execute("INSERT INTO public.gonogo_u VALUES (1)")
        owner.execute(f"INSERT INTO {T} VALUES (1)".encode())
        for table, effect in (("gonogo_t", "slow"), ("gonogo_u", "slow")):
            build = f"CREATE INDEX slow ON public.{table} (public.slow(n))"
            running = threading.Thread(target=partial(_end, other, build))
            running.start()
            until(answers(busy, "SELECT FROM pg_stat_progress_create_index"))
            (found,) = occupants(busy, plan)
            other.cancel()
            running.join()
            assert (found.kind, found.effect) == ("index_build", effect)
            assert found.name == f"public.{table}"
            assert bool(found.conflicts) is (table == "gonogo_t")


def _program(server: Cluster, name: str) -> str:
    """Some packages have the server alone."""
    if not (server.bin / name).exists():
        pytest.skip(f"this server comes without {name}")
    return str(server.bin / name)


def test_a_base_backup_is_told(busy: Database, tmp_path: Path) -> None:
    keywords = {**busy.cluster.conninfo(user=logins.SUPERUSER), "dbname": "replication"}
    words = [_program(busy.cluster, "pg_basebackup"), "--no-password", "--checkpoint=fast"]
    words += ["--max-rate=32k", "--wal-method=none", "-D", str(tmp_path / "base")]
    command = [*words, "--dbname", psycopg.conninfo.make_conninfo(**keywords)]
    with busy.admin() as admin:
        admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
    backup = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(answers(busy, "SELECT FROM pg_stat_progress_basebackup WHERE backup_streamed > 0"))
        (found,) = occupants(busy, plan_of(tmp_path, add=ADD))
    finally:
        backup.kill()
        backup.wait()
        with busy.admin() as admin:
            admin.execute(f"REVOKE pg_read_all_stats FROM {logins.OWNER}".encode())
    assert (found.kind, found.effect) == ("base_backup", "slow")
    assert found.backend is not None
    assert found.backend.role == logins.SUPERUSER
    assert found.numbers["total"] > found.numbers["sent"] > 0
    until(lambda: not answers(busy, "SELECT FROM pg_stat_progress_basebackup")())


def test_a_slot_that_nobody_uses_is_told_by_what_it_keeps(busy: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with busy.cluster.connect() as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS gonogo_t (n int)")
        admin.execute("SELECT pg_create_physical_replication_slot('gonogo_gone', true)")
        try:
            assert occupants(busy, plan) == []
            for _ in range(5):
                admin.execute(f"INSERT INTO {T} VALUES (1)".encode())
                admin.execute("SELECT pg_switch_wal()")
            (found,) = occupants(busy, plan)
        finally:
            admin.execute("SELECT pg_drop_replication_slot('gonogo_gone')")
    assert (found.kind, found.effect, found.name) == ("slot", "slow", "gonogo_gone")
    assert found.numbers["bytes"] >= 64 << 20
    assert "pg_drop_replication_slot('gonogo_gone')" in next_step(found)


@pytest.mark.parametrize(("limit", "effect"), [(1, "hold"), (3, "slow"), (20, None)])
@pytest.mark.parametrize("of", ["role", "database"])
def test_the_limits_of_connections(
    busy: Database, tmp_path: Path, of: str, limit: int, effect: str | None
) -> None:
    name = sql.Identifier(logins.OWNER if of == "role" else busy.name)
    change = sql.SQL(f"ALTER {of.upper()} {{}} CONNECTION LIMIT {{}}")
    with busy.cluster.connect() as admin:
        admin.execute(change.format(name, sql.Literal(limit)))
        try:
            found = occupants(busy, plan_of(tmp_path, add=ADD))
        finally:
            admin.execute(change.format(name, sql.Literal(-1)))
    assert kinds(found) == ([("connections", effect)] if effect else [])
    assert [one.name for one in found] == ([f"of the {of}"] if effect else [])


def test_the_limit_of_the_server_is_without_what_is_reserved(
    busy: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, add=ADD)
    with busy.cluster.connect() as admin:
        row = admin.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
            " - coalesce(current_setting('reserved_connections', true), '0')::int"
        ).fetchone()
        assert row is not None
        others = [busy.owner() for _ in range(row[0] - 4)]
        try:
            (found,) = occupants(busy, plan)
        finally:
            for one in others:
                one.close()
    assert (found.kind, found.name, found.effect) == ("connections", "max_connections", "slow")
    # This one, the one that asks, and all those.
    assert found.numbers == {"left": 2, "limit": row[0]}


# --- what the login may not see ----------------------------------------------------------------


def test_what_is_not_seen_is_not_taken_for_nobody(
    server: Cluster, busy: Database, tmp_path: Path
) -> None:
    plan = measured(server, plan_of(tmp_path, add=ADD))
    with at_work(busy, f"SELECT FROM {T}", admin=True), busy.admin() as admin:
        hidden = occupants(busy, plan)
        admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
        try:
            shown = occupants(busy, plan)
        finally:
            admin.execute(f"REVOKE pg_read_all_stats FROM {logins.OWNER}".encode())
    assert kinds(hidden) == [("transaction", "unknown"), ("hidden", "unknown")]
    holder, rest = hidden
    assert holder.backend is not None
    assert (holder.backend.role, holder.backend.state) == (logins.SUPERUSER, None)
    assert "since when, is not seen by this login" in sentence(holder)
    assert sentence(rest).startswith("what 2 sessions of other roles in this database do")
    assert "pg_read_all_stats" in next_step(rest)
    assert kinds(shown) == [("transaction", "hold")]


def test_a_question_that_is_not_answered_is_told(busy: Database, tmp_path: Path) -> None:
    with busy.admin() as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_get_replication_slots FROM PUBLIC")
    (found,) = occupants(busy, plan_of(tmp_path, add=ADD))
    assert (found.kind, found.effect, found.name) == ("unknown", "unknown", "replication slots")
    assert "permission denied" in (found.text or "")


def test_names_of_others_do_nothing(busy: Database, tmp_path: Path) -> None:
    """A table, a role and an application that are called like a terminal's commands."""
    evil = '"]\x1b[2J\n<script>alert(1)</script>\u202e\\'
    table, role = sql.Identifier(evil), sql.Identifier(f"{evil[:20]}r")
    plan = plan_of(tmp_path, add="CREATE TABLE public.gonogo_left (id int);")
    lock = {"relation": f"public.{evil}", "mode": "AccessExclusiveLock", "existing": True}
    trace: dict[str, object] = {
        **dict.fromkeys(("seconds", "held_seconds"), 0.0),
        **dict.fromkeys(("wal_bytes", "size_bytes", "rewritten_bytes"), 0),
        "file": "add.sql",
        "line": 1,
        "statement": "x",
        "rows": None,
        "scanned": {},
        "locks": [lock],
        **dict.fromkeys(("rewritten", "rewritten_tables", "waits"), ()),
    }
    with busy.admin() as admin:
        admin.execute(sql.SQL("CREATE TABLE public.{} ()").format(table))
        admin.execute(sql.SQL("CREATE ROLE {} SUPERUSER").format(role))
        admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
        try:
            admin.execute("SELECT set_config('application_name', %s, false)", [evil])
            admin.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(role))
            admin.execute("BEGIN")
            admin.execute(sql.SQL("SELECT FROM public.{}").format(table))
            time.sleep(PAUSE)
            traced = read(Plan, {**plain(plan), "measured": [trace]}, file="a plan")
            (found,) = occupants(busy, traced)
        finally:
            admin.execute("ROLLBACK")
            admin.execute("RESET SESSION AUTHORIZATION")
            admin.execute(f"REVOKE pg_read_all_stats FROM {logins.OWNER}".encode())
            admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert found.effect == "hold"
    assert found.conflicts[0].table == f"public.{evil}"
    said = sentence(found)
    assert not set(said) & set("\x1b\n\u202e")
    assert r'"public.\"]\x1b[2J\n<script>' in said


# --- what takes the server a while -------------------------------------------------------------


def _used_up(server: Cluster, transactions: int) -> None:
    """So many transaction numbers are used."""
    with server.connect() as admin:
        admin.execute("CREATE TEMP TABLE used (n int)")
        for _ in range(transactions // 10000 + 1):
            admin.execute(
                "DO $$ BEGIN FOR i IN 1..10000 LOOP"
                " BEGIN INSERT INTO used VALUES (i); EXCEPTION WHEN others THEN NULL; END;"
                " END LOOP; END $$"
            )


@pytest.mark.attack
def test_an_autovacuum_to_prevent_wraparound_holds_it(
    tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None, tmp_path: Path
) -> None:
    settings = {"autovacuum_freeze_max_age": "100000", "autovacuum_naptime": "1s"}
    directory = tmp_path_factory.mktemp("old")
    with Cluster.start(directory, server_bin, settings) as server, emptied(server) as database:
        # One page a tenth of a second: it lasts.
        slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
        with database.owner() as owner:
            owner.execute(f"ALTER TABLE {T} SET ({slow}, autovacuum_enabled = off)".encode())
            owner.execute(f"INSERT INTO {T} SELECT generate_series(1, 100000)".encode())
        plan = measured(server, plan_of(tmp_path, add=ADD))
        _used_up(server, 97_000)
        # It is near for whatever was there then.
        (near,) = [one for one in occupants(database, plan) if one.kind == "freeze"]
        assert (near.effect, near.name) == ("slow", "public.gonogo_t")
        assert near.numbers["part"] >= 0.95
        _used_up(server, 5_000)
        working = (
            "SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
            " AND query LIKE '%gonogo_t (to prevent wraparound)'"
        )
        until(answers(database, working))
        hidden = occupants(database, plan)
        with database.admin() as admin:
            admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
        shown = occupants(database, plan, LATER)
    assert ("autovacuum", "unknown") in kinds(hidden)
    first = shown[0]
    assert (first.kind, first.effect, first.name) == ("wraparound", "hold", "public.gonogo_t")
    assert [one.mode for one in first.conflicts] == ["ShareUpdateExclusiveLock"]


@pytest.fixture
def vacuumed(
    tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None
) -> Iterator[Database]:
    """An autovacuum works on a table, and on the partition of another, for as long as it may."""
    directory, settings = tmp_path_factory.mktemp("vacuum"), {"autovacuum_naptime": "1s"}
    with Cluster.start(directory, server_bin, settings) as server, emptied(server) as database:
        # One page a tenth of a second: it lasts.
        slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
        with database.owner() as owner:
            owner.execute("CREATE TABLE public.whole (n int) PARTITION BY LIST (n)")
            owner.execute("CREATE TABLE public.part PARTITION OF public.whole DEFAULT")
            for table in (T, "public.part"):
                owner.execute(f"ALTER TABLE {table} SET ({slow})".encode())
                owner.execute(f"INSERT INTO {table} SELECT generate_series(1, 100000)".encode())
                owner.execute(f"UPDATE {table} SET n = n + 1".encode())
        works = "SELECT FROM pg_stat_progress_vacuum WHERE relid = '{}'::regclass"
        for table in (T, "public.part"):
            until(answers(database, works.format(table)))
        yield database


@pytest.mark.attack
def test_any_other_autovacuum_of_a_table_is_told(vacuumed: Database, tmp_path: Path) -> None:
    with vacuumed.admin() as admin:
        admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
    found = occupants(vacuumed, plan_of(tmp_path, add=ADD))
    assert kinds(found) == [("autovacuum", "slow")]
    assert found[0].name == "public.gonogo_t"


@pytest.mark.attack
@pytest.mark.parametrize("table", [T, "public.whole"])
def test_it_gives_way_to_a_migration_of_several_tables(
    vacuumed: Database, tmp_path: Path, table: str
) -> None:
    """Whose table it is, or of which one a partition is."""
    add = f"ALTER TABLE {table} ADD COLUMN note text; ALTER TABLE public.gonogo_u ADD COLUMN m int;"
    budgets = {"lock": "5s", "attempts": 3, "wait": "1ms"}
    done = deployed(vacuumed, plan_of(tmp_path, add=add), budgets=budgets)
    assert done.action == "applied", done.error
    assert len(done.failed_attempts) >= 1


@pytest.mark.attack
def test_a_replica_that_is_behind_is_told(server: Cluster, busy: Database, tmp_path: Path) -> None:
    base, plan = tmp_path / "replica", plan_of(tmp_path, add=ADD)
    keywords = {**busy.cluster.conninfo(), "dbname": "replication", "application_name": "far"}
    command = [_program(server, "pg_receivewal"), "--no-password", "-D", str(base)]
    base.mkdir()
    with busy.admin() as admin:
        admin.execute("SELECT pg_create_physical_replication_slot('gonogo_far', true)")
        admin.execute(f"GRANT pg_read_all_stats TO {logins.OWNER}".encode())
    conninfo = psycopg.conninfo.make_conninfo(**keywords)
    receiver = subprocess.Popen([*command, "--slot", "gonogo_far", "--dbname", conninfo])
    try:
        until(answers(busy, "SELECT FROM pg_stat_replication WHERE state = 'streaming'"))
        assert occupants(busy, plan) == []
        # It is stopped, and still connected.
        receiver.send_signal(signal.SIGSTOP)
        with busy.admin() as admin:
            for _ in range(40):
                admin.execute(f"INSERT INTO {T} VALUES (1)".encode())
                admin.execute("SELECT pg_switch_wal()")
        found = occupants(busy, plan)
    finally:
        receiver.kill()
        receiver.wait()
        with busy.admin() as admin:
            until(answers(busy, "SELECT FROM pg_replication_slots WHERE NOT active"))
            admin.execute("SELECT pg_drop_replication_slot('gonogo_far')")
            admin.execute(f"REVOKE pg_read_all_stats FROM {logins.OWNER}".encode())
    assert kinds(found) == [("replica", "slow")]
