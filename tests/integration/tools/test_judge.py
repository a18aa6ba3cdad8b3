"""The last migrations of a folder, judged one after the other on rows that are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.corpus import __main__ as corpus
from tools.defects import __main__ as defects
from tools.defects.kinds import KINDS
from tools.defects.lab import Outcome
from tools.defects.page import Tried, word

FILES = {
    "1_person": "CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, note text, "
    "share numeric NOT NULL, told timestamptz NOT NULL);",
    "2_visit": "CREATE TABLE visit (id serial PRIMARY KEY, person integer REFERENCES person "
    "ON DELETE CASCADE, by integer REFERENCES person);"
    "CREATE TABLE stay (id serial PRIMARY KEY, visit integer REFERENCES visit, place text);",
    "3_good": "CREATE INDEX ON visit (person); ALTER TABLE visit ADD place text;",
    "4_lost": "DELETE FROM stay WHERE id > 10;",
    "5_fails": "ALTER TABLE visit ADD CONSTRAINT few CHECK (id < 5);",
    "6_good": "ALTER TABLE person ADD mail text;",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        place = tmp_path / "migrations" / f"2024010{name}"
        place.mkdir(parents=True)
        (place / "migration.sql").write_text(text)
    (tmp_path / "migrations" / "migration_lock.toml").write_text('provider = "postgresql"')
    return tmp_path / "migrations"


def test_each_migration_has_a_verdict(folder: Path, tmp_path: Path) -> None:
    options = ["judge", "made", str(folder), "--last", "4", "--results", str(tmp_path)]
    assert corpus.main(options) == 0
    kept = json.loads((tmp_path / "made.judged.json").read_text())
    verdicts = kept["verdicts"]
    found = [(one["decision"], [item["subject"] for item in one["findings"]]) for one in verdicts]
    assert found == [
        ("GO", []),
        ("HOLD", ["D4.2"]),
        # What it costs was not measured.
        ("NO-GO", ["rehearsal", "D8.2"]),
        ("GO", []),
    ], verdicts
    assert all(not one["unfilled"] for one in verdicts)
    # What they looked at were rows.
    assert verdicts[0]["examined"]["D4.1"] >= 3


@pytest.mark.attack
def test_defects_are_noticed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("20240104_lost", "20240105_fails"):
        (folder / name / "migration.sql").unlink()
        (folder / name).rmdir()
    options = ["run", "made", str(folder), "--last", "2", "--results", str(tmp_path / "results")]
    assert defects.main(options) == 0, capsys.readouterr().err
    kept = json.loads((tmp_path / "results" / "made.json").read_text())
    tried = Tried("made", "", [Outcome(**one) for one in kept["outcomes"]])
    assert tried.outcomes[0].failed == {}
    words = {kind.id: word(kind.id, kind.checks, tried) for kind in KINDS}
    # A view is planned and not executed.
    assert [name for name, one in words.items() if one in {"survived", "by another"}] == [
        "a function of a view that fails",
        "a view of what was renamed in a text",
    ]
    assert sum(one == "caught" for one in words.values()) >= 60, words
