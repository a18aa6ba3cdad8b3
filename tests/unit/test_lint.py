"""What squawk says of a migration is told by the lines of its files, and nothing depends on it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller import runbook
from gonogo.controller.runbook import derived, lint, source

UP = "-- +goose Up\n\nCREATE INDEX i ON t (x);\n"
DOWN = "\n-- +goose Down\nDROP INDEX i;\n"


def about(folder: Path, text: str = UP + DOWN) -> runbook.Runbook:
    folder.mkdir()
    (folder / "00001_a.sql").write_text(text)
    found = source.read(folder, tool="goose", schema="public")
    book = runbook.load(derived.DERIVED, profile="target", parameters={}, templates=False)
    return derived.about(book, found)


def squawk(monkeypatch: pytest.MonkeyPatch, directory: Path, text: str | None) -> None:
    """A program of that name that does this; none where there is no text."""
    directory.mkdir()
    if text is not None:
        program = directory / "squawk"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(directory))


def linted(book: runbook.Runbook) -> Mapping[str, object]:
    return lint.lint(book)


@pytest.mark.skipif(not shutil.which("squawk"), reason="squawk is not installed")
def test_findings_are_told_by_the_lines_of_the_file(tmp_path: Path) -> None:
    told = linted(about(tmp_path / "migrations"))
    assert str(told["program"]).startswith("squawk ")
    assert (told["files"], told["unread"]) == (1, 0)
    findings: Any = told["findings"]
    assert [one["place"] for one in findings] == ["00001_a.sql:3"]
    assert findings[0]["rule"] == "require-concurrent-index-creation"
    assert "concurrently" in findings[0]["words"]


@pytest.mark.skipif(not shutil.which("squawk"), reason="squawk is not installed")
def test_a_file_of_rules_beside_the_migrations_counts(tmp_path: Path) -> None:
    book = about(tmp_path / "migrations")
    (tmp_path / "migrations" / ".squawk.toml").write_text(
        'excluded_rules = ["require-concurrent-index-creation"]\n'
    )
    assert linted(book)["findings"] == []


@pytest.mark.skipif(not shutil.which("squawk"), reason="squawk is not installed")
def test_it_knows_what_is_outside_of_a_transaction(tmp_path: Path) -> None:
    concurrently = "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n"
    outside = linted(about(tmp_path / "outside", f"-- +goose NO TRANSACTION\n{concurrently}"))
    assert "require-concurrent-index-creation" not in str(outside["findings"])
    assert "ban-concurrent-index-creation-in-transaction" not in str(outside["findings"])


def test_without_it_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squawk(monkeypatch, tmp_path / "bin", None)
    assert linted(about(tmp_path / "migrations")) == {}


@pytest.mark.parametrize("does", ["echo no JSON", "echo '[{}]'", "echo '[1]'", "echo 1", "exit 3"])
def test_an_answer_that_is_none_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    squawk(monkeypatch, tmp_path / "bin", does)
    told = linted(about(tmp_path / "migrations"))
    assert told == {"problem": "squawk gave no answer that could be read"}


def test_one_that_never_ends_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squawk(monkeypatch, tmp_path / "bin", "while :; do :; done")
    monkeypatch.setattr(lint, "_SECONDS", 0.1)
    assert "within" in str(linted(about(tmp_path / "migrations"))["problem"])


def test_what_it_does_not_understand_is_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '[{"rule_name": "syntax-error", "line": 0, "message": "x", "help": null}]'
    squawk(monkeypatch, tmp_path / "bin", f"echo '{answer}'")
    told = linted(about(tmp_path / "migrations"))
    assert (told["unread"], told["findings"]) == (1, [])
