"""verdict.json is what its published schema says, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.reading import RecordError, plain, read
from gonogo.contract.records.verdict import VerdictRecord
from gonogo.controller.evidence.judgement import decided
from tests.schemas import assert_suits, verdict_validator
from tests.unit.test_report import EVIL, write_run

STATUSES = ("pass", "fail", "not_run", "inconclusive", "error")


def verdict_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(json.dumps(plain(decided(path)))))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("text", ["fine", EVIL], ids=["fine", "evil"])
def test_a_verdict_suits(tmp_path: Path, status: str, text: str) -> None:
    assert_suits(verdict_of(write_run(tmp_path, text=text, status=status)))


@pytest.mark.parametrize("name", ["run.json", "plan.json", "events.jsonl"])
def test_a_verdict_about_damaged_evidence_suits(tmp_path: Path, name: str) -> None:
    path = write_run(tmp_path)
    (path / name).write_text("{}")
    assert_suits(verdict_of(path))


def more(value: dict[str, Any]) -> None:
    value["more"] = None


def less(value: dict[str, Any]) -> None:
    value.popitem()


CHANGES: tuple[tuple[str, Callable[[dict[str, Any]], None]], ...] = (
    ("a key too many", more),
    ("a key too few", less),
    ("a key too many inside", lambda one: more(one["score"])),
    ("a key too many in a reason", lambda one: more(one["reasons"][0])),
    ("a key too many of the target", lambda one: more(one["target"]["observed"])),
    ("another decision", lambda one: one.update(decision="MAYBE")),
    ("another severity", lambda one: one["reasons"][0].update(severity="warning")),
    ("another status", lambda one: one["checks"].update({"C1.1": "passed"})),
    ("a score of text", lambda one: one["score"].update(passed="2")),
    ("a score that is true", lambda one: one["score"].update(passed=True)),
)


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_what_no_run_writes_does_not_suit(
    tmp_path: Path, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    """The schema refuses what the project refuses to read."""
    verdict = verdict_of(write_run(tmp_path, status="fail"))
    assert read(VerdictRecord, verdict, file="verdict.json")
    change(verdict)
    assert not verdict_validator().is_valid(verdict), name
    with pytest.raises(RecordError):
        read(VerdictRecord, verdict, file="verdict.json")
