"""The page about public applications, and the histories that are read for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tools.corpus import __main__ as command
from tools.corpus import histories, page
from tools.corpus.page import Measured
from tools.corpus.replay import Row

GOOD = Row("1/up.sql", None, "absent", "applied", 0.5)
BAD = Row("2/up.sql", "line 3: 42601: a | b", "absent", "absent", 1.5)


def measured(*rows: Row) -> Measured:
    return Measured("an application", "diesel", "a/b 123", "owner of the database", rows)


def test_the_page_counts_and_names_the_rest() -> None:
    text = page.render([measured(GOOD, GOOD, BAD), measured(*[GOOD] * 997)])
    assert "| 3 | 2 | 66.6 % | 0.50 s |" in text
    assert "| **All** | | | 1000 | 999 | 99.9 % | |" in text
    assert "| an application | `2/up.sql` | line 3: 42601: a \\| b |" in text


def test_a_page_without_a_rest_says_so() -> None:
    assert "Every one of them can be deployed" in page.render([measured(GOOD)])


def test_the_page_is_written_from_the_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "page.md"
    options = ["page", "--results", str(tmp_path), "--output", str(output)]
    assert command.main(options) == 1
    assert "holds no measurement" in capsys.readouterr().err
    kept = tmp_path / "a.json"
    kept.write_text("{}")
    assert command.main(options) == 1
    assert "is no measurement" in capsys.readouterr().err
    kept.write_text(json.dumps(asdict(measured(GOOD))))
    assert command.main(options) == 0
    assert "an application (a/b 123)" in output.read_text()


def test_files_are_in_the_order_of_their_tool(tmp_path: Path) -> None:
    for name, text in {
        "V1_10__c.sql": "SELECT 3",
        "V1_2__b.sql": "CREATE INDEX CONCURRENTLY i ON t (a)",
        "V1_1__a.sql": "SELECT 1",
    }.items():
        (tmp_path / name).write_text(text)
    found = histories.read("flyway", tmp_path).migrations
    assert [(one.name, one.transaction) for one in found] == [
        ("V1_1__a.sql", True),
        ("V1_2__b.sql", False),
        ("V1_10__c.sql", True),
    ]


def test_diesel_s_files_say_what_runs_outside_of_a_transaction(tmp_path: Path) -> None:
    for name in ("2024-01-02-000000_b", "20230101000000_a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "up.sql").write_text("SELECT 1;")
    (tmp_path / "2024-01-02-000000_b" / "metadata.toml").write_text("run_in_transaction = false\n")
    found = histories.read("diesel", tmp_path).migrations
    assert [(one.name, one.transaction) for one in found] == [
        ("20230101000000_a", True),
        ("2024-01-02-000000_b", False),
    ]


def test_of_goose_s_files_the_part_above_down_is_applied(tmp_path: Path) -> None:
    text = "-- +goose no transaction\n-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"
    (tmp_path / "1_a.sql").write_text(text)
    (found,) = histories.read("goose", tmp_path).migrations
    assert found.text == "-- +goose no transaction\n-- +goose Up\nSELECT 1;\n"
    assert found.transaction is False
