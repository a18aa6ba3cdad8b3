"""Errors that nobody has foreseen: told as a fault of this project, on either side, and no GO."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible.plugins.action import ActionBase

from gonogo.contract import fault
from gonogo.contract.errors import GonogoError
from gonogo.controller import evidence
from gonogo.controller.ansible.plugin import Plugin
from gonogo.host.answer import answer
from gonogo.host.stages import Entry
from tests.unit.test_stage import Example, Work

RUN_ID = "20260131T120000Z-0a1b2c"
OWN = [
    KeyError("getpwuid(): uid not found: 12345"),
    LookupError("run_id"),
    AttributeError("'NoneType' object has no attribute 'x'"),
    TypeError("string indices must be integers"),
    ValueError("could not convert string to float: 'contents of a row'"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    RecursionError("maximum recursion depth exceeded"),
    AssertionError(),
]
names = [type(error).__name__ for error in OWN]


@pytest.fixture
def run(tmp_path: Path) -> evidence.Run:
    return evidence.Run.create(tmp_path / "runs", "sandbox", RUN_ID)


@pytest.mark.parametrize("error", OWN, ids=names)
def test_on_the_controller(
    error: Exception, run: evidence.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails, names the place, and is never said to be about evidence or a file."""
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    example = Example(error)
    monkeypatch.setattr(Work, "find_run", lambda _stage: run)
    told: list[str] = []
    example._display.vvv = told.append
    outcome = example.run()
    assert outcome["failed"] is True
    message = outcome["msg"]
    assert message.startswith(
        f"stage example has failed through a fault of this project ({type(error).__name__})\n"
    )
    assert "evidence" not in message
    assert "contents of a row" not in message
    assert "Traceback" in told[0]
    (event,) = [event for event in evidence.load(run.path).events if event["stage"] == "example"]
    # Nobody knows how far it came: what it has begun is ended with the run.
    assert event["event"] == "stage_failed"
    assert event["data"]["unanswered"] is True


@pytest.mark.parametrize(
    "error",
    [*OWN, psycopg.ProgrammingError("the query has 1 placeholder but 2 parameters were passed")],
    ids=[*names, "ProgrammingError"],
)
def test_on_the_target_host(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_given: Any, **_more: Any) -> dict[str, Any]:
        raise error.with_traceback(None)

    monkeypatch.setattr("gonogo.host.answer.find", lambda _: Entry({}, fails))
    package = {"file": "/nowhere/lib/gonogo.json", "sha256": ""}
    told = answer("files", {}, check_mode=True, package=package, search_path=[])
    assert told["failed"] is True
    primary = told["error"]["primary"]
    assert primary == (
        f"the entry files has failed through a fault of this project ({type(error).__name__})"
    )
    assert "in answer." in told["error"]["detail"]
    # The controller tells it as what it is, and not as an error of the database.
    with pytest.raises(fault.FaultError, match="a fault of this project"):
        Plugin._passed("files", json.loads(json.dumps(told)))


def test_a_lost_connection_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_given: Any, **_more: Any) -> dict[str, Any]:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("gonogo.host.answer.find", lambda _: Entry({}, fails))
    package = {"file": "/nowhere/lib/gonogo.json", "sha256": ""}
    told = answer("files", {}, check_mode=True, package=package, search_path=[])
    assert told["error"]["primary"].startswith("connection lost: server closed")
    assert "traceback" not in told["error"]


def test_a_secret_in_a_traceback_is_not_shown() -> None:
    told = fault.told(ValueError("password=hunter2hunter2 \x1b[2J"), doing="stage target")
    assert "hunter2" not in told.traceback + told.render()
    assert "\x1b" not in told.traceback


# --- evidence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "read", "message"),
    [
        ("run.json", {"run_id": RUN_ID}, lambda r: r["digests"]["project"], 'lacks "digests"'),
        (
            "run.json",
            {"target": {"login": {}}},
            lambda r: r["target"]["observed"],
            'lacks "observed"',
        ),
        ("twin.json", {"proven": True}, lambda r: r["seconds"]["restore"], 'lacks "seconds"'),
        ("undo_plan.json", {"content": ""}, lambda r: r["expires_at"], 'lacks "expires_at"'),
        ("schema.json", {}, lambda r: r["public.x"], 'lacks "public.x"'),
    ],
)
def test_a_key_that_a_file_lacks(
    run: evidence.Run, name: str, value: Any, read: Any, message: str
) -> None:
    """It is an error of that file, by its name."""
    run.write_json(name, value, stage="target")
    record = run.read_json(name)
    with pytest.raises(evidence.RecordError, match=message) as caught:
        read(record)
    assert caught.value.primary.startswith(f"{name} lacks")
    assert "another version of this project" in str(caught.value.hint)
    assert record.get("nowhere") is None
    assert record == value


@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("run.json", {"target": "sandbox"}, "target is text; it should be an object."),
        ("run.json", {"target": {"login": None}}, "target.login is null; it should be an object."),
        ("run.json", {"digests": {"project": []}}, "digests.project is a list;"),
        ("run.json", [], "It is a list; it should be an object."),
        ("facts.json", 7, "It is a number; it should be an object."),
        ("plan.json", {"stages": "target"}, "stages is text; it should be a list."),
        ("plan.json", {"stages": [True]}, "stages[0] is true or false; it should be text."),
        ("twin.json", {"kept": 1}, "kept is a number; it should be an object or null."),
        (
            "deploy.json",
            {"statements": [{"file": 1}]},
            "statements[0].file is a number; it should be text.",
        ),
        ("restore_plan.json", {"holds": None}, "holds is null; it should be an object."),
    ],
)
def test_a_value_of_another_kind(run: evidence.Run, name: str, value: Any, detail: str) -> None:
    run.write_json(name, value, stage="target")
    with pytest.raises(evidence.RecordError) as caught:
        run.read_json(name)
    assert caught.value.primary == f"{name} is not as a run writes it"
    assert detail in str(caught.value.detail)


def test_a_line_of_another_kind(run: evidence.Run) -> None:
    run.write("ledger.jsonl", '{"table": "public.x", "key": "1"}\n', stage="phases")
    with pytest.raises(evidence.RecordError, match=r"ledger\.jsonl is not as a run writes it"):
        run.read_lines("ledger.jsonl")


def test_what_stages_read_of_each_other_is_of_its_shape(run: evidence.Run) -> None:
    """A key that nobody has written yet is none of another kind."""
    run.write_json("twin.json", {"seconds": None, "kept": {"login": {}}}, stage="twin")
    assert run.read_json("twin.json")["kept"]["login"] == {}
    with pytest.raises(GonogoError, match=r'twin\.json lacks "db"'):
        run.read_json("twin.json")["kept"]["login"]["db"]
    assert os.path.lexists(run.path / "twin.json")
