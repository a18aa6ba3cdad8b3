"""Errors that nobody has foreseen: told as a fault of this project, on either side, and no GO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible.plugins.action import ActionBase

from gonogo.contract import fault
from gonogo.contract.records.backup import BackupRecord
from gonogo.contract.records.ledger import LedgerRow
from gonogo.contract.records.plan import PlanRecord
from gonogo.contract.records.reading import FileRecord
from gonogo.contract.records.run import RunRecord
from gonogo.contract.records.twin import TwinRecord
from gonogo.controller import evidence
from gonogo.controller.ansible.plugin import Plugin
from gonogo.host.answer import answer
from gonogo.host.stages import Entry
from tests.records import BACKUP, PLAN, RUN, TWIN
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
    (event,) = [event for event in evidence.load(run.path).events if event.stage == "example"]
    # Nobody knows how far it came: what it has begun is ended with the run.
    assert event.event == "stage_failed"
    assert event.data["unanswered"] is True


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
        ("facts.json", 7, "It is a number; it should be an object."),
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


# What a run writes, whole.
WHOLE: dict[type[FileRecord], dict[str, Any]] = {
    RunRecord: RUN,
    PlanRecord: PLAN,
    BackupRecord: BACKUP,
    TwinRecord: TWIN,
}


@pytest.mark.parametrize("record", WHOLE, ids=lambda record: record.FILE)
def test_a_record_is_read_as_it_was_written(run: evidence.Run, record: type[FileRecord]) -> None:
    """Byte for byte, so that evidence keeps its digests."""
    run.write_json(record.FILE, WHOLE[record], stage="target")
    before = run.read_bytes(record.FILE)
    run.keep(run.read(record), stage="target")
    assert run.read_bytes(record.FILE) == before


@pytest.mark.parametrize(
    ("record", "key"), [(record, key) for record, whole in WHOLE.items() for key in whole]
)
def test_a_record_lacks_nothing(run: evidence.Run, record: type[FileRecord], key: str) -> None:
    less = {name: value for name, value in WHOLE[record].items() if name != key}
    run.write_json(record.FILE, less, stage="target")
    with pytest.raises(evidence.RecordError) as caught:
        run.read(record)
    assert caught.value.primary == f'{record.FILE} lacks "{key}"'
    found = evidence.load(run.path)
    assert any(text.startswith(f'{record.FILE} lacks "{key}"') for text in found.problems)


@pytest.mark.parametrize(
    ("record", "changes", "detail"),
    [
        (RunRecord, {"target": "sandbox"}, "target is text; it should be an object."),
        (
            RunRecord,
            {"target": {**RUN["target"], "login": None}},
            "target.login is null; it should be an object.",
        ),
        (
            RunRecord,
            {"digests": {**RUN["digests"], "project": []}},
            "digests.project is a list; it should be an object.",
        ),
        (PlanRecord, {"stages": "target"}, "stages is text; it should be a list."),
        (PlanRecord, {"stages": [True]}, "stages[0] is true or false; it should be text."),
        (TwinRecord, {"kept": 1}, "kept is a whole number; it should be an object or null."),
    ],
)
def test_a_value_of_a_record_is_of_its_kind(
    run: evidence.Run, record: type[FileRecord], changes: dict[str, Any], detail: str
) -> None:
    run.write_json(record.FILE, {**WHOLE[record], **changes}, stage="target")
    with pytest.raises(evidence.RecordError) as caught:
        run.read(record)
    assert caught.value.primary == f"{record.FILE} is not as a run writes it"
    assert caught.value.detail == detail


def test_a_line_of_another_kind(run: evidence.Run) -> None:
    row = {"table": "public.x", "key": "1", "label": "x", "phase": "01"}
    run.append_lines("ledger.jsonl", [row], stage="phases")
    with pytest.raises(evidence.RecordError, match=r"ledger\.jsonl is not as a run writes it"):
        run.read_all(LedgerRow)


def test_a_run_that_has_reached_no_database_does_not_say_where_it_is(run: evidence.Run) -> None:
    target = {key: value for key, value in RUN["target"].items() if key != "observed"}
    run.write_json("run.json", {**RUN, "target": target}, stage="target")
    with pytest.raises(evidence.RecordError, match=r'run\.json lacks "target\.observed"'):
        assert run.read(RunRecord).known
