"""A schema against what it should be, and whose work an object is: without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.contract.records.deployment import HistoryEntry
from gonogo.contract.records.drift import Deviation, Drift, ReplayPlan
from gonogo.contract.records.history import HistoryRecord
from gonogo.controller import runbook
from gonogo.controller.runbook import derived, replays, source
from gonogo.controller.runbook.book import Runbook
from gonogo.host.compare.changes import changed, unexplained
from gonogo.host.compare.drift import Sides, drift
from gonogo.host.compare.object_names import parsed, subject_of

TABLES = {("public", "_prisma_migrations")}


@pytest.mark.parametrize(
    ("name", "definition", "table", "own"),
    [
        ('column public."Order"."a.b"', None, ("public", "Order"), "a.b"),
        ('constraint public.t."k""x"', None, ("public", "t"), 'k"x'),
        (
            "index public.i",
            'CREATE INDEX i ON ONLY public."T t" USING btree (a)',
            ("public", "T t"),
            "i",
        ),
        ("sequence public.s", "integer, start 1, owned by public.t.id", ("public", "t"), "s"),
        ("function public.f(integer, text)", None, (), "f"),
    ],
)
def test_names(name: str, definition: str | None, table: tuple[str, ...], own: str) -> None:
    found = parsed(name, definition)
    assert (found.table, found.own) == (table, own)


def test_what_belongs_to_the_tool_is_nobody_s_drift() -> None:
    there = {
        "table public._prisma_migrations": "",
        "column public._prisma_migrations.id": "1 text",
        "index public.x": "CREATE INDEX x ON public._prisma_migrations USING btree (id)",
        "owner of table public.t": "a",
        "schema drizzle": "",
    }
    assert drift(Sides.of({}, there, tables=TABLES, schemas={"drizzle"})) == ([], [])


def test_a_name_is_not_what_an_object_is() -> None:
    one = {
        "column public.t.id": "1 integer not null default nextval('public.a'::regclass)",
        "sequence public.a": "integer, start 1, owned by public.t.id",
        "index public.i": "CREATE INDEX i ON public.t USING btree (id)",
    }
    other = {
        "column public.t.id": "3 integer not null default nextval('public.b'::regclass)",
        "sequence public.b": "integer, start 1, owned by public.t.id",
        "index public.j": "CREATE INDEX j ON public.t USING btree (id)",
    }
    assert drift(Sides.of(one, other, tables=())) == ([], [])
    other["index public.j"] = "CREATE INDEX j ON public.t USING btree (id) WHERE (id > 1)"
    wrong, beside = drift(Sides.of(one, other, tables=()))
    assert [one.name for one in wrong] == ["index public.i"]
    assert [one.name for one in beside] == ["index public.j"]


def test_an_order_of_columns_is_no_change() -> None:
    found = changed({"column public.t.b": "2 text"}, {"column public.t.b": "1 text"})
    assert found == []


def test_a_word_that_came_has_to_be_one_of_the_migration_s() -> None:
    before = {"view public.v": "SELECT t.a FROM public.t"}
    after = {"view public.v": "SELECT t.b AS a FROM public.t"}
    found = changed(before, after)
    assert unexplained(found, before, after, names={"a", "b"}) == []
    assert unexplained(found, before, after, names={"a"}) == found


def test_a_comment_goes_with_its_column() -> None:
    before = {"column public.t.b": "2 text", "comment on table column public.t.b": "what it is"}
    found = changed(before, {})
    assert unexplained(found, before, {}, names={"alter", "table", "t", "drop", "b"}) == []


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("comment on table public.t", "table public.t"),
        ("comment on table column public.t.b", "column public.t.b"),
        ("comment on composite type column public.t.b", "column public.t.b"),
        ('comment on table constraint "k on" on public."T t"', 'constraint public."T t"."k on"'),
        ("comment on derived trigger g on public.t", "trigger public.t.g"),
        ("comment on index public.i", "index public.i"),
        ('triggers of constraint public.t."a on b"', 'constraint public.t."a on b"'),
        ("privileges of column public.t.b", "column public.t.b"),
        ("column public.t.b", None),
    ],
)
def test_subjects(name: str, subject: str | None) -> None:
    assert subject_of(name) == subject


FOLDER = {
    "20260101_first": "CREATE TABLE one (id integer, note text);",
    "20260102_second": 'CREATE TABLE "Two" (id integer);',
    "20260103_third": "ALTER TABLE one ADD more text;",
    "20260104_fourth": "ALTER TABLE one ADD last text;",
}


def read(tmp_path: Path, baseline: source.Baseline | None = None) -> source.Source:
    for name, text in FOLDER.items():
        file = tmp_path / "db" / name / "migration.sql"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return source.read(tmp_path / "db", tool="prisma", schema="public", baseline=baseline)


def planned(found: source.Source, *, recorded: bool = True) -> tuple[Runbook, ReplayPlan]:
    """What is replayed where the last migration is pending."""
    loaded = runbook.load(
        derived.DERIVED, profile=derived.DERIVED_PROFILE, parameters={}, templates=False
    )
    book = derived.about(loaded, found, ["20260104_fourth"])
    entries = [HistoryEntry(name, "applied", None, {}) for name in [*FOLDER][:3]]
    record = HistoryRecord(
        tool="prisma",
        schema="public",
        directory="db",
        sha256="0",
        files=(),
        entries=entries if recorded else None,
        pending=["20260104_fourth"],
    )
    return book, replays.plan(book, found, record, home="/twin")


def test_what_is_applied_is_replayed_and_then_what_is_pending(tmp_path: Path) -> None:
    _, plan = planned(read(tmp_path))
    assert plan.problem is None
    assert [one.file for one in plan.applied] == [f"{n}/migration.sql" for n in [*FOLDER][:3]]
    assert [one.file for one in plan.pending] == ["20260104_fourth/migration.sql"]
    assert plan.tables == (("public", "_prisma_migrations"),)
    assert "last" in plan.names


def test_a_baseline_has_the_migrations_up_to_its_version(tmp_path: Path) -> None:
    start = tmp_path / "dump.sql"
    start.write_text(
        "\\restrict x\nSET statement_timeout = 0;\nCREATE TABLE one (id integer);\n\\unrestrict x\n"
    )
    found = read(tmp_path, source.Baseline(start, "20260102_second"))
    assert "baseline/dump.sql" in found.digests
    _, plan = planned(found)
    assert plan.problem is None
    assert [one.file for one in plan.applied] == ["20260103_third/migration.sql"]
    (step,) = plan.baseline
    assert [one.verb for one in step.statements] == ["SET", "CREATE"]
    assert not step.transaction


def test_without_a_file_the_history_counts_from_there_on(tmp_path: Path) -> None:
    _, plan = planned(read(tmp_path, source.Baseline(None, "20260102_second")))
    assert not plan.asked
    assert plan.applied == ()
    assert plan.problem == (
        "the history counts from 20260102_second on: what was there is taken as it is"
    )


def test_without_a_record_nobody_knows(tmp_path: Path) -> None:
    _, plan = planned(read(tmp_path), recorded=False)
    assert plan.problem == "Prisma keeps no record here: nobody knows what is applied"


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        (source.Baseline(Path("/nowhere.sql"), None), "there is no such file of SQL"),
        (source.Baseline(None, "20260101"), "the folder has no migration of this name"),
    ],
)
def test_a_baseline_that_is_none(tmp_path: Path, baseline: source.Baseline, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, baseline)


def test_a_baseline_that_cannot_be_read(tmp_path: Path) -> None:
    start = tmp_path / "dump.sql"
    start.write_bytes(b"SELECT '\xff'")
    _, plan = planned(read(tmp_path, source.Baseline(start, None)))
    assert plan.problem is not None
    assert plan.problem.startswith("the history cannot be replayed: dump.sql cannot be read: ")


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("column public.one.more", "20260103_third"),
        ("column public.one.note", "20260101_first"),
        ('table public."Two"', "20260102_second"),
        ("constraint public.one.one_pkey", "20260103_third"),
        # What is pending has made nothing yet.
        ("column public.one.last", "20260103_third"),
        ("table public.other", None),
    ],
)
def test_whose_work_an_object_is(tmp_path: Path, name: str, author: str | None) -> None:
    book, _ = planned(read(tmp_path))
    found = replays.attributed(Drift(before=[Deviation("missing", name, "", None)]), book)
    assert found is not None
    (one,) = found.before
    assert one.migration == (f"{author}/migration.sql" if author else None)
