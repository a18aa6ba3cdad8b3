"""A folder of migrations: what of it is to be judged, and why it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.contract.records.history import HistoryRecord
from gonogo.contract.records.reading import plain, read
from gonogo.controller import runbook
from gonogo.controller.evidence.names import FILE
from gonogo.controller.runbook import plans, source
from gonogo.controller.runbook.derived import DERIVED, DERIVED_PROFILE, about
from gonogo.host.migrate.history import Entry
from gonogo.host.migrate.history.interface import APPLIED, FAILED, UNDONE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        directory = tmp_path / "migrations" / f"2026010{number}000000_step"
        directory.mkdir(parents=True)
        (directory / "migration.sql").write_text(f"CREATE TABLE t{number} ();\n")
    (tmp_path / "migrations" / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return tmp_path / "migrations"


def prisma(folder: Path) -> source.Source:
    return source.read(folder, tool="prisma", schema="public")


def entry(found: source.Source, number: int, state: str = APPLIED) -> Entry:
    one = found.migrations[number]
    return Entry(one.name, state, one.checksums[0])


def test_without_a_record_all_is_pending(folder: Path) -> None:
    found = prisma(folder)
    assert source.problem(found, None) is None
    kept = source.record(found, None)
    assert kept.entries is None
    assert list(kept.pending) == [one.name for one in kept.files]
    assert len(kept.pending) == 3
    assert read(HistoryRecord, plain(kept), file="history.json") == kept


def test_what_is_not_applied_is_pending(folder: Path) -> None:
    found = prisma(folder)
    entries = [entry(found, 0), entry(found, 1, UNDONE)]
    assert source.problem(found, entries) is None
    pending = source.record(found, entries).pending
    assert list(pending) == [one.name for one in found.migrations[1:]]
    assert found.named(pending) == [*found.migrations[1:]]


def test_every_file_counts_for_the_digest(folder: Path) -> None:
    before = prisma(folder)
    assert set(before.digests) == {
        "migration_lock.toml",
        *(one.file for one in before.migrations),
    }
    (folder / "migration_lock.toml").write_text("provider = 'other'\n")
    assert prisma(folder).sha256 != before.sha256


def test_what_stands_against_it(folder: Path) -> None:
    found = prisma(folder)
    cases = {
        "begun and not finished": [entry(found, 0, FAILED)],
        "that the folder does not have": [Entry("20250101000000_gone", APPLIED, None)],
        "not as they were": [Entry(found.migrations[0].name, APPLIED, "0" * 64)],
    }
    for words, entries in cases.items():
        problem = source.problem(found, entries)
        assert problem is not None
        assert words in problem.primary, problem.primary
        assert problem.detail
        assert problem.hint


def test_where_all_is_applied_nothing_stands_against_it(folder: Path) -> None:
    """Whether the database is what the record says is for the run to find out."""
    found = prisma(folder)
    entries = [entry(found, number) for number in range(3)]
    assert source.problem(found, entries) is None
    assert source.record(found, entries).pending == ()


def test_what_is_asked_where_nothing_is_pending(folder: Path) -> None:
    """All but what is asked of the trial of a migration: there is none."""
    own = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
    whole, nothing = about(own, prisma(folder)), about(own, prisma(folder), [])
    assert nothing.pending == ()
    gone = {*whole.checks} - {*nothing.checks}
    assert {whole.checks[one].phase for one in gone} == {"07_rehearsed"}
    assert {"D1.1", "D2.2", "D5.1", "D10.1"} <= {*nothing.checks}
    plan = nothing.plan(stages=["target"])
    counted = {check.criterion for check in plan.checks}
    assert {*plan.scoring} <= counted == {one.id for one in plan.criteria}
    assert (nothing.sha256, nothing.digests) == (whole.sha256, whole.digests)


def test_a_link_that_leads_out_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.sql").write_text("SELECT 1;\n")
    (folder / "20260104000000_linked").mkdir()
    (folder / "20260104000000_linked" / "migration.sql").symlink_to(tmp_path / "elsewhere.sql")
    with pytest.raises(InputError, match="leads out"):
        prisma(folder)


def test_a_folder_without_migrations(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no migration in"):
        source.read(tmp_path, tool="plain", schema="public")


def test_a_file_of_any_name_can_be_kept(tmp_path: Path) -> None:
    names = ["1 add \u00e9.sql", "1_add__.sql", "2-(x).sql", f"{'3' * 200}.sql"]
    for name in names:
        (tmp_path / name).write_text(f"CREATE TABLE t ();  -- {name}\n")
    own = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
    texts = plans.texts(about(own, source.read(tmp_path, tool="plain", schema="public")))
    assert len(texts) == len(names)
    assert all(FILE.fullmatch(f"sql/deploy_{name}") and len(name) < 200 for name in texts), texts
