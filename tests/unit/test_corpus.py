"""The page about public applications, and the histories that are read for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tools.corpus import __main__ as command
from tools.corpus import histories, page
from tools.corpus.judge import Finding, Verdict
from tools.corpus.page import Judged, Measured
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


def judged() -> Judged:
    found = (Finding("D4.2", "hold", "No row | that was there is gone: failed"),)
    return Judged(
        "an application",
        "Diesel",
        "a/b 123",
        [Verdict("1/up.sql", "GO", 7, 7, 2.0, ()), Verdict("2/up.sql", "HOLD", 6, 7, 4.0, found)],
    )


def test_the_page_has_each_verdict_and_why() -> None:
    text = page.render([measured(GOOD)], [judged()])
    assert "| an application (a/b 123) | Diesel | 2 | 1 | 1 | 0 | 3.0 s |" in text
    assert "| **All** | | 2 | 1 | 1 | 0 | |" in text
    why = "D4.2: No row \\| that was there is gone: failed"
    assert f"| an application | `2/up.sql` | HOLD | {why} |" in text


def test_verdicts_are_read_from_what_was_judged(tmp_path: Path) -> None:
    output = tmp_path / "page.md"
    (tmp_path / "a.json").write_text(json.dumps(asdict(measured(GOOD))))
    (tmp_path / "a.judged.json").write_text(json.dumps(asdict(judged())))
    assert command.main(["page", "--results", str(tmp_path), "--output", str(output)]) == 0
    assert output.read_text() == page.render([measured(GOOD)], [judged()])


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


def test_a_folder_is_read_as_its_tool_reads_it(tmp_path: Path) -> None:
    for name in ("2024-01-02-000000_b", "20230101000000_a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "up.sql").write_text("SELECT 1;")
    (tmp_path / "2024-01-02-000000_b" / "metadata.toml").write_text("run_in_transaction = false\n")
    found = histories.read(tmp_path)
    assert found.tool.name == "Diesel"
    assert "CREATE TABLE public.__diesel_schema_migrations" in found.tables
    assert [(one.file, one.transaction) for one in found.migrations] == [
        ("20230101000000_a/up.sql", True),
        ("2024-01-02-000000_b/up.sql", False),
    ]


def test_a_folder_of_no_tool_is_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["run", "x", str(tmp_path), "--results", str(tmp_path)]) == 1
    assert "is empty" in capsys.readouterr().err
