"""What a migration tool's command has said, as one migration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.twin import CaptureRequest, TwinRequest
from gonogo.contract.records.answers import CaptureAnswer
from gonogo.contract.records.captured import CapturedRecord, CommandRun, RecordTable, Said
from gonogo.contract.records.drift import Deviation, Drift, ReplayPlan
from gonogo.contract.records.history import HistoryRecord
from gonogo.contract.records.plan import PlanRecord
from gonogo.contract.records.reading import plain, read
from gonogo.controller.evidence import Run
from gonogo.controller.request import Asked
from gonogo.controller.runbook import source
from gonogo.controller.runbook.captured import Script, script, settled
from gonogo.controller.stages.capture import (
    SCHEMA,
    captured,
    drift_of,
    environment,
    require_same,
)
from tests.records import PLAN, check


def _said(*texts: str | tuple[str, ...], session: int = 0, tags: str = "") -> list[Said]:
    """One statement after another; the values of one stand behind it."""
    found = []
    for number, one in enumerate(texts):
        text, *values = [one] if isinstance(one, str) else one
        found.append(
            Said(
                session=session,
                number=number,
                group=number,
                inside=False,
                text=text,
                values=values,
                tags=[tags] if tags else [],
                failed=False,
                copied=False,
                call=False,
            )
        )
    return found


def _run(
    said: Sequence[Said],
    settings: Sequence[Mapping[str, str]] = ({}, {}),
    acting: Sequence[str] = (),
) -> CommandRun:
    return CommandRun(
        said=said,
        settings=settings,
        acting=acting,
        tables=(),
        changed={},
        confined=True,
        unconfined=None,
        seconds=0.0,
    )


def _lines(found: Script) -> list[str]:
    return [line.text for line in found.lines]


def test_what_only_reads_is_left_out() -> None:
    said = _said(
        "SELECT now()",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW timezone",
        "EXPLAIN SELECT 1",
        "SELECT audit('x')",
        "SELECT * INTO copied FROM t",
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    )
    assert _lines(script(_run(said, acting=["audit"]))) == [one.text for one in said[4:]]


def test_values_stand_in_their_places() -> None:
    said = _said(("INSERT INTO t VALUES ($1, '$1', $2) -- $1", "'a'::text", "NULL"))
    assert _lines(script(_run(said))) == ["INSERT INTO t VALUES (('a'::text), '$1', (NULL))"]


def test_what_was_rolled_back_is_left_out() -> None:
    said = _said(
        *("BEGIN", "CREATE TABLE a (x int)", "ROLLBACK"),
        *("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "CREATE TABLE b (x int)"),
        *("SAVEPOINT s", "CREATE TABLE c (x int)", "ROLLBACK TO SAVEPOINT s"),
        *("CREATE TABLE d (x int)", "RELEASE s", "COMMIT"),
        *("BEGIN", "CREATE TABLE e (x int)"),
    )
    assert _lines(script(_run(said))) == [
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "CREATE TABLE b (x int)",
        "CREATE TABLE d (x int)",
        "COMMIT",
    ]


def test_commit_of_what_has_failed_is_no_commit() -> None:
    said = _said("BEGIN", "CREATE TABLE a (x int)")
    said += [replace(one, number=9, group=9) for one in _said("COMMIT", tags="ROLLBACK")]
    assert _lines(script(_run(said))) == []


def test_settings_stand_in_front_of_what_they_are_for() -> None:
    began = {"search_path": "app", "application_name": "x", "options": "-c TimeZone=UTC"}
    said = _said(
        "SET client_min_messages TO warning",
        "SELECT pg_catalog.set_config('DateStyle', 'ISO', false)",
        "BEGIN",
        "SET LOCAL lock_timeout = '1s'",
        "CREATE TABLE a (x int)",
        "COMMIT",
        "SET statement_timeout = 0",
    )
    found = script(_run(said, [began], acting=["set_config"]))
    assert _lines(found) == [
        "SET \"TimeZone\" TO 'UTC'",
        "SET \"search_path\" TO 'app'",
        "SELECT pg_catalog.set_config('DateStyle', 'ISO', false)",
        "BEGIN",
        "SET LOCAL lock_timeout = '1s'",
        "CREATE TABLE a (x int)",
        "COMMIT",
    ]
    assert found.statements == 2


def test_several_sessions_are_told_in_the_order_of_their_commits() -> None:
    first = _said("BEGIN", "CREATE TABLE a (x int)", "COMMIT")
    second = _said("BEGIN", "CREATE TABLE b (x int)", "COMMIT", session=1)
    mixed = [first[0], second[0], second[1], first[1], second[2], first[2]]
    assert _lines(script(_run(mixed)))[1::3] == ["CREATE TABLE b (x int)", "CREATE TABLE a (x int)"]
    with pytest.raises(GonogoError, match="sessions with different settings"):
        script(_run(mixed, [{"search_path": "a"}, {"search_path": "b"}]))


REFUSED = {
    "streamed rows into COPY": replace(_said("COPY t FROM STDIN")[0], copied=True),
    "called a function without SQL": replace(_said("")[0], call=True),
    "two-phase commit": _said("PREPARE TRANSACTION 'x'")[0],
    "a transaction of a kind": _said("COMMIT AND CHAIN")[0],
    "cannot be read": _said("SELECT 'x")[0],
    "failed between their transactions": replace(_said("BEGIN; SELECT 1")[0], failed=True),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_told_again_is_refused(words: str) -> None:
    with pytest.raises(GonogoError) as caught:
        script(_run([REFUSED[words]]))
    assert words in caught.value.primary


def _both(first: str, second: str) -> tuple[Script, list[str]]:
    return settled(script(_run(_said(first))), script(_run(_said(second))), ["own_record"])


def test_in_the_tool_s_own_record_values_may_differ() -> None:
    row = "INSERT INTO public.django_migrations VALUES (1, '{}'::timestamptz, '{}')"
    found, own = _both(
        row.format("2026-01-01 10:00:00+00", "a"), row.format("2026-01-01 10:00:07+00", "b")
    )
    assert _lines(found) == [
        "INSERT INTO public.django_migrations VALUES (1, now()::timestamptz, 'a')"
    ]
    assert len(own) == 1
    update = 'UPDATE "Own_Record" SET n = {}'
    found, _ = _both(update.format(1), update.format(2))
    assert _lines(found) == [update.format(1)]


DIFFERENT = {
    "rows of the application": ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"),
    "another form": ("DELETE FROM migrations", "DELETE FROM migrations WHERE id = 1"),
    "one is missing": ("CREATE TABLE a (x int)", "SELECT 1"),
}


@pytest.mark.parametrize("words", DIFFERENT)
def test_everywhere_else_they_may_not(words: str) -> None:
    with pytest.raises(GonogoError, match="does not do the same twice") as caught:
        _both(*DIFFERENT[words])
    assert DIFFERENT[words][0] in str(caught.value.detail)


ASKED: dict[str, dict[str, object]] = {
    "needs the folder": {"gonogo_migrate_command": ["x"]},
    "must be a list of words": {"gonogo_migrate_command": "x y", "gonogo_migrations": "m"},
    "be a list of words": {"gonogo_migrate_command": ["x", 1], "gonogo_migrations": "m"},
}


@pytest.mark.parametrize("words", ASKED)
def test_what_is_no_command_is_refused(words: str) -> None:
    names = ("runbook", "environment", "profile", "residue", "runs_dir")
    values = {"gonogo_login": {}, **dict.fromkeys((f"gonogo_{name}" for name in names), "x")}
    with pytest.raises(InputError, match=words):
        Asked.of({**values, **ASKED[words]})


@pytest.mark.parametrize("given", [{"A=B": "x"}, {"": "x"}, {"A": ["x"]}, {"A": "\0"}])
def test_what_is_no_variable_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        environment(given)
    assert environment({"A": 5}) == {"A": "5"}


_CAPTURED = CapturedRecord(
    command=("x",),
    text="",
    sha256="",
    statements=1,
    own=(),
    tables=(),
    confined=True,
    unconfined=None,
    seconds=(0.0, 0.0),
)
_TABLE, _RIGHTS = "table public.a", "privileges of table public.a"
_LEFT = {_TABLE: "x int", _RIGHTS: "of one login", "table public.b": None}
UNLIKE: dict[str, tuple[list[str], dict[str, str]]] = {
    "table public.b": ([_TABLE, _RIGHTS], {_TABLE: "x int"}),
    "table public.c": ([*_LEFT, "table public.c"], {_TABLE: "x int", "table public.c": ""}),
    _TABLE: ([*_LEFT], {_TABLE: "x bigint"}),
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path, "staging", "20260101T000000Z-000001")
    made.write_json(SCHEMA, _LEFT, stage="twin")
    made.keep(_CAPTURED, stage="twin")
    return made


@pytest.mark.parametrize("words", UNLIKE)
def test_what_changes_the_schema_otherwise_is_refused(run: Run, words: str) -> None:
    with pytest.raises(GonogoError, match="does not change the schema") as caught:
        require_same(run, *UNLIKE[words])
    assert caught.value.detail == words


def test_what_changes_the_schema_alike_is_not(run: Run, tmp_path: Path) -> None:
    require_same(run, [*_LEFT], {_TABLE: "x int", _RIGHTS: "of another login"})
    none = Run.create(tmp_path, "staging", "20260101T000000Z-000002")
    require_same(none, ["table public.z"], {})


# --- a command that changes nothing ---------------------------------------------------------------


class Host:
    """A stage whose target host answers so."""

    stage = "twin"

    def __init__(self, folder: Path, *answers: CaptureAnswer) -> None:
        self._folder = folder
        self._answers = [*answers]
        self.asked: list[CaptureRequest] = []

    def runbook_of(self, run: Run) -> Any:
        del run
        found = source.read(self._folder, tool="auto", schema="app", command=["alembic", "upgrade"])
        return SimpleNamespace(source=found, plan=self._plan)

    @staticmethod
    def _plan(*, stages: Sequence[str]) -> PlanRecord:
        """Without what is asked of a migration alone."""
        return read(PlanRecord, {**PLAN, "stages": stages, "checks": []}, file="plan.json")

    def call_with_database(self, entry: str, asked: CaptureRequest, answer: Any) -> CaptureAnswer:
        assert (entry, answer) == ("capture", CaptureAnswer)
        self.asked.append(asked)
        return self._answers.pop(0)


DRIFTED = Drift(migrations=1, compared=7, before=(Deviation("missing", "table app.t", "t", None),))


def test_one_that_changes_nothing_leaves_nothing_pending_and_is_asked_for_the_history(
    tmp_path: Path,
) -> None:
    run = Run.create(tmp_path, "sandbox", "20260131T120000Z-0a1b2c")
    stages = ["target", "twin", "rehearsal", "deploy", "phases", "verdict"]
    waived = {"check": "N1.1", "owner": "dewi", "reason": "known", "expires": "2030-01-01"}
    about = {"stages": stages, "checks": [check("D8.2")], "waivers": [waived]}
    run.write_json("plan.json", {**PLAN, **about}, stage="target")
    (tmp_path / "application").mkdir()
    record = RecordTable("app", "alembic_version", "ab" * 32, "ab" * 32)
    one = replace(_run(_said("SET lock_timeout = 5", "SELECT 1")), tables=(record,))
    host = Host(
        tmp_path / "application",
        CaptureAnswer(changed=True, runs=(one, one)),
        CaptureAnswer(changed=True, runs=(), drift=DRIFTED),
    )
    asked = CaptureRequest({}, run.run_id, TwinRequest({}, run.run_id, "/x"), ["x"], "", "", 1.0)
    twin = SimpleNamespace(proven=True, method="cluster")
    lines = captured(host, run, twin, asked)  # type: ignore[arg-type]
    assert lines == [
        "The command changes nothing: there is no migration to be deployed and judged."
    ]
    # That its record says so is not believed: it is run on an empty database as well.
    assert [request.history is None for request in host.asked] == [True, False]
    assert host.asked[1].history == ReplayPlan("", "app", (("app", "alembic_version"),))
    plan = run.read(PlanRecord)
    assert plan.nothing_pending
    assert [*plan.stages] == [stage for stage in stages if stage != "deploy"]
    assert [*plan.checks] == []
    assert [one.check for one in plan.waivers] == ["N1.1"]
    found = run.read(CapturedRecord)
    assert (found.statements, found.text) == (0, "")
    assert [*run.read(HistoryRecord).pending] == []
    assert source.heard(host.runbook_of(run).source, found).migrations == ()
    assert drift_of(run) == read(Drift, plain(DRIFTED), file="drift")


def test_without_it_the_history_is_not_known(run: Run) -> None:
    assert drift_of(run) is None
