"""A rollout that is begun again: which hosts are done, and what makes a host one that is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.answers import FoundAnswer, JudgedAnswer
from gonogo.contract.records.deployment import Deployment
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.run import Process
from gonogo.controller.evidence import Run, judgement
from gonogo.controller.stages import continued
from gonogo.controller.stages.continued import Content, came_to, done_by
from gonogo.controller.stages.target import Target
from tests.records import IDENTITY, PLAN, RUN
from tests.unit.deployments import inspection
from tools.direct import Here

NOW = "20260131T130000Z-aaaaaa"
EARLIER = "20260131T120000Z-000001"
JUDGED = {"table public.t": "a" * 64}
BOOK = SimpleNamespace(
    sha256=RUN["runbook_sha256"], profile="target", parameters={"a": 1}, set_criteria={"D8": "none"}
)


def deployed(action: str = "applied", **more: Any) -> Deployment:
    left = {"schema_after": "left"} if action == "applied" else {"schema_before": "left"}
    values: dict[str, Any] = {
        "before": None,
        "after": inspection("applied"),
        "changed": (),
        "error": None,
        "schema_before": None,
        "schema_after": None,
        **left,
        **more,
    }
    return Deployment(action=action, **values)


FOUND = FoundAnswer(
    changed=False,
    held=None,
    others=(),
    found=deployed(schema_before="empty"),
    database_oid=IDENTITY["database_oid"],
)


@dataclass
class Database:
    """A stage, and what the database answers it."""

    runs_dir: Path
    host: str = "db1"
    found: FoundAnswer | GonogoError = FOUND
    judged: dict[str, str] = field(default_factory=lambda: dict(JUDGED))
    asked: list[str] = field(default_factory=list)

    def runbook_of(self, run: Run) -> Any:
        del run
        return BOOK

    def call_with_database(self, entry: str, request: Any, answer: Any) -> Any:
        del answer
        self.asked.append(entry)
        assert request.run_id == NOW
        if entry == "judged":
            return JudgedAnswer(changed=False, judged=self.judged)
        if isinstance(self.found, GonogoError):
            raise self.found
        return self.found


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    decision = SimpleNamespace(decision="GO")
    monkeypatch.setattr(judgement, "confirmed", lambda _path: decision)
    monkeypatch.setattr(continued, "plans", SimpleNamespace(plan=lambda _book: None))
    monkeypatch.setattr(continued, "FoundRequest", SimpleNamespace)
    monkeypatch.setattr(continued, "judged_objects", lambda _book: None)
    return Database(tmp_path / "runs")


def keep(
    database: Database,
    run_id: str = EARLIER,
    *,
    record: Deployment | None = None,
    stages: tuple[str, ...] = ("target", "deploy"),
    criteria: dict[str, str] | None = BOOK.set_criteria,
    observed: Any = IDENTITY,
    **about: Any,
) -> Run:
    run = Run.create(database.runs_dir, "production", run_id)
    target = {**RUN["target"], "inventory_host": "db1", "observed": observed}
    if observed is None:
        del target["observed"]
    said = {"run_id": run_id, "environment": "production", "target": target, "parameters": {"a": 1}}
    run.write_json("run.json", {**RUN, "profile": "target", **said, **about}, stage="target")
    plan = {**PLAN, "stages": [*stages], "set_criteria": criteria}
    run.write_json("plan.json", plan, stage="target")
    run.write_json("deploy.json", plain(record or deployed()), stage="deploy")
    run.write_json("judged.json", JUDGED, stage="phases")
    return run


def content(**changes: Any) -> Content:
    return replace(Content("production", RUN["target"]["login"], BOOK, False), **changes)  # type: ignore[arg-type]


def found(database: Database) -> str | None:
    run = done_by(database, content(), run_id=NOW)  # type: ignore[arg-type]
    return run.run_id if run else None


@pytest.mark.parametrize("action", ["applied", "none"])
def test_a_go_of_the_same_is_done(database: Database, action: str) -> None:
    keep(database, record=deployed(action))
    assert found(database) == EARLIER


def test_without_an_earlier_run_nobody_is_asked(database: Database) -> None:
    assert found(database) is None
    keep(database, target={**RUN["target"], "inventory_host": "db2", "observed": IDENTITY})
    assert found(database) is None
    assert database.asked == []


@pytest.mark.parametrize(
    "about",
    [
        {"runbook_sha256": "0" * 64},
        {"profile": "as_deployed"},
        {"parameters": {"a": 2}},
        {"stages": ("target", "phases")},
        {"protected": True},
        {"criteria": {"D8": "none", "D5": "none"}},
        {"criteria": None},
    ],
)
def test_a_run_of_other_content_is_none(database: Database, about: dict[str, Any]) -> None:
    """Nor is one behind it: the newest has seen the database last."""
    keep(database)
    keep(database, "20260131T123000Z-000002", **about)
    assert found(database) is None
    assert database.asked == []


def test_a_run_that_never_came_to_the_database_says_nothing(database: Database) -> None:
    keep(database)
    keep(database, "20260131T123000Z-000002", observed=None)
    assert found(database) == EARLIER


@pytest.mark.parametrize("decision", ["HOLD", "NO-GO"])
def test_what_is_no_go_is_judged_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    keep(database)
    verdict = SimpleNamespace(decision=decision)
    monkeypatch.setattr(judgement, "confirmed", lambda _path: verdict)
    assert found(database) is None
    assert database.asked == []


def test_evidence_that_was_altered_is_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> Any:
        raise GonogoError(f"{path.name} was altered")

    keep(database)
    monkeypatch.setattr(judgement, "confirmed", refused)
    assert found(database) is None


def _altered(path: Path) -> None:
    file = path / "run.json"
    file.write_text(file.read_text().replace('"keep"', '"rollback"'))


@pytest.mark.parametrize(
    "damaged",
    [
        _altered,
        lambda path: (path / "run.json").write_text("{"),
        lambda path: (path / "run.json").unlink(),
        lambda path: (path / "plan.json").unlink(),
        lambda path: (path / "events.jsonl").write_text(""),
        lambda path: [(path / name).unlink() for name in ("run.json", "events.jsonl")],
    ],
)
def test_behind_a_run_that_nobody_can_read_none_is_done(
    database: Database, damaged: Callable[[Path], object]
) -> None:
    """It may be of this host, and no GO."""
    keep(database)
    damaged(keep(database, "20260131T123000Z-000002").path)
    assert found(database) is None
    assert database.asked == []


def test_a_run_of_another_host_that_is_written_now_says_nothing(database: Database) -> None:
    keep(database)
    target = {**RUN["target"], "inventory_host": "db2", "observed": IDENTITY}
    _altered(keep(database, "20260131T123000Z-000002", target=target).path)
    Run.create(database.runs_dir, "production", "20260131T124000Z-000003")
    assert found(database) == EARLIER


@pytest.mark.parametrize("later", ["undo.json", "restore.json"])
def test_what_was_taken_back_is_not_done(database: Database, later: str) -> None:
    keep(database).write_json(later, {}, stage="undo")
    assert found(database) is None


def changed(name: str) -> Callable[[Database], None]:
    def do(database: Database) -> None:
        record = deployed(schema_before="empty")
        answers: dict[str, FoundAnswer | GonogoError] = {
            "schema": replace(FOUND, found=replace(record, schema_after="another")),
            "state": replace(FOUND, found=replace(record, after=inspection("partial"))),
            "database": replace(FOUND, database_oid=IDENTITY["database_oid"] + 1),
            "somebody is at work": replace(FOUND, found=None),
            "nobody answers": GonogoError("the connection to the host was lost"),
        }
        if name == "judged":
            database.judged["table public.t"] = "b" * 64
        else:
            database.found = answers[name]

    return do


@pytest.mark.parametrize(
    "name",
    ["schema", "state", "database", "somebody is at work", "nobody answers", "judged"],
)
def test_a_database_that_is_another_now_is_judged(database: Database, name: str) -> None:
    keep(database)
    changed(name)(database)
    assert found(database) is None


def test_a_run_that_has_not_kept_its_schema_proves_nothing(database: Database) -> None:
    keep(database, record=deployed("none", schema_before=None))
    assert found(database) is None


# --- hosts that a play leaves out ---------------------------------------------------------------


def came(database: Database, host: str = "db1") -> str | None:
    return came_to(database.runs_dir, content(), host)


def verdict(monkeypatch: pytest.MonkeyPatch, decision: str, sha256: str = BOOK.sha256) -> None:
    found = SimpleNamespace(decision=decision, runbook_sha256=sha256)
    monkeypatch.setattr(judgement, "confirmed", lambda _path: found)


@pytest.mark.parametrize("decision", ["GO", "HOLD", "NO-GO"])
def test_what_a_host_elsewhere_has_come_to(
    database: Database, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    verdict(monkeypatch, decision)
    assert came(database) is None
    keep(database)
    assert came(database) == decision
    assert came(database, "db2") is None
    # Its database is not asked: nobody is to reach it now.
    assert database.asked == []


def test_the_newest_run_counts_there(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict(monkeypatch, "GO")
    keep(database)
    keep(database, "20260131T121500Z-000002", stages=("target",))
    assert came(database) is None
    keep(database, "20260131T122000Z-000003", observed=None)
    assert came(database) is None
    keep(database, "20260131T123000Z-000004")
    assert came(database) == "GO"


def test_where_nothing_was_pending_there_it_is_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict(monkeypatch, "UP-TO-DATE")
    keep(database, stages=("target",))
    assert came(database) == "UP-TO-DATE"


@pytest.mark.parametrize("later", ["undo.json", "restore.json"])
def test_what_was_taken_back_there_is_not_done(
    database: Database, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    verdict(monkeypatch, "GO")
    (keep(database).path / later).write_text("{}")
    assert came(database) is None


def test_other_files_and_altered_evidence_prove_nothing_there(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database)
    verdict(monkeypatch, "GO", "0" * 64)
    assert came(database) is None

    def altered(_path: Path) -> Any:
        raise GonogoError("the evidence is not as the run has left it")

    monkeypatch.setattr(judgement, "confirmed", altered)
    assert came(database) is None


def test_a_host_behind_others_that_are_left_out_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = read(Process, RUN["controller"], file="identity")
    site = Here(identity, gonogo_runs_dir=str(database.runs_dir))
    stage = Target(site)
    stage._require_earlier_waves(content())
    site.left_out = lambda: [["db1"], ["db2"]]  # type: ignore[method-assign]
    verdict(monkeypatch, "GO")
    keep(database)
    with pytest.raises(GonogoError, match="not begun: hosts of an earlier wave") as caught:
        stage._require_earlier_waves(content())
    assert caught.value.detail == "db2 (no verdict on these files)."
    site.variables["gonogo_waves_max_fail"] = 1
    stage._require_earlier_waves(content())
