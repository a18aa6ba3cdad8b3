"""Whatever form a statement has, nobody waits longer for it than the budgets say.

The form is slow because of what it calls, and the server ends it: the error says by which budget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.records.migration import Plan
from gonogo.contract.records.trace import Lock, StatementTrace
from tests.integration.support.harness import Database
from tests.integration.support.migrations import deployed, plan_of

T = "public.gonogo_t"
# `slow` is called by whatever reads a row, an index or a view.
SCENE = f"""
CREATE FUNCTION public.gonogo_slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') = 'gonogo:test:deploy' THEN
        PERFORM pg_catalog.pg_sleep(3600);
    END IF;
    RETURN n;
END $$;
CREATE FUNCTION public.gonogo_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.gonogo_slow(1);
    RETURN NULL;
END $$;
CREATE FUNCTION public.gonogo_call() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE {T};
    RETURN public.gonogo_slow(1);
END $$;
CREATE PROCEDURE public.gonogo_procedure() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.gonogo_call();
END $$;
CREATE TABLE {T} (n int, m int NOT NULL DEFAULT 0);
INSERT INTO {T} VALUES (1);
CREATE INDEX gonogo_i ON {T} (public.gonogo_slow(n));
CREATE TRIGGER gonogo_truncated BEFORE TRUNCATE ON {T}
    EXECUTE FUNCTION public.gonogo_trigger();
CREATE MATERIALIZED VIEW public.gonogo_m AS SELECT public.gonogo_slow(n) AS n FROM {T};
CREATE DOMAIN public.gonogo_d AS int;
CREATE TABLE public.gonogo_u (d public.gonogo_d);
INSERT INTO public.gonogo_u VALUES (1);
"""
# What leaves an object behind, for a migration has to be recognised.
LEFT = "CREATE TABLE public.gonogo_left (id int);"
SLOW = "public.gonogo_slow(n)"
FORMS: dict[str, str] = {
    "TRUNCATE": f"TRUNCATE {T};",
    "REINDEX TABLE": f"REINDEX TABLE {T};",
    "REINDEX INDEX": "REINDEX INDEX public.gonogo_i;",
    "CLUSTER": f"CLUSTER {T} USING gonogo_i;",
    "REFRESH": "REFRESH MATERIALIZED VIEW public.gonogo_m;",
    "UPDATE": f"UPDATE {T} SET m = {SLOW};",
    "DELETE": f"DELETE FROM {T} WHERE {SLOW} = 1;",
    "WITH": f"WITH x AS (UPDATE {T} SET m = {SLOW} RETURNING n) SELECT n FROM x;",
    "DO": f"DO $$ BEGIN LOCK TABLE {T}; PERFORM public.gonogo_slow(1); END $$;",
    "SELECT": "SELECT public.gonogo_call();",
    "CALL": "CALL public.gonogo_procedure();",
    "ALTER DOMAIN": "ALTER DOMAIN public.gonogo_d ADD CHECK (public.gonogo_slow(value) = 1);",
    "ON CONFLICT": (
        f"ALTER TABLE {T} ADD UNIQUE (m); INSERT INTO {T} VALUES (1, 0) ON CONFLICT (m)"
        f" DO UPDATE SET m = public.gonogo_slow(1);"
    ),
}
FORMS["INSERT"] = f"INSERT INTO {T} SELECT {SLOW} FROM {T};"
FORMS["CREATE TABLE AS"] = f"CREATE TABLE public.gonogo_copy AS SELECT {SLOW} AS n FROM {T};"
MERGE = (
    f"MERGE INTO {T} AS t USING (SELECT 1 AS n) AS s ON {SLOW.replace('n)', 't.n)')} = s.n"
    " WHEN MATCHED THEN DO NOTHING;"
)
SAMPLE = ("TRUNCATE", "DO", "WITH", "INSERT", "CREATE TABLE AS")


def _marked(name: str) -> Any:
    return pytest.param(name, marks=() if name in SAMPLE else pytest.mark.attack)


@pytest.fixture
def scene(database: Database) -> Database:
    with database.owner() as owner:
        owner.execute(SCENE)
    return database


@pytest.mark.parametrize("form", [*map(_marked, FORMS), _marked("MERGE")])
def test_every_form_is_bounded_by_what_others_may_wait(
    scene: Database, tmp_path: Path, form: str
) -> None:
    with scene.owner() as owner:
        if form == "MERGE" and owner.info.server_version < 150000:
            pytest.skip("MERGE came with PostgreSQL 15")
    plan = plan_of(tmp_path, left=LEFT, slow={**FORMS, "MERGE": MERGE}[form])
    done = deployed(scene, plan, budgets={"hold": "300ms", "statement": "3s"})
    assert done.action == "failed"
    assert done.error.message.startswith("the statement would make the application wait")
    assert done.error.file == "slow.sql"
    assert done.changed == ()


def test_what_locks_nothing_may_take_its_time(scene: Database, tmp_path: Path) -> None:
    with scene.owner() as owner:
        check = f"ALTER TABLE {T} ADD CONSTRAINT slow CHECK ({SLOW} IS NOT NULL) NOT VALID"
        owner.execute(check.encode())
    plan = plan_of(tmp_path, left=LEFT, slow=f"ALTER TABLE {T} VALIDATE CONSTRAINT slow;")
    done = deployed(scene, plan, budgets={"hold": "200ms", "statement": "500ms"})
    assert done.error.sqlstate == "57014"
    assert not done.error.message.startswith("the statement would make")


def test_what_a_copy_has_measured_counts_more_than_the_text(
    scene: Database, tmp_path: Path
) -> None:
    """A block that locked nothing there may take as long as any statement."""
    plan = plan_of(tmp_path, left=LEFT, slow="DO $$ BEGIN PERFORM public.gonogo_slow(1); END $$;")
    limits = {"hold": "200ms", "statement": "500ms"}
    lock = Lock(T, "AccessExclusiveLock", existing=True)
    for locks, kept_waiting in (((), False), ((lock,), True)):
        plan = replace(plan, measured=[_trace("slow.sql", locks)])
        done = deployed(scene, plan, budgets=limits)
        said = done.error.message.startswith("the statement would make the application wait")
        assert said is kept_waiting


def _trace(file: str, locks: Sequence[Lock]) -> StatementTrace:
    """Of a statement at the beginning of a file, of which only the locks matter."""
    return StatementTrace(
        file=file,
        line=1,
        statement="DO",
        seconds=0.1,
        rows=None,
        wal_bytes=0,
        size_bytes=0,
        locks=locks,
        rewritten=(),
        held_seconds=0.0,
        rewritten_tables=(),
        rewritten_bytes=0,
        waits=(),
    )


# --- locks taken ahead ---------------------------------------------------------------------------

# What needs a second table, while the first is locked already: the text does not say which.
LATER: dict[str, str] = {
    "DROP TABLE": "DROP TABLE public.gonogo_b;",
    "TRUNCATE": "TRUNCATE public.gonogo_b;",
    "DROP INDEX": "DROP INDEX public.gonogo_b_n;",
    "REINDEX": "REINDEX INDEX public.gonogo_b_n;",
    "CLUSTER": "CLUSTER public.gonogo_b USING gonogo_b_n;",
    "LOCK": "LOCK TABLE public.gonogo_b;",
    "RULE": "CREATE RULE r AS ON DELETE TO public.gonogo_b DO INSTEAD NOTHING;",
    "DO": "DO $$ BEGIN LOCK TABLE public.gonogo_b; END $$;",
    "SELECT": "SELECT public.gonogo_lock();",
}
PAIR = """
CREATE TABLE public.gonogo_a (n int);
INSERT INTO public.gonogo_a VALUES (1);
CREATE TABLE public.gonogo_b (n int);
CREATE INDEX gonogo_b_n ON public.gonogo_b (n);
CREATE FUNCTION public.gonogo_lock() RETURNS void LANGUAGE sql
    AS 'LOCK TABLE public.gonogo_b IN ACCESS EXCLUSIVE MODE';
CREATE FUNCTION public.gonogo_waited() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_catalog.pg_locks WHERE NOT granted AND relation = 'public.gonogo_a'::regclass
    ) LOOP
        PERFORM pg_catalog.pg_sleep(0.01);
    END LOOP;
END $$;
"""
_HELD = """
SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE a.application_name = 'gonogo:test:deploy' AND l.granted
    AND l.relation = 'public.gonogo_a'::regclass AND l.mode = 'AccessExclusiveLock'
"""


def _measured(plan: Plan, copy: Database) -> Sequence[StatementTrace]:
    """The trace of the same on a copy."""
    with copy.owner() as owner:
        owner.execute(PAIR)
        owner.execute(
            "CREATE OR REPLACE FUNCTION public.gonogo_waited() RETURNS void LANGUAGE sql AS ''"
        )
    done = deployed(copy, plan)
    assert done.action == "applied", done.error
    traces: Sequence[StatementTrace] = done.statements
    return traces


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(name, marks=() if name == "DROP TABLE" else pytest.mark.attack)
        for name in LATER
    ],
)
def test_the_application_is_never_the_one_that_is_ended(
    make_database: Callable[..., Database], tmp_path: Path, form: str
) -> None:
    """A reader of the second table comes to write to the first while that is locked."""
    database = make_database()
    with database.owner() as owner:
        owner.execute(PAIR)
    plan = plan_of(
        tmp_path,
        a="ALTER TABLE public.gonogo_a ADD gonogo_new int;",
        wait="SELECT public.gonogo_waited();",
        b=LATER[form],
    )
    plan = replace(plan, measured=_measured(plan, make_database()))
    done: list[Any] = []
    # Longer than anybody waits before looking for a deadlock.
    budgets = {"lock": "5s", "hold": "20s", "attempts": 1}
    deployment = threading.Thread(
        target=lambda: done.append(deployed(database, plan, budgets=budgets))
    )
    with database.owner() as reader, database.owner() as look:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM public.gonogo_b")
        deployment.start()
        while deployment.is_alive() and not look.execute(_HELD).fetchall():
            pass
        try:
            reader.execute("UPDATE public.gonogo_a SET n = 2")
            reader.execute("COMMIT")
            ended = None
        except psycopg.Error as error:
            ended = error.sqlstate
            reader.execute("ROLLBACK")
        deployment.join()
    assert ended is None
    assert done[0].action in {"applied", "failed"}
    if done[0].error:
        assert done[0].error.sqlstate == "55P03"
        assert done[0].changed == ()
