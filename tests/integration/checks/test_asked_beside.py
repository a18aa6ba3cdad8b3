"""Several sessions ask beside the one that runs the scripts: the same answers, in one order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.login import Timeouts
from gonogo.contract.records.phase import PhaseOutcome
from gonogo.contract.records.reading import plain
from gonogo.host.checks import beside
from gonogo.host.checks.phases import run_phases
from gonogo.host.session import lock
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.checks.test_derived import AFTER, BEFORE, DERIVED
from tests.integration.checks.test_rows_first import WRONG
from tests.integration.support import scripts
from tests.integration.support.harness import PROJECT, Controller, Database

Make = Callable[..., Database]

_RUN = ("-i", "inventories/sandbox", "validate_staging.yml", "-e", "gonogo_profile=target")
_TIMEOUTS = Timeouts(lock="5s", statement="2min", idle_in_transaction="1min")
_MEASURED = re.compile(r"\d+(\.\d+)? ms")
_KEYS = scripts.Suite(
    directory=PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"
)
_MASTER = scripts.PHASES[1:]
_QUESTIONS = 18
_V41 = "setup the rows that V4.1 is about"


def _run(
    database: Database,
    directory: Path,
    jobs: int,
    *,
    suite: scripts.Suite | None = None,
    before: Sequence[str] = (scripts.PREFLIGHT,),
    phases: Sequence[str] = _MASTER,
    told: list[str] | None = None,
) -> list[PhaseOutcome]:
    suite = suite or scripts.Suite(profile=database.profile)

    def ask(names: Sequence[str], facts: dict[str, Any], jobs: int) -> list[PhaseOutcome]:
        return run_phases(
            lambda _: connect(database.login(), name="", timeouts=_TIMEOUTS),
            stage="phases",
            scripts=suite.scripts(names, facts),
            directory=directory,
            jobs=jobs,
            told=(list[str]() if told is None else told).append,
        )

    looked_up = ask(before, {}, 1)
    facts = {key: value for one in looked_up for key, value in one.facts.items()}
    return ask(phases, facts, jobs)


def _said(outcomes: Sequence[PhaseOutcome]) -> list[dict[str, Any]]:
    """All that a run keeps of them, without times and what follows from the time."""
    found = []
    for outcome in outcomes:
        said = plain(outcome)
        del said["seconds"]
        for result in [*said["checks"], *said["races"]]:
            del result["seconds"]
            if result["check_id"].startswith("N1."):
                result["observed"] = _MEASURED.sub("n ms", result["observed"])
        found.append(said)
    return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions other sessions have answered, each time that they were asked."""
    numbers: list[int] = []
    ask = beside.asked

    def asked(*arguments: Any, **options: Any) -> Any:
        found = ask(*arguments, **options)
        numbers.append(sum(map(len, found.values())))
        return found

    monkeypatch.setattr(beside, "asked", asked)
    return numbers


@pytest.mark.parametrize("residue", ["rollback", pytest.param("keep", marks=pytest.mark.attack)])
def test_the_same_answers(
    make_database: Make, tmp_path: Path, counted: list[int], residue: str
) -> None:
    suite = scripts.Suite(residue=residue)
    alone = _run(make_database(), tmp_path, 1, suite=suite)
    assert sum(counted) == 0
    together = _run(make_database(), tmp_path, 2, suite=suite)
    assert _said(together) == _said(alone)
    assert sum(counted) == _QUESTIONS, counted


@pytest.mark.attack
def test_the_same_answers_where_rows_are_wrong(make_database: Make, tmp_path: Path) -> None:
    found = []
    for jobs in (1, 2, 4):
        database = make_database()
        with database.owner() as owner:
            for wrong in {one.damage: one for one in WRONG.values()}.values():
                owner.execute(wrong.damage.encode())
        found.append(_said(_run(database, tmp_path, jobs)))
    assert found[1] == found[0]
    assert found[2] == found[0]
    statuses = {one["check_id"]: one["status"] for said in found[0] for one in said["checks"]}
    # One that is repaired by another is left out.
    failed = {check for check in WRONG if statuses[check] == "fail"}
    assert failed >= {"C1.6", "C5.4", "V4.1", "V2.2", "I3.3"}, statuses


@pytest.mark.parametrize(
    ("suite", "before", "phases"),
    [
        (_KEYS, ("00_preflight",), ("02_foreign_keys", "03_refusals")),
        pytest.param(DERIVED, BEFORE, AFTER, marks=pytest.mark.attack),
    ],
    ids=["keys", "derived"],
)
def test_the_same_answers_of_other_runbooks(
    database: Database,
    tmp_path: Path,
    suite: scripts.Suite,
    before: Sequence[str],
    phases: Sequence[str],
) -> None:
    asked = [_run(database, tmp_path, n, suite=suite, before=before, phases=phases) for n in (1, 2)]
    assert _said(asked[1]) == _said(asked[0])
    assert not [outcome.error for outcome in asked[0] if outcome.error]


def test_all_sessions_see_one_moment(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = beside.ask_all

    def later(others: Sequence[Any], *arguments: Any) -> None:
        assert len(others) == 3
        with database.owner() as owner:
            owner.execute(WRONG["C5.4"].damage.encode())
        ask(others, *arguments)

    monkeypatch.setattr(beside, "ask_all", later)
    phases = ["03_isolation_runtime_C5_C6", "04_invariants"]
    outcomes = _run(database, tmp_path, 3, phases=phases)
    found = {one.check_id: one for outcome in outcomes for one in outcome.checks}
    for check in ("C5.4", "V4.1"):
        assert found[check].status == "fail"
        assert "and not before test rows were made" in str(found[check].observed)


def test_a_question_that_the_server_refuses_ends_its_script_there(
    make_database: Make, tmp_path: Path
) -> None:
    found = []
    for jobs in (1, 2):
        database = make_database()
        with database.owner() as owner:
            owner.execute(f"REVOKE ALL ON public.workflow_stages FROM {logins.OWNER}".encode())
        found.append(_said(_run(database, tmp_path, jobs, phases=["04_invariants"])))
    assert found[0] == found[1]
    (outcome,) = found[1]
    assert outcome["error"]["block"] == "setup the rows that V3.4 is about"
    assert outcome["error"]["sqlstate"] == "42501"


def _ended(connection: Any, database: Database) -> None:
    with database.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


def test_a_session_that_is_ended_ends_the_script_of_its_question(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = beside.Asking.answer

    def ended(self: Any, block: Any) -> Any:
        if f"setup {block.words}" == _V41:
            _ended(self._connection, database)
        return answer(self, block)

    monkeypatch.setattr(beside.Asking, "answer", ended)
    *earlier, fourth, fifth, sixth = _run(database, tmp_path, 2)
    assert [outcome.error for outcome in earlier] == [None] * 4
    assert fourth.error is not None
    assert (fourth.error.sqlstate, fourth.error.block) == ("57P01", _V41)
    assert [outcome.why for outcome in (fifth, sixth)] == ["script 04_invariants ended early"] * 2


@pytest.mark.attack
def test_what_an_ended_session_has_not_asked_others_ask(
    make_database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[int]
) -> None:
    alone = _said(_run(make_database(), tmp_path, 1))
    database, ended = make_database(), list[int]()
    passed = beside.Asking.go_past

    def end(self: Any, number: int) -> None:
        if not ended:
            ended.append(number)
            _ended(self._connection, database)
        passed(self, number)

    monkeypatch.setattr(beside.Asking, "go_past", end)
    assert _said(_run(database, tmp_path, 2)) == alone
    assert sum(counted) == _QUESTIONS


@pytest.mark.attack
def test_code_that_changes_the_session_is_noticed_there(
    make_database: Make, tmp_path: Path
) -> None:
    """It runs where the question is planned, and is noticed where the script goes on."""
    found = []
    for jobs in (1, 2):
        database = make_database()
        with database.owner() as owner:
            owner.execute(
                "CREATE FUNCTION public.planned(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE"
                " AS $$ BEGIN IF to_regclass('pg_temp.rows_first') IS NOT NULL THEN"
                " PERFORM set_config('gonogo.session', 'SELECT 1', false); END IF;"
                " RETURN true; END $$;"
                "CREATE INDEX ON public.workflow_stages (id) WHERE public.planned(1)"
            )
        (outcome,) = _run(database, tmp_path, jobs, phases=["06_contradictions"])
        assert outcome.error is not None
        found.append((outcome.error.message, outcome.error.block, plain(outcome)["checks"]))
    assert found[0] == found[1]
    assert "code of the database has changed the session that judges" in found[0][0]


def test_no_connection_is_left(database: Database, tmp_path: Path, counted: list[int]) -> None:
    alone = _said(_run(database, tmp_path, 1))
    told: list[str] = []
    with database.admin() as admin:
        # One for the scripts, and one more, which alone would be no help.
        admin.execute(f'ALTER DATABASE "{database.name}" CONNECTION LIMIT 2'.encode())
        outcomes = _run(database, tmp_path, 4, phases=["06_contradictions"], told=told)
        admin.execute(f'ALTER DATABASE "{database.name}" CONNECTION LIMIT -1'.encode())
    assert _said(outcomes) == alone[-1:]
    assert sum(counted) == 0
    assert len(told) == 1
    assert "too many connections" in told[0]


@pytest.mark.attack
def test_nothing_is_left_of_the_sessions(database: Database, tmp_path: Path) -> None:
    _run(database, tmp_path, 4)
    with database.admin() as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND usename = %s",
            [logins.OWNER],
        ).fetchone()
    assert row == (0,)


def test_the_fence_ends_them_with_their_run(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, run_id, ended = database.login(), "20260131T120000Z-bebebe", list[str]()
    ask = beside.ask_all

    def fenced(others: Sequence[Any], *arguments: Any) -> None:
        with connect(login, name="a later run") as later:
            ended.extend(lock.fence(later, run_ids=[run_id]))
        ask(others, *arguments)

    suite = scripts.Suite()
    looked_up = scripts.by_module(database, suite.scripts([scripts.PREFLIGHT], {}), tmp_path)
    assert lock.acquire(login, run_id=run_id, lease=60) is None
    monkeypatch.setattr(beside, "ask_all", fenced)
    outcomes = run_phases(
        lambda name: lock.session(login, run_id=run_id, stage=name, called=""),
        stage="phases",
        scripts=suite.scripts(_MASTER, looked_up.facts),
        directory=tmp_path,
        jobs=3,
    )
    # Three that ask, that of the scripts, and who holds the lock.
    assert len(ended) == 5, ended
    (outcome,) = outcomes
    assert outcome.error is not None
    assert not outcome.checks


@pytest.mark.attack
def test_a_fault_in_one_session_ends_the_others(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = beside.Asking.answer

    def wrong(self: Any, block: Any) -> Any:
        if block.words == "C5.1":
            raise LookupError(block.words)
        return answer(self, block)

    monkeypatch.setattr(beside.Asking, "answer", wrong)
    with pytest.raises(LookupError):
        _run(database, tmp_path, 2)


@pytest.mark.attack
def test_a_run_says_the_same(make_database: Make, controller: Controller) -> None:
    found = []
    for jobs in (1, 2):
        controller.aim(make_database())
        outcome = controller.play(*_RUN, "-e", f"phases_jobs={jobs}")
        assert outcome.verdict["decision"] == "GO", outcome.output
        lines = (outcome.evidence / "checks.jsonl").read_text().splitlines()
        found.append([(line["check_id"], line["status"]) for line in map(json.loads, lines)])
    assert found[0] == found[1]
