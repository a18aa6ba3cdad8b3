"""A migration that rows stand in the way of says how many, which, and how to see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.records.deployment import InTheWay
from gonogo.contract.records.rehearsal import Problem
from gonogo.controller.outcome import rehearsal as outcome
from gonogo.host.migrate import rehearse
from gonogo.host.migrate.apply import apply
from gonogo.host.migrate.in_the_way import in_the_way
from gonogo.host.session.connection import connect
from tests.integration.rehearsal.test_rehearse import tried
from tests.integration.support.harness import Database
from tests.integration.support.migrations import plan_of

ROWS = """
CREATE TABLE public.place (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));
CREATE TABLE public."Visit" (id int PRIMARY KEY, place int, note text, "Day" text, n int);
INSERT INTO public.place VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO public."Visit" VALUES
    (1, 1, 'a', '7', 1), (2, NULL, 'b', 'x', 2), (3, 9, 'a', '8 ', 3), (4, 1, NULL, NULL, NULL);
CREATE TABLE public.keyless (n int);
INSERT INTO public.keyless VALUES (NULL), (1), (1);
ALTER TABLE public."Visit" ADD CONSTRAINT few CHECK (n < 3) NOT VALID,
    ADD CONSTRAINT of_place FOREIGN KEY (place) REFERENCES public.place NOT VALID;
"""
VISIT = 'public."Visit"'
# What is migrated → table, rows, samples, and whether statements stand before it.
CASES: list[tuple[str, InTheWay | None]] = [
    (
        'ALTER TABLE public."Visit" ALTER COLUMN place SET NOT NULL;',
        InTheWay(VISIT, 1, ("id=2",), f"SELECT * FROM {VISIT} WHERE place IS NULL;", behind=False),
    ),
    (
        'ALTER TABLE public."Visit" ADD COLUMN more int NOT NULL;',
        InTheWay(VISIT, 4, ("id=1", "id=2", "id=3", "id=4"), f"SELECT * FROM {VISIT};", False),
    ),
    (
        "UPDATE public.\"Visit\" SET note = 'c' WHERE id = 4; CREATE UNIQUE INDEX one_note ON "
        'public."Visit" (lower(note) DESC) WHERE id > 1;'
        'ALTER TABLE public."Visit" ADD CONSTRAINT notes UNIQUE (note);',
        InTheWay(
            VISIT,
            2,
            ("id=1", "id=3"),
            "SELECT * FROM (SELECT *, pg_catalog.count(*) OVER (PARTITION BY note) AS rows_alike "
            f"FROM {VISIT} WHERE pg_catalog.num_nulls(note) = 0) AS found WHERE rows_alike > 1;",
            behind=True,
        ),
    ),
    (
        "ALTER TABLE public.keyless ADD UNIQUE (n);",
        InTheWay(
            "public.keyless",
            2,
            (),
            "SELECT * FROM (SELECT *, pg_catalog.count(*) OVER (PARTITION BY n) AS rows_alike FROM "
            "public.keyless WHERE pg_catalog.num_nulls(n) = 0) AS found WHERE rows_alike > 1;",
            behind=False,
        ),
    ),
    (
        'ALTER TABLE public."Visit" ADD CONSTRAINT p FOREIGN KEY (place) REFERENCES public.place;',
        InTheWay(
            VISIT,
            1,
            ("id=3",),
            f"SELECT child.* FROM {VISIT} AS child WHERE pg_catalog.num_nulls(child.place) = 0 AND "
            "NOT EXISTS (SELECT FROM public.place AS parent WHERE parent.id = child.place);",
            behind=False,
        ),
    ),
    (
        'ALTER TABLE public."Visit" VALIDATE CONSTRAINT of_place;',
        InTheWay(
            VISIT,
            1,
            ("id=3",),
            f"SELECT child.* FROM {VISIT} AS child WHERE pg_catalog.num_nulls(child.place) = 0 AND "
            "NOT EXISTS (SELECT FROM public.place AS parent WHERE parent.id = child.place);",
            behind=False,
        ),
    ),
    (
        'ALTER TABLE public."Visit" ADD CONSTRAINT q FOREIGN KEY (place, n) '
        "REFERENCES public.place (a, b) MATCH FULL;",
        InTheWay(
            VISIT,
            3,
            ("id=2", "id=3", "id=4"),
            f"SELECT child.* FROM {VISIT} AS child WHERE "
            "pg_catalog.num_nulls(child.place, child.n) = 0 AND NOT EXISTS (SELECT FROM "
            "public.place AS parent WHERE parent.a = child.place AND parent.b = child.n) "
            "OR pg_catalog.num_nulls(child.place, child.n) "
            "BETWEEN 1 AND 1;",
            behind=False,
        ),
    ),
    (
        'ALTER TABLE public."Visit" ADD CONSTRAINT small CHECK (n /* no */ < 2);',
        InTheWay(VISIT, 2, ("id=2", "id=3"), f"SELECT * FROM {VISIT} WHERE NOT (n < 2);", False),
    ),
    (
        'ALTER TABLE public."Visit" VALIDATE CONSTRAINT few;',
        InTheWay(VISIT, 1, ("id=3",), f"SELECT * FROM {VISIT} WHERE NOT ((n < 3));", False),
    ),
    (
        'ALTER TABLE public."Visit" ALTER "Day" TYPE int USING "Day"::int;',
        InTheWay(
            VISIT,
            1,
            ("id=2",),
            f'SELECT * FROM {VISIT} WHERE NOT pg_catalog.pg_input_is_valid(("Day")'
            "::pg_catalog.text, 'int');",
            behind=False,
        ),
    ),
    (
        "UPDATE public.\"Visit\" SET note = 'much' WHERE id = 2;"
        'ALTER TABLE public."Visit" ALTER note TYPE varchar(3);',
        InTheWay(
            VISIT,
            1,
            ("id=2",),
            f"SELECT * FROM {VISIT} WHERE pg_catalog.char_length(pg_catalog.rtrim((note)"
            "::pg_catalog.text)) > 3;",
            behind=True,
        ),
    ),
    # What a statement writes is in no table.
    ("INSERT INTO public.place VALUES (1, 1, 1);", None),
    ("UPDATE public.place SET id = NULL;", None),
    ('DO $$ BEGIN ALTER TABLE public."Visit" ALTER place SET NOT NULL; END $$;', None),
    # Nobody knows what it is converted from.
    ('ALTER TABLE public."Visit" ALTER "Day" TYPE int USING trim("Day")::numeric::int;', None),
    # The value of a new column is in no table.
    ('ALTER TABLE public."Visit" ADD COLUMN k int DEFAULT 1, ADD CHECK (k > 1);', None),
]


def refused(database: Database, directory: Path, text: str) -> InTheWay | None:
    """What is in the way of a migration that is only applied."""
    directory.mkdir()
    # A migration is known by what it makes.
    plan = plan_of(directory, make=f"{text} CREATE TABLE public.also (n int);")
    login = database.login()

    def session() -> Any:
        return connect(login, name="gonogo:test:rehearsal")

    with session() as connection:
        done = apply(connection, plan.steps, budgets=budgets_of({}), confirm=lambda: None)
    assert done.error is not None, text
    return in_the_way(session, plan, done.error)


def test_rows_that_stand_in_the_way_are_told(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(ROWS.encode())
        known = owner.info.server_version >= 160000
    for number, (text, wanted) in enumerate(CASES):
        found = refused(database, tmp_path / str(number), text)
        tests_input = wanted is not None and "pg_input_is_valid" in wanted.query
        assert found == (wanted if known or not tests_input else None), text
        if found and not found.behind:
            with database.owner() as owner:
                assert len(owner.execute(found.query.encode()).fetchall()) == found.rows


def test_what_is_said_of_them(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.many (id int PRIMARY KEY, secret text)")
        owner.execute("INSERT INTO public.many SELECT n, 'hush' FROM generate_series(1, 25) AS n")
    text = "ALTER TABLE public.many ADD CONSTRAINT other CHECK (secret <> 'hush');"
    plan = plan_of(tmp_path, make=text)
    trial = tried(rehearse.apply_revert_reapply, database, plan, None)
    told = outcome.told(trial)
    assert isinstance(told, Problem)
    assert told.detail is not None
    assert told.hint is not None
    assert told.detail.startswith(
        "25 rows of public.many stand in the way: the first 20 id=1; id=2; id=3;"
    )
    assert "hush" not in told.detail
    assert told.hint.endswith(
        "To see the rows: SELECT * FROM public.many WHERE NOT (secret <> 'hush');"
    )


@pytest.mark.attack
def test_a_query_changes_nothing_and_hides_no_row(database: Database, tmp_path: Path) -> None:
    """Code that a condition calls writes nothing, and a policy that hides rows is no answer."""
    with database.owner() as owner:
        owner.execute(
            b"CREATE TABLE public.told (id int PRIMARY KEY, n int);"
            b"CREATE TABLE public.guarded (id int PRIMARY KEY, n int);"
            b"INSERT INTO public.guarded VALUES (1, 1), (2, 2);"
            b"CREATE FUNCTION public.f(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
            b" INSERT INTO public.told VALUES (n, n); RETURN false; END $$;"
        )
    text = "ALTER TABLE public.guarded ADD CONSTRAINT c CHECK (public.f(n));"
    found = refused(database, tmp_path / "a", text)
    assert found is None
    with database.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.told").fetchone() == (0,)
        owner.execute(
            b"ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
            b"CREATE POLICY first ON public.guarded USING (id = 1);"
        )
    text = "ALTER TABLE public.guarded ADD CONSTRAINT c CHECK (n < 2);"
    found = refused(database, tmp_path / "b", text)
    assert found is None
