"""A script that ran twice unchanged is in the evidence once."""

from __future__ import annotations

import hashlib
import json

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.controller.evidence import Run
from gonogo.controller.stages.kept_scripts import keep, keep_rehearsed
from tests.unit.test_forgery import run
from verify import verify_evidence

__all__ = ["run"]


def _files(run: Run) -> dict[str, str]:
    return {path.name: path.read_text() for path in (run.path / "sql").iterdir()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_same_text_is_one_file_that_both_have_written(run: Run) -> None:
    assert keep_rehearsed(run, {"a": "same"}, stage="rehearsal") == {"a": _digest("same")}
    keep(run, {"a": "same"}, stage="phases")
    assert _files(run) == {"a.sql": "same"}
    wrote = [
        line for line in (run.path / "events.jsonl").read_text().splitlines() if "sql/a.sql" in line
    ]
    assert [stage for line in wrote for stage in ("rehearsal", "phases") if f'"{stage}"' in line]
    assert len(wrote) == 2


def test_another_text_leaves_the_one_that_was_rehearsed(run: Run) -> None:
    digests = keep_rehearsed(run, {"a": "there"}, stage="rehearsal")
    keep(run, {"a": "here"}, stage="phases")
    assert _files(run) == {"a.sql": "here", "rehearsal_a.sql": "there"}
    assert digests == {"a": _digest("there")}


def test_what_ran_before_the_rehearsal_stays(run: Run) -> None:
    keep(run, {"a": "here", "b": "same"}, stage="preflight")
    keep_rehearsed(run, {"a": "there", "b": "same"}, stage="rehearsal")
    assert _files(run) == {"a.sql": "here", "b.sql": "same", "rehearsal_a.sql": "there"}


def test_what_was_changed_meanwhile_is_not_sealed(run: Run) -> None:
    keep_rehearsed(run, {"a": "there"}, stage="rehearsal")
    (run.path / "sql" / "a.sql").write_text("forged")
    with pytest.raises(GonogoError, match=r"sql/a\.sql changed after it was written"):
        keep(run, {"a": "here"}, stage="phases")


def test_the_verifier_wants_the_scripts_that_the_record_of_the_rehearsal_names(run: Run) -> None:
    scripts = keep_rehearsed(run, {"a": "there", "b": "same"}, stage="rehearsal")
    keep(run, {"a": "here", "b": "same"}, stage="phases")
    run.write_json("rehearsal.json", {"run_id": run.run_id, "scripts": scripts}, stage="rehearsal")
    assert not _problems(run)
    scripts["b"] = _digest("another")
    run.write_json("rehearsal.json", {"run_id": run.run_id, "scripts": scripts}, stage="rehearsal")
    assert _problems(run) == ["rehearsal.json: the script b is not the one that is here"]


def _problems(run: Run) -> list[str]:
    problems: list[str] = []
    lines = (run.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    verify_evidence.read_files(run.path, events, len(events), problems)
    return problems
