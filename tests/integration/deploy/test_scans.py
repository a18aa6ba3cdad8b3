"""Which tables a statement has read from their beginning on, as its trace says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.support.harness import Database
from tests.integration.support.migrations import deployed, plan_of

ROWS = 500
TABLES = f"""
CREATE TABLE public.gonogo_p (id int PRIMARY KEY);
CREATE TABLE public.gonogo_c (n int, p int, said varchar(9));
INSERT INTO public.gonogo_p SELECT n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO public.gonogo_c SELECT n, n, 'x' FROM generate_series(1, {ROWS}) AS n;
"""
READ = {
    "an index": ("CREATE INDEX gonogo_i ON public.gonogo_c (n);", {"public.gonogo_c"}),
    "a rewritten table": (
        "ALTER TABLE public.gonogo_c ALTER COLUMN n TYPE bigint;",
        {"public.gonogo_c"},
    ),
    "a column that must have a value": (
        "ALTER TABLE public.gonogo_c ALTER COLUMN n SET NOT NULL;",
        {"public.gonogo_c"},
    ),
    "a CHECK": (
        "ALTER TABLE public.gonogo_c ADD CONSTRAINT gonogo_k CHECK (n > 0);",
        {"public.gonogo_c"},
    ),
    "a foreign key": (
        "ALTER TABLE public.gonogo_c ADD CONSTRAINT gonogo_f FOREIGN KEY (p) "
        "REFERENCES public.gonogo_p;",
        {"public.gonogo_c", "public.gonogo_p"},
    ),
    "a CHECK for new rows": (
        "ALTER TABLE public.gonogo_c ADD CONSTRAINT gonogo_k CHECK (n > 0) NOT VALID;",
        set(),
    ),
    "a new column": ("ALTER TABLE public.gonogo_c ADD COLUMN m int DEFAULT 7;", set()),
    "a longer text": ("ALTER TABLE public.gonogo_c ALTER COLUMN said TYPE text;", set()),
}


@pytest.mark.parametrize("words", READ)
def test_what_a_statement_has_read(database: Database, tmp_path: Path, words: str) -> None:
    text, tables = READ[words]
    with database.owner() as owner:
        owner.execute(TABLES)
    named = "CREATE TABLE public.gonogo_made (id int);"
    done = deployed(database, plan_of(tmp_path, one=f"{text}\n{named}"))
    assert done.action == "applied", done.error
    first, second = done.statements
    assert set(first.scanned) == tables, first.scanned
    assert set(first.scanned.values()) <= {ROWS}
    assert second.scanned == {}


def test_each_statement_has_read_its_own(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(TABLES)
    text = """
        CREATE TABLE public.gonogo_made AS SELECT n FROM public.gonogo_c;
        UPDATE public.gonogo_c SET said = 'y';
        CREATE INDEX gonogo_i ON public.gonogo_made (n);
    """
    done = deployed(database, plan_of(tmp_path, one=text))
    assert done.action == "applied", done.error
    # What the migration has made is nobody else's yet.
    read = [dict(one.scanned) for one in done.statements]
    assert read == [{"public.gonogo_c": ROWS}, {"public.gonogo_c": ROWS}, {}]
