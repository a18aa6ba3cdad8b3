"""A deployment lets go for others: what it runs is cancelled, and everything is as before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.budgets import Tolerance, budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.contract.records.deployment import Leftover, Watched
from gonogo.host.migrate.deployment import deploy
from gonogo.host.migrate.watch import Watch
from gonogo.host.session.connection import connect
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.migrations import PRISMA_TABLE, deployed, plan_of, prisma_rows
from tests.integration.support.replica import Replica

T = "public.gonogo_t"
DEPLOY, WATCH = "gonogo:test:deploy", "gonogo:test:watch"
# `gonogo_slow` takes as long as there is a row in the table `gonogo_flag`.
SCENE = f"""
CREATE TABLE {T} (n int);
INSERT INTO {T} VALUES (1);
CREATE TABLE public.gonogo_flag AS SELECT 1 AS n;
CREATE FUNCTION public.gonogo_slow(n int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    WHILE EXISTS (SELECT FROM public.gonogo_flag) LOOP
        PERFORM pg_catalog.pg_sleep(0.01);
    END LOOP;
    RETURN n;
END $$;
"""
OWN = "CREATE TABLE public.gonogo_left (id int);"
# Holds a lock for which everybody waits, for as long as the flag says.
SLOW = f"DO $$ BEGIN LOCK TABLE {T}; PERFORM public.gonogo_slow(); END $$;"
WRITE = f"UPDATE {T} SET n = n"
# Whether the deployment has a lock of the table, or waits for one.
_OURS = f"""
SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE a.application_name = '{DEPLOY}' AND l.relation = '{T}'::regclass
    AND l.mode IN ('AccessExclusiveLock', 'ShareUpdateExclusiveLock')
"""
_WAITING = f"""
SELECT count(DISTINCT l.pid) FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted AND l.relation = '{T}'::regclass
"""
_ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
_SESSIONS = "SELECT FROM pg_stat_activity WHERE application_name = %s"
LONG = {"lock": "10min", "hold": "10min", "statement": "10min"}
FEW = Tolerance(waiters=2)


@pytest.fixture
def scene(database: Database) -> Database:
    with database.owner() as owner:
        owner.execute(SCENE)
    return database


def watch_of(database: Database, allowed: Tolerance) -> Watch:
    limits = Timeouts(lock="1min", statement="1min")
    return Watch(
        lambda: connect(database.login(), name=WATCH, timeouts=limits, read_only=True), allowed
    )


def seen(watch: Watch) -> Watched:
    """What it has seen so far."""
    told = watch.told
    assert told is not None
    return told


@contextmanager
def crowd(database: Database, *statements: str) -> Iterator[list[str | None]]:
    """Sessions of somebody else's, each of which runs its statement whenever the deployment has the
    table; yields how each time ended."""
    over, ended = threading.Event(), list[Any]()

    def work(statement: str) -> None:
        with database.admin() as session:
            while not over.is_set():
                if not session.execute(_OURS).fetchall():
                    continue
                try:
                    session.execute(statement.encode())
                    ended.append(None)
                except psycopg.Error as error:
                    ended.append(error.sqlstate)

    threads = [threading.Thread(target=work, args=(one,)) for one in statements]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        over.set()
        for thread in threads:
            thread.join()


def until(database: Database, query: str, *values: object, are: bool = True) -> None:
    """Wait until the query has rows, or none."""
    with database.admin() as look:
        while bool(look.execute(query.encode(), values).fetchall()) is not are:
            pass


def after_a_crowd(watch: Watch, do: Callable[[], object]) -> Callable[[], None]:
    """A `confirm` that does something before the try behind the first that was let go."""
    left = [do]

    def confirm() -> None:
        if left and seen(watch).most_waiting:
            left.pop()()

    return confirm


def quick(database: Database) -> None:
    """What was slow is so no more."""
    with database.owner() as owner:
        owner.execute("DELETE FROM public.gonogo_flag")


def missing(done: Any) -> set[str]:
    return {item.object for item in done.after.objects if not item.matches}


# --- whoever waits -----------------------------------------------------------------------------


def test_a_statement_lets_go_for_a_crowd_and_is_applied_when_it_has_gone(
    scene: Database, tmp_path: Path
) -> None:
    with scene.owner() as owner:
        owner.execute(PRISMA_TABLE)
    plan = plan_of(tmp_path, prisma="own", own=OWN, slow=SLOW)
    with ExitStack() as stack:
        ended = stack.enter_context(crowd(scene, WRITE, WRITE, WRITE))
        gone = stack.pop_all()

        def leave() -> None:
            gone.close()
            quick(scene)

        watch = watch_of(scene, FEW)
        confirm = after_a_crowd(watch, leave)
        done = deployed(scene, plan, budgets=LONG, confirm=confirm, watch=watch)
        gone.close()
    assert done.action == "applied", done.error
    (first,) = done.failed_attempts
    assert first.let_go.cause == "waiters"
    assert (first.let_go.waiting, first.let_go.tables) == (3, (T,))
    assert first.message.startswith("let go for 3 sessions that waited behind it")
    assert (first.file, first.committed, first.lost) == ("slow.sql", False, False)
    assert done.watched.most_waiting == 3
    assert done.watched.unseen == ()
    # Nobody of the crowd was ended, and the tool's record was written once.
    assert set(ended) == {None}
    with scene.owner() as owner:
        assert len(prisma_rows(owner)) == 1


def test_a_crowd_that_does_not_go_stops_it_with_the_reason(scene: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own=OWN, slow=SLOW)
    with crowd(scene, WRITE, WRITE, WRITE) as ended:
        watch = watch_of(scene, FEW)
        done = deployed(scene, plan, budgets={**LONG, "attempts": 3}, watch=watch)
    assert done.action == "failed"
    assert done.error.attempts == 3
    assert [one.let_go.cause for one in done.failed_attempts] == ["waiters", "waiters"]
    assert done.error.let_go.waiting == 3
    assert done.error.sqlstate is None
    assert "deploy_let_go_waiters" in done.error.hint
    assert done.changed == ()
    assert done.schema_before == done.schema_after
    assert set(ended) == {None}


def test_who_queues_behind_a_lock_that_is_only_waited_for_is_behind_it(
    scene: Database, tmp_path: Path
) -> None:
    """Somebody reads for long; everybody who comes waits for the deployment that waits for him."""
    plan = plan_of(tmp_path, add=f"ALTER TABLE {T} ADD gonogo_note text;")
    read = f"SELECT FROM {T}"
    with scene.owner() as reader:
        reader.execute("BEGIN")
        reader.execute(read.encode())
        with crowd(scene, read, read, read) as ended:
            watch = watch_of(scene, FEW)
            done = deployed(scene, plan, budgets={**LONG, "attempts": 1}, watch=watch)
    assert done.error.let_go.cause == "waiters"
    assert done.error.let_go.tables == (T,)
    assert done.changed == ()
    assert set(ended) == {None}


def test_one_who_waits_for_too_long_is_enough(scene: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own=OWN, slow=SLOW)
    with crowd(scene, WRITE):
        watch = watch_of(scene, Tolerance(seconds=0.3))
        done = deployed(scene, plan, budgets={**LONG, "attempts": 1}, watch=watch)
    assert done.error.let_go.cause == "seconds"
    assert done.error.let_go.seconds > 0.3
    assert done.error.let_go.waiting == 1
    assert done.changed == ()


def test_rows_are_waited_for_as_tables_are(scene: Database, tmp_path: Path) -> None:
    """Behind rows that are changed, one waits for the transaction and the others for their turn."""
    change = f"WITH x AS (UPDATE {T} SET n = 2 RETURNING n) SELECT public.gonogo_slow(n) FROM x;"
    plan = plan_of(tmp_path, own=OWN, slow=change)
    row = """
        SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
        WHERE a.application_name = 'gonogo:test:deploy' AND l.mode = 'RowExclusiveLock'
            AND l.relation = 'public.gonogo_t'::regclass
    """
    ended = []

    def write() -> None:
        until(scene, row)
        with scene.admin() as session:
            ended.append(session.execute(WRITE.encode()).rowcount)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    done = deployed(scene, plan, budgets={**LONG, "attempts": 1}, watch=watch_of(scene, FEW))
    for writer in writers:
        writer.join()
    assert done.error.let_go.waiting == 3
    assert done.error.let_go.tables == (T,)
    assert ended == [1, 1, 1]


def test_a_scan_outside_of_the_transaction_gives_way_as_well(
    scene: Database, tmp_path: Path
) -> None:
    """VALIDATE stops nobody; but somebody's ALTER TABLE waits for it, and everybody for that."""
    plan = plan_of(
        tmp_path,
        add=f"ALTER TABLE {T} ADD CONSTRAINT gonogo_c CHECK (public.gonogo_slow(n) > 0) NOT VALID;",
        late=("none", f"ALTER TABLE {T} VALIDATE CONSTRAINT gonogo_c;"),
    )
    alter, read = f"ALTER TABLE {T} ALTER n SET DEFAULT 1", f"SELECT FROM {T}"
    with ExitStack() as stack:
        stack.enter_context(crowd(scene, alter, read, read))
        gone = stack.pop_all()

        def leave() -> None:
            gone.close()
            quick(scene)

        watch = watch_of(scene, Tolerance(waiters=1))
        confirm = after_a_crowd(watch, leave)
        done = deployed(scene, plan, budgets=LONG, confirm=confirm, watch=watch)
        gone.close()
    assert done.action == "applied", done.error
    assert {one.let_go.cause for one in done.failed_attempts} == {"waiters"}
    assert {one.file for one in done.failed_attempts} == {"late.sql"}


def test_a_build_that_lets_go_names_what_it_leaves(scene: Database, tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, own=OWN, index=("none", f"CREATE INDEX CONCURRENTLY gonogo_i ON {T} (n);")
    )
    alter, read = f"ALTER TABLE {T} ALTER n SET DEFAULT 1", f"SELECT FROM {T}"
    # A build waits for whoever may see what was there before it.
    with scene.owner() as old, crowd(scene, alter, read, read):
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT")
        watch = watch_of(scene, Tolerance(waiters=1))
        done = deployed(scene, plan, budgets=LONG, watch=watch)
    assert done.action == "failed"
    assert done.error.let_go.cause == "waiters"
    # As every build that was broken off, it is not tried again.
    assert done.error.attempts == 1
    assert done.files == ("own.sql",)
    assert done.leftovers == (
        Leftover("public.gonogo_i", "DROP INDEX CONCURRENTLY public.gonogo_i;"),
    )
    with scene.owner() as owner:
        owner.execute(done.leftovers[0].command)
    again = deployed(scene, plan, resume=True)
    assert again.action == "applied", again.error


def test_vacuum_and_builds_wait_for_their_turn(scene: Database, tmp_path: Path) -> None:
    """They are in nobody's way, and not who a deployment lets go for."""
    weak = SLOW.replace(f"LOCK TABLE {T}", f"LOCK TABLE {T} IN SHARE UPDATE EXCLUSIVE MODE")
    plan = plan_of(tmp_path, own=OWN, slow=weak)
    held = threading.Event()

    def let_on() -> None:
        until(scene, f"{_WAITING} HAVING count(DISTINCT l.pid) = 3")
        looks = seen(watch).looks
        while seen(watch).looks < looks + 3:
            pass
        quick(scene)
        held.set()

    watch = watch_of(scene, Tolerance(waiters=1, seconds=0.01))
    vacuum = f"VACUUM {T}"
    with crowd(scene, vacuum, vacuum, vacuum):
        other = threading.Thread(target=let_on)
        other.start()
        done = deployed(scene, plan, budgets=LONG, watch=watch)
        other.join()
    assert held.is_set()
    assert done.action == "applied", done.error
    assert done.failed_attempts == ()
    assert done.watched.most_waiting == 0


# --- replicas and slots --------------------------------------------------------------------------


@contextmanager
def seeing_replicas(database: Database) -> Iterator[None]:
    """The owner may see what replicas there are."""
    with database.admin() as admin:
        admin.execute(f"GRANT pg_monitor TO {logins.OWNER}".encode())
        try:
            yield
        finally:
            admin.execute(f"REVOKE pg_monitor FROM {logins.OWNER}".encode())


def test_a_replica_that_falls_behind_is_waited_for(scene: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own=OWN, slow="SELECT public.gonogo_slow();")
    behind, over = threading.Event(), threading.Event()

    def keep_up() -> None:
        """Once it has fallen behind, it replays whatever comes."""
        behind.wait()
        while not over.is_set():
            replica.replay()

    def confirm() -> None:
        if seen(watch).longest_lag > allowed and not behind.is_set():
            quick(scene)
            behind.set()

    allowed = 1.5
    with seeing_replicas(scene), Replica(scene.cluster, "standby one") as replica:
        watch = watch_of(scene, Tolerance(lag=allowed))
        other = threading.Thread(target=keep_up)
        other.start()
        # A try that finds it as far behind as before is none.
        budgets = {**LONG, "attempts": 50}
        done = deployed(scene, plan, budgets=budgets, confirm=confirm, watch=watch)
        over.set()
        behind.set()
        other.join()
    assert done.action == "applied", done.error
    assert {one.let_go.cause for one in done.failed_attempts} == {"lag"}
    assert {one.let_go.behind for one in done.failed_attempts} == {"standby one"}
    assert done.failed_attempts[0].let_go.behind_seconds > allowed
    assert done.failed_attempts[0].message.startswith("let go for the replica standby one, which")
    assert done.watched.longest_lag > allowed
    assert done.watched.unseen == ()


def test_a_replica_that_stays_behind_stops_it(scene: Database, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own=OWN, slow="SELECT public.gonogo_slow();")
    with seeing_replicas(scene), Replica(scene.cluster, "standby one"):
        budgets = {**LONG, "attempts": 3}
        watch = watch_of(scene, Tolerance(lag=0.3))
        done = deployed(scene, plan, budgets=budgets, watch=watch)
    assert done.action == "failed"
    assert (done.error.attempts, done.error.let_go.cause) == (3, "lag")
    assert "deploy_let_go_lag" in done.error.hint
    assert done.changed == ()


def test_replicas_that_the_login_may_not_see_are_named(scene: Database, tmp_path: Path) -> None:
    """Who waits is seen all the same."""
    plan = plan_of(tmp_path, own=OWN, slow=SLOW)
    with Replica(scene.cluster, "standby one"), crowd(scene, WRITE, WRITE, WRITE):
        budgets = {**LONG, "attempts": 1}
        watch = watch_of(scene, Tolerance(waiters=2, lag=60))
        done = deployed(scene, plan, budgets=budgets, watch=watch)
    assert done.watched.unseen == (
        "how far replicas are behind: the login is no member of pg_monitor",
    )
    assert done.error.let_go.cause == "waiters"


@pytest.mark.attack
def test_a_replication_slot_near_its_end_is_let_go_for(
    tmp_path: Path, server_bin: Path | None
) -> None:
    """What is written is more than the slot may keep; one that was there before is named."""
    (tmp_path / "server").mkdir()
    settings = {"max_slot_wal_keep_size": "64MB", "max_wal_size": "64MB"}
    with Cluster.start(tmp_path / "server", server_bin, settings) as cluster:
        with cluster.connect() as admin:
            admin.execute(f"CREATE DATABASE gonogo_s OWNER {logins.OWNER}".encode())
        database = Database(cluster, "gonogo_s", "target")
        with database.owner() as owner:
            owner.execute(SCENE)
        with database.admin() as admin:
            for name in ("forgotten", "used"):
                admin.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])
                if name == "forgotten":
                    _fill(admin, name)

        def fill() -> None:
            until(database, _OURS)
            with database.admin() as session:
                _fill(session, "used")

        other = threading.Thread(target=fill)
        other.start()
        plan = plan_of(tmp_path, own=OWN, slow=SLOW)
        budgets = {**LONG, "attempts": 2}
        watch = watch_of(database, Tolerance(lag=60))
        done = deployed(database, plan, budgets=budgets, watch=watch)
        other.join()
    assert done.error.let_go.cause == "slot"
    assert done.error.let_go.behind == "used"
    assert done.error.message == "let go for the replication slot used, which was near its end"
    assert done.watched.unseen == ("the replication slot forgotten: it was behind already",)
    assert done.changed == ()


def _fill(session: psycopg.Connection, slot: str) -> None:
    """Write WAL until the slot has little left."""
    left = "SELECT safe_wal_size < 6000000 FROM pg_replication_slots WHERE slot_name = %s"
    while not session.execute(left, [slot]).fetchall()[0][0]:
        session.execute("SELECT pg_logical_emit_message(false, 'gonogo', repeat('x', 1000000))")


# --- the moment of the cancelling ----------------------------------------------------------------


class Late:
    """A watcher's session that cancels only when the statement has come to its end."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.decided = self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, query: str, values: Any = None) -> Any:
        if "pg_cancel_backend" not in query:
            return self.real.execute(query, values)
        self.decided += 1
        pid = values[0]
        idle = "SELECT FROM pg_stat_activity WHERE pid = %s AND state LIKE 'idle%%'"
        while not self.real.execute(idle, [pid]).fetchall():
            pass
        self.sent += 1
        return self.real.execute("SELECT pg_cancel_backend(%s)", [pid])


@pytest.mark.parametrize("last", [True, False])
def test_what_is_cancelled_too_late_ends_nothing_behind_it(
    scene: Database, tmp_path: Path, last: bool
) -> None:
    """The statement is done; what comes next is COMMIT, or another one."""
    more = {} if last else {"more": "CREATE TABLE public.gonogo_more (id int);"}
    plan = plan_of(tmp_path, own=OWN, slow=SLOW, **more)
    opened: list[Late] = []

    def open_late() -> Any:
        limits = Timeouts(lock="1min", statement="1min")
        opened.append(Late(connect(scene.login(), name=WATCH, timeouts=limits)))
        return opened[-1]

    watch = Watch(open_late, FEW)

    def let_on() -> None:
        # The watcher has decided, and waits for the statement to end.
        while not (opened and opened[0].decided):
            pass
        quick(scene)

    other = threading.Thread(target=let_on)
    other.start()
    with crowd(scene, WRITE, WRITE, WRITE):
        done = deployed(scene, plan, budgets={**LONG, "attempts": 1}, watch=watch)
    other.join()
    assert opened[0].sent == 1
    assert done.error.let_go.cause == "waiters"
    assert done.error.file == "slow.sql"
    # Rolled back as a whole, and by a ROLLBACK that nobody has cancelled.
    assert done.changed == ()
    assert done.after.state == "absent"


class CarriedOut:
    """A session in which a build is cancelled when it has done its work."""

    def __init__(self, real: Any, locked: str) -> None:
        self.real, self.locked = real, locked

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __enter__(self) -> CarriedOut:
        return self

    def __exit__(self, *_: object) -> None:
        self.real.close()

    def execute(self, query: Any, *arguments: Any) -> Any:
        done = self.real.execute(query, *arguments)
        if not isinstance(query, bytes) or b"CONCURRENTLY" not in query:
            return done
        self.real.execute("BEGIN")
        try:
            self.real.execute(self.locked.encode())
        finally:
            self.real.execute("ROLLBACK")
        return done


def test_a_build_that_was_done_when_it_was_cancelled_is_found(
    scene: Database, tmp_path: Path
) -> None:
    with scene.owner() as owner:
        owner.execute(PRISMA_TABLE)
    plan = plan_of(
        tmp_path,
        prisma="index",
        index=("none", f"CREATE INDEX CONCURRENTLY gonogo_i ON {T} (n);"),
    )
    opened: list[Any] = []

    def open_session() -> Any:
        session: Any = connect(scene.login(), name=DEPLOY)
        opened.append(session)
        return session if len(opened) > 1 else CarriedOut(session, SLOW.rstrip(";"))

    with crowd(scene, WRITE, WRITE, WRITE):
        done = deploy(
            open_session,
            plan,
            budgets=budgets_of(LONG),
            confirm=lambda: None,
            watch=watch_of(scene, FEW),
        ).record
    assert done.action == "applied", done.error
    assert done.error is None
    assert done.watched is not None
    assert done.watched.most_waiting == 3
    # The record of the tool is written behind it, as for any other.
    with scene.owner() as owner:
        assert len(prisma_rows(owner)) == 1


def test_what_the_statement_itself_has_done_wrong_is_told(scene: Database, tmp_path: Path) -> None:
    """It hears the cancelling, and answers with an error of its own."""
    stubborn = f"""DO $$ BEGIN
        LOCK TABLE {T};
        PERFORM public.gonogo_slow();
    EXCEPTION WHEN query_canceled THEN PERFORM 1/0;
    END $$;"""
    plan = plan_of(tmp_path, own=OWN, slow=stubborn)
    with crowd(scene, WRITE, WRITE, WRITE):
        done = deployed(scene, plan, budgets=LONG, watch=watch_of(scene, FEW))
    assert done.error.sqlstate == "22012"
    assert done.error.let_go is None
    assert done.changed == ()


def test_a_statement_that_minds_no_cancelling_is_rolled_back(
    scene: Database, tmp_path: Path
) -> None:
    """What it has done then is not what was rehearsed."""
    deaf = f"""DO $$ BEGIN
        LOCK TABLE {T};
        PERFORM public.gonogo_slow();
    EXCEPTION WHEN query_canceled THEN NULL;
    END $$;"""
    plan = plan_of(tmp_path, own=OWN, slow=deaf)
    with crowd(scene, WRITE, WRITE, WRITE):
        budgets = {**LONG, "attempts": 2}
        done = deployed(scene, plan, budgets=budgets, watch=watch_of(scene, FEW))
    assert done.action == "failed"
    assert done.error.let_go is not None
    assert done.error.attempts == 2
    assert done.changed == ()


def test_nobody_else_is_cancelled(scene: Database, tmp_path: Path) -> None:
    """A process of that id that began at another moment is somebody else's."""

    class Reused:
        """A watcher's session to which the deployment's has begun at another moment."""

        def __init__(self) -> None:
            limits = Timeouts(lock="1min", statement="1min")
            self.real = connect(scene.login(), name=WATCH, timeouts=limits)
            self.asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        def execute(self, query: str, values: Any = None) -> Any:
            if "pg_cancel_backend" in query:
                self.asked += 1
                values = [values[0], "2000-01-01 00:00:00+00"]
            return self.real.execute(query, values)

    def let_on() -> None:
        while not (opened and opened[0].asked > 3):
            pass
        quick(scene)

    opened: list[Reused] = []

    def open_watcher() -> Any:
        opened.append(Reused())
        return opened[-1]

    plan = plan_of(tmp_path, own=OWN, slow=SLOW)
    other = threading.Thread(target=let_on)
    other.start()
    with crowd(scene, WRITE, WRITE, WRITE):
        done = deployed(scene, plan, budgets=LONG, watch=Watch(open_watcher, FEW))
    other.join()
    # Nothing was sent, so the last statement of the transaction goes through.
    assert done.action == "applied", done.error
    assert done.failed_attempts == ()


@pytest.mark.attack
def test_whatever_the_moment_it_is_there_or_it_is_not(scene: Database, tmp_path: Path) -> None:
    """Statements that end about when they are cancelled, again and again."""
    quick(scene)
    let_go = applied = 0
    for number in range(40):
        seconds = 0.15 + 0.008 * number
        plan = plan_of(
            tmp_path,
            own=f"CREATE TABLE public.gonogo_n{number} (id int);",
            slow=f"DO $$ BEGIN LOCK TABLE {T}; PERFORM pg_sleep({seconds}); END $$;",
            end=f"CREATE TABLE public.gonogo_m{number} (id int);",
        )
        with crowd(scene, WRITE, WRITE, WRITE):
            budgets = {**LONG, "attempts": 1}
            done = deployed(scene, plan, budgets=budgets, watch=watch_of(scene, FEW))
        if done.action == "applied":
            applied += 1
            assert missing(done) == set()
        else:
            let_go += 1
            assert done.error.let_go is not None, done.error
            assert done.changed == ()
    assert applied
    assert let_go


@pytest.mark.attack
def test_a_login_that_is_another_role_from_the_start_lets_go(
    scene: Database, tmp_path: Path
) -> None:
    """Its sessions are its own only as long as it is itself."""
    role, login = "gonogo_other", logins.OWNER
    with scene.admin() as admin:
        for words in (
            f"CREATE ROLE {role}",
            f"GRANT {role} TO {login}",
            f"GRANT ALL ON SCHEMA public TO {role}",
            f"ALTER TABLE {T} OWNER TO {role}",
            f"ALTER TABLE public.gonogo_flag OWNER TO {role}",
            f"ALTER ROLE {login} IN DATABASE {scene.name} SET role TO {role}",
        ):
            admin.execute(words.encode())
    try:
        plan = plan_of(tmp_path, own=OWN, slow=SLOW)
        with crowd(scene, WRITE, WRITE, WRITE):
            budgets = {**LONG, "attempts": 1}
            done = deployed(scene, plan, budgets=budgets, watch=watch_of(scene, FEW))
    finally:
        with scene.admin() as admin:
            admin.execute(f"ALTER ROLE {login} IN DATABASE {scene.name} RESET role".encode())
            admin.execute(f"REASSIGN OWNED BY {role} TO {login}".encode())
            admin.execute(f"DROP OWNED BY {role}".encode())
            admin.execute(f"DROP ROLE {role}".encode())
    assert done.watched.unseen == ()
    assert done.error.let_go.waiting == 3
    assert done.changed == ()


# --- a watcher that does not see -----------------------------------------------------------------


def test_a_watcher_without_a_session_is_named_and_the_limits_count(
    scene: Database, tmp_path: Path
) -> None:
    def refused() -> Any:
        raise GonogoError("too many connections for the role")

    plan = plan_of(tmp_path, own=OWN, slow=SLOW)
    with crowd(scene, WRITE, WRITE, WRITE):
        budgets = {**LONG, "hold": "1s"}
        done = deployed(scene, plan, budgets=budgets, watch=Watch(refused, FEW))
    assert done.watched.unseen == ("anything: too many connections for the role",)
    assert done.watched.looks == 0
    assert done.error.let_go is None
    assert done.error.message.startswith("the statement would make the application wait")


def test_a_watcher_that_is_ended_is_named_and_the_limits_count(
    scene: Database, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, own=OWN, slow=SLOW)

    def end_it() -> None:
        until(scene, _OURS)
        with scene.admin() as admin:
            admin.execute(_ENDED, [WATCH])
        until(scene, _SESSIONS, WATCH, are=False)
        with crowd(scene, WRITE, WRITE, WRITE):
            until(scene, f"{_WAITING} HAVING count(DISTINCT l.pid) = 3")
            while not seen(watch).unseen:
                pass
            quick(scene)

    watch = watch_of(scene, FEW)
    other = threading.Thread(target=end_it)
    other.start()
    done = deployed(scene, plan, budgets=LONG, watch=watch)
    other.join()
    assert done.action == "applied", done.error
    (unseen,) = done.watched.unseen
    assert unseen.startswith("anything from then on: ")


def test_nobody_watches_where_nothing_is_asked(database: Database, tmp_path: Path) -> None:
    assert deployed(database, plan_of(tmp_path, own=OWN)).watched is None
