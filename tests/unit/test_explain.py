"""A run is explained from its evidence alone: to people, and to programs."""

from __future__ import annotations

import itertools
import json
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError
from gonogo.contract.options.explain import ExplainTask
from gonogo.contract.records.reading import plain
from gonogo.contract.records.run import Migrations
from gonogo.controller import explain
from gonogo.controller.evidence import Run, load
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.explain.actions import NOBODY, PERSON, actions
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.stages.explain import Explain
from tests.explained import CALLER, explained, write
from tests.pages.programs import MEANS, keys
from tests.unit.test_report import EVIL, write_run

PAGE = Path(__file__).parents[2] / "docs" / "programs.md"


def stage(caller: Caller = CALLER) -> Explain:
    site: Any = SimpleNamespace(caller=caller, extra={}, variables={}, checking=False)
    return Explain(site)


def test_every_key_has_its_meaning_and_no_other() -> None:
    assert [name for name, _ in keys()] == list(MEANS)


def test_the_example_of_the_page_is_what_a_program_is_told(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("```json\n")[2].partition("\n```")[0]
    assert json.loads(text) == plain(explained(write(tmp_path)))


def test_what_takes_a_person(tmp_path: Path) -> None:
    told = explained(write(tmp_path))
    takes = {one.name: one.takes for one in told.actions}
    assert takes == {
        **dict.fromkeys(("validate", "rehearse", "audit", "verify"), NOBODY),
        **dict.fromkeys(("deploy", "restore"), PERSON),
    }
    assert list(told.next) == ["rehearse"]
    for one in told.actions:
        assert "token" not in one.command
        if one.name != "verify":
            assert "-i inventories/sandbox" in one.command
            assert "--limit db1" in one.command


def _said(tmp_path: Path, **about: Any) -> dict[str, Any]:
    """The variables of the command that deploys, of a run that was about this."""
    found = load(write_run(tmp_path))
    assert found.run is not None
    known = actions(found, replace(found.run, **about), "runs/one", CALLER)
    words = shlex.split(next(one.command for one in known if one.name == "deploy"))
    given = [word for before, word in itertools.pairwise(words) if before == "-e"]
    return {
        name: value
        for word in given
        for name, value in (
            json.loads(word) if word.startswith("{") else dict([word.split("=", 1)])
        ).items()
    }


def test_the_next_run_is_about_the_same(tmp_path: Path) -> None:
    said = _said(tmp_path, profile="as_deployed", parameters={"least": 3, "role": "it's; rm"})
    assert said["gonogo_profile"] == "as_deployed"
    assert said["gonogo_parameters"] == {"least": 3, "role": "it's; rm"}


def test_the_next_run_is_about_the_same_history(tmp_path: Path) -> None:
    folder = Migrations(
        "/app/m", "golang_migrate", "app", baseline="/app/b.sql", baseline_version="7"
    )
    said = _said(tmp_path, runbook="derived", migrations=folder)
    assert "gonogo_parameters" not in said
    assert {name: said[f"gonogo_{name}"] for name in ("migration_tool", "migration_schema")} == {
        "migration_tool": "golang_migrate",
        "migration_schema": "app",
    }
    assert (said["gonogo_baseline"], said["gonogo_baseline_version"]) == ("/app/b.sql", "7")


def test_what_is_not_protected_is_rehearsed_by_nobody(tmp_path: Path) -> None:
    """There, the command that rehearses would deploy."""
    path = write_run(tmp_path, status="fail")
    stage_told = _acted(path)
    names = [one["name"] for one in stage_told["actions"]]
    assert "rehearse" not in names
    free = [one["command"] for one in stage_told["actions"] if one["takes"] == NOBODY]
    assert not any("deploy_enabled=true" in command for command in free)
    assert "cleanup" in names


def _acted(path: Path, head: str | None = None) -> dict[str, Any]:
    _judged(path)
    told: Any = stage().act(ExplainTask(str(path), head)).told["explanation"]
    return dict(told)


def _judged(path: Path) -> None:
    if not (path / "verdict.json").exists():
        Run.open(path).publish("verdict.json", canonical.dumps(plain(decided(path))))


def test_rows_and_objects_are_findings(tmp_path: Path) -> None:
    rows, check = explained(write(tmp_path)).findings
    assert (rows.subject, rows.rows, list(rows.objects)) == (
        "public.accounts",
        2,
        ["id=17", "id=42"],
    )
    assert (check.subject, list(check.objects)) == ("D5.1", ["of_account on public.orders: id=7"])


def test_a_command_is_never_cut(tmp_path: Path) -> None:
    long = [f"inventories/{'x' * 200}", "inventories/two"]
    told = explained(write(tmp_path), Caller(inventories=long))
    said = explain.lines(told)
    for one in told.actions:
        assert f"    {one.command}" in said


def test_without_an_inventory_the_environment_says_it(tmp_path: Path) -> None:
    told = explained(write(tmp_path), Caller(inventories=["hosts"], unsaid=True))
    assert all("-i inventories/sandbox" in one.command for one in told.actions[:2])
    assert Caller(unsaid=True).about("db1", "nowhere").inventories == ["INVENTORY"]


@pytest.mark.parametrize("name", ["checks.jsonl", "run.json", "events.jsonl", "verdict.json"])
def test_broken_evidence_is_one_error(tmp_path: Path, name: str) -> None:
    path = write(tmp_path)
    file = path / name
    file.write_bytes(file.read_bytes().replace(b"fail", b"pass").replace(b"db1", b"db2"))
    if name in ("events.jsonl", "verdict.json"):
        file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(GonogoError) as refused:
        stage().act(ExplainTask(str(path), None))
    assert refused.value.hint


def test_another_head_is_an_error_and_its_own_is_none(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(GonogoError, match="other evidence than was meant"):
        stage().act(ExplainTask(str(path), "0" * 64))
    head = explained(path).evidence.head
    assert _acted(path, head)["evidence"]["later"] == []


@pytest.mark.parametrize(
    ("run", "said"),
    [(None, "not said which run"), ("nowhere", "not an evidence directory"), ("\0", "a path")],
)
def test_what_is_no_run_is_one_error(run: str | None, said: str) -> None:
    with pytest.raises(GonogoError, match=said):
        stage().act(ExplainTask(run, None))


def test_a_hostile_text_stays_a_text(tmp_path: Path) -> None:
    path = write_run(tmp_path, text=EVIL, status="fail")
    told = _acted(path)
    line = explain.last_line(told)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == told
    reported = stage().act(ExplainTask(str(path), None))
    assert not any(char in text for text in reported.lines for char in "\x1b\u202e\r\n")


def test_a_program_is_told_why_there_is_nothing() -> None:
    said = json.loads(explain.last_line(None, error="not an evidence directory\nHINT:  ..."))
    assert said == {"format": 1, "error": "not an evidence directory\nHINT:  ..."}
