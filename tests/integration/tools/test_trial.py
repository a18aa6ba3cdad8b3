"""`make try`: a folder of migrations is all that is needed for a verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import trial

FIRST = 'CREATE TABLE "Note" ("id" SERIAL NOT NULL PRIMARY KEY, "text" TEXT);\n'
ROWS = 'INSERT INTO "Note" ("text") SELECT n::text FROM generate_series(1, 20) AS n;\n'
SECOND = 'ALTER TABLE "Note" ADD COLUMN "done" BOOLEAN NOT NULL DEFAULT false;\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "migrations"
    for name, text in (("20260101000000_first", FIRST), ("20260102000000_second", SECOND)):
        (found / name).mkdir(parents=True)
        (found / name / "migration.sql").write_text(text)
    (found / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return found


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(trial, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def verdict(runs: Path) -> dict[str, object]:
    (found,) = runs.glob("*/*/verdict.json")
    return dict(json.loads(found.read_text()))


def test_the_last_migration_is_judged(
    folder: Path, runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.sql").write_text(ROWS)
    assert trial.main([str(folder), "--rows", str(tmp_path / "rows.sql")]) == 0
    said = capfd.readouterr().out
    assert "Applying 1 migrations of Prisma" in said
    assert "Judging: 20260102000000_second" in said
    assert verdict(runs)["decision"] == "GO", said
    (history,) = runs.glob("*/*/history.json")
    assert json.loads(history.read_text())["pending"] == ["20260102000000_second"]


def test_rows_are_made_where_nobody_has_any(
    folder: Path, runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A new NOT NULL without a default is applied to an empty table only."""
    (folder / "20260102000000_second" / "migration.sql").write_text(
        SECOND.replace(" DEFAULT false", "")
    )
    assert trial.main([str(folder)]) == 0
    assert "Rows: made up to fit the constraints, 20 in 1 tables" in capfd.readouterr().out
    assert verdict(runs)["decision"] == "NO-GO"


def test_what_loses_rows_is_none(folder: Path, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.sql").write_text(ROWS)
    (folder / "20260102000000_second" / "migration.sql").write_text(
        SECOND + 'DELETE FROM "Note" WHERE "id" = 3;\n'
    )
    assert trial.main([str(folder), "--rows", str(tmp_path / "rows.sql")]) == 0
    found = verdict(runs)
    assert found["decision"] == "HOLD"
    assert "D4.2" in json.dumps(found["reasons"])


def test_it_takes_what_an_inventory_would_say(folder: Path, runs: Path, tmp_path: Path) -> None:
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "notes_have_text.sql").write_text(
        "-- check: every note has a text of its own\n-- severity: hold\n"
        '-- examined: SELECT count(*) FROM "Note"\n-- key: id\n'
        """SELECT "id" FROM "Note" WHERE "text" = '7';\n"""
    )
    said = tmp_path / "gonogo.yml"
    said.write_text(f"gonogo_own_checks: {checks}\ngonogo_criteria: {{D8: none}}\n")
    (tmp_path / "rows.sql").write_text(ROWS)
    asked = [str(folder), "--rows", str(tmp_path / "rows.sql"), "--vars", str(said)]
    assert trial.main(asked) == 0
    found = verdict(runs)
    assert found["decision"] == "HOLD"
    assert "D11.notes_have_text" in json.dumps(found["reasons"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--last", "3"], "the folder has 2 migrations"),
        (["--last", "0"], "the folder has 2 migrations"),
        (["--rows", "nowhere.sql"], 'there is no file "nowhere.sql"'),
        (["--dump", "nowhere.dump"], 'there is no file "nowhere.dump"'),
        (["--dump", "/", "--last", "1"], "the dump says which migrations are applied"),
        (["--make-rows", "-1"], "--make-rows is -1"),
        (["--vars", "nowhere.yml"], "cannot read nowhere.yml"),
        (["--vars", "{wrong}"], "is no mapping of variables"),
        (["--vars", "{own}"], "sets what the trial sets itself: gonogo_login, gonogo_protected"),
    ],
)
def test_what_cannot_be_tried_is_one_error(
    folder: Path, runs: Path, more: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {"wrong": "- a", "own": "{gonogo_protected: false, gonogo_login: {}}"}
    for name, text in files.items():
        (folder.parent / f"{name}.yml").write_text(text)
    paths = {name: folder.parent / f"{name}.yml" for name in files}
    assert trial.main([str(folder), *(word.format(**paths) for word in more)]) == 1
    said = capfd.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not runs.exists()


def _nothing(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _another(folder: Path) -> None:
    (folder / "00001_a.sql").write_text("-- +goose Up\nSELECT 1;\n")


def _latin(folder: Path) -> None:
    (folder / "20260101000000_first" / "migration.sql").write_bytes(b"-- \xe9\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_nothing, "error: the folder migrations is empty"),
        (_another, "error: the folder migrations has files of several migration tools"),
        (_latin, "error: migration.sql is not UTF-8 text"),
    ],
)
def test_a_folder_that_no_tool_would_take(
    folder: Path,
    runs: Path,
    damage: Callable[[Path], None],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    damage(folder)
    assert trial.main([str(folder)]) == 1
    said = capfd.readouterr().err
    assert said.startswith(words)
    assert said.count("error:") == 1
    assert not runs.exists()


def test_a_history_that_does_not_start_from_nothing(
    folder: Path, runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "20260101000000_first" / "migration.sql").write_text('DROP TABLE "Other";\n')
    assert trial.main([str(folder)]) == 1
    said = capfd.readouterr().err
    assert "20260101000000_first/migration.sql cannot be applied" in said
    assert not runs.exists()


def test_an_empty_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert trial.main([str(empty)]) == 1
    assert "is empty" in capfd.readouterr().err
