"""What a report says before it is laid out: why, what came of it, which rows, what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from gonogo.contract import canonical
from gonogo.contract.errors import InputError
from gonogo.contract.records.check_result import CheckResult
from gonogo.contract.records.deployment import Deployment
from gonogo.contract.records.event import Event
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.rehearsal import Rehearsal
from gonogo.contract.records.verdict import Condition, Reason, VerdictRecord
from gonogo.controller.evidence import load
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.report import next_steps, view
from gonogo.controller.report.causes import Causes
from gonogo.controller.report.findings import all_of, findings
from gonogo.controller.report.page import CheckLine, Finding, Page, Sentence
from gonogo.controller.report.results import came_to, check_lines, score_cells
from gonogo.controller.report.results import decided as deciding
from gonogo.controller.report.timeline import time_line
from gonogo.controller.report.why import became, outlook, rests_on, why
from gonogo.controller.request import waivers
from tests.records import PLAN
from tests.records import check as planned
from tests.unit.deployments import deployment, trace
from tests.unit.test_report import write_run


def page(path: Path) -> Page:
    return view.page_of(load(path), decided(path))


def reason(code: str, subject: str, text: str, **more: Any) -> Reason:
    severity = more.pop("severity", "no_go")
    known: dict[str, Any] = dict.fromkeys(("expected", "observed", "hint"))
    return Reason(code, severity, subject, text, **{**known, **more})


def line(check_id: str, status: str = "fail", **changes: Any) -> CheckLine:
    values: dict[str, Any] = {
        "id": check_id,
        "title": f"Title of {check_id}",
        "criterion": "C1",
        "phase": "01",
        "status": status,
        "examined": "7",
        "seconds": "0.100",
        "expected": "none",
        "observed": "2 rows",
        "samples": ["a", "b"],
        "remedy": "Mend it.",
        "counts": True,
        "notes": [],
        "anchor": f"check-{check_id}",
        "on_copy": False,
    }
    return CheckLine(**{**values, **changes})


@pytest.fixture
def verdict(tmp_path: Path) -> VerdictRecord:
    return replace(decided(tmp_path / "nowhere"), reasons=[], conditions=[], would_change=[])


def said(found: Sequence[Sentence]) -> list[str]:
    return [one.text for one in found]


# --- why ----------------------------------------------------------------------------------------


def test_the_first_sentence_names_check_finding_and_rows(verdict: VerdictRecord) -> None:
    failed = reason(
        "check_fail", "C1.1", "Title of C1.1: failed", observed="2 of 9 rows;\na is odd"
    )
    first, last = why(replace(verdict, reasons=[failed]), [line("C1.1")], "Nothing was deployed")
    assert (first.word, first.tone, first.subject, first.link) == (
        "NO-GO",
        "bad",
        "C1.1",
        "#check-C1.1",
    )
    assert (first.text, first.found) == ("failed: Title of C1.1.", "2 of 9 rows; a is odd")
    # What was found names a already.
    assert first.which == ["b"]
    assert last.text == "Nothing was deployed."


def test_there_are_five_sentences_at_most(verdict: VerdictRecord) -> None:
    many = [reason("check_fail", f"C1.{n}", "failed") for n in range(9)]
    found = why(replace(verdict, reasons=many), [], "Nothing was deployed")
    assert [one.subject for one in found] == ["C1.0", "C1.1", "C1.2", "", ""]
    assert (found[3].text, found[3].link) == ("6 more findings below.", "#findings")
    four = why(replace(verdict, reasons=many[:4]), [], "Nothing was deployed")
    assert [one.subject for one in four] == ["C1.0", "C1.1", "C1.2", "C1.3", ""]


def test_what_did_not_run_is_in_the_last_sentence_and_only_there(verdict: VerdictRecord) -> None:
    reasons = [
        reason("rehearsal_check_fail", "C1.1", "tried on a copy: T: failed", observed="x is open"),
        # Why the stage failed was just said.
        reason(
            "stage_failed",
            "rehearsal",
            "stage failed: tried on a copy: T: failed; nothing was deployed",
            severity="hold",
            observed="x is open",
        ),
        reason("stage_not_run", "deploy", "stage did not run", severity="hold"),
        reason("check_not_run", "C1.2", "did not run", severity="hold"),
        reason("check_not_run", "C1.3", "did not run", severity="hold"),
    ]
    checks = [line("C1.1", "not_run", on_copy=True)]
    found = why(replace(verdict, reasons=reasons), checks, "Nothing was deployed")
    assert said(found) == [
        "failed on a copy of the database: Title of C1.1.",
        "Nothing was deployed; stages that did not run: deploy; 2 checks did not run.",
    ]


def test_a_stage_that_failed_is_told_by_its_message(verdict: VerdictRecord) -> None:
    one = reason("stage_failed", "target", "stage failed: no such host", severity="hold")
    first, _ = why(replace(verdict, reasons=[one]), [], "Nothing was deployed")
    assert (first.word, first.subject, first.text) == (
        "HOLD",
        "stage target",
        "failed: no such host.",
    )


def test_where_nothing_has_run_that_is_why(verdict: VerdictRecord) -> None:
    silent = [reason("stage_not_run", "backup", "stage did not run", severity="hold")]
    first, _ = why(replace(verdict, reasons=silent), [], "Nothing was deployed")
    assert (first.word, first.text) == ("HOLD", "Did not run: backup.")


def test_a_go_says_what_it_is_worth(verdict: VerdictRecord) -> None:
    note = Condition("informational", "N1.1", "Third: failed; does not count")
    checks = [line("C1.1", "pass"), line("N1.1")]
    found = why(replace(verdict, conditions=[note]), checks, "Nothing was deployed")
    assert said(found) == [
        "All checks that count have passed, 1 of 2 in all; nothing is unknown.",
        "Nothing was deployed.",
        "Third: failed; does not count.",
    ]
    assert (found[2].subject, found[2].link) == ("N1.1", "#check-N1.1")
    assert said(why(verdict, checks[:1], "Done"))[0].startswith("All 1 check have passed")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            deployment(statements=[trace()], seconds=3.0),
            "The migration was applied in 3.0 s; "
            "reads and writes of a.b had to wait longest, 2.5 s",
        ),
        (
            deployment(statements=[trace(waits=[])], seconds=3.0),
            "The migration was applied in 3.0 s; nothing that was there had to wait",
        ),
        (deployment("none"), "The migration was there already: nothing was applied"),
        (deployment("failed"), "The deployment failed; the schema is as it was"),
        (
            deployment("failed", changed=None),
            "The deployment failed; nobody knows what it has left",
        ),
        (
            deployment("failed", changed=["table a.b"]),
            "The deployment failed and has left changes in the schema: table a.b",
        ),
        (deployment("refused"), "Nothing was deployed"),
        (None, "Nothing was deployed"),
    ],
)
def test_what_became_of_the_database(record: Deployment | None, words: str) -> None:
    assert became(None, record, None) == words


def test_what_is_to_be_mended_comes_before_what_is_to_run(verdict: VerdictRecord) -> None:
    sentences = [
        "HOLD if C1.1 passes",
        "GO needs that stage deploy runs and passes",
        "GO needs that C1.1 passes: Mend it.",
        "GO needs that C1.2, C1.3 run and pass",
    ]
    first, rest = outlook(replace(verdict, would_change=sentences))
    assert (first, rest) == ([sentences[0], sentences[2]], [sentences[1], sentences[3]])
    silent = replace(verdict, would_change=[sentences[1]])
    assert outlook(silent) == ([sentences[1]], [])


# --- checks and findings ------------------------------------------------------------------------


def test_every_check_has_one_anchor_and_every_link_leads_to_one(tmp_path: Path) -> None:
    found = page(write_run(tmp_path, status="fail"))
    rows = [row[0] for row in found.all_checks.rows]
    anchors = [one.anchor for one in found.findings if one.anchor]
    anchors += [cell.anchor for cell in rows if cell.anchor]
    assert sorted(anchors) == sorted(check.anchor for check in found.checks)
    links = [one.link for one in found.why if one.link]
    links += [one.link for one in found.cells]
    links += [cell.link for cell in rows if cell.link]
    assert {link.removeprefix("#") for link in links} <= {*anchors, "findings", "checks"}


def test_anchors_of_strange_ids_are_plain_and_differ(tmp_path: Path) -> None:
    found = load(write_run(tmp_path))
    assert found.plan is not None
    ids = ["C1.1", 'C"1><script>', "C1.1", "", "ü"]
    checks = read(type(found.plan), {**PLAN, "checks": [planned(one) for one in ids]}, file="p")
    found.plan = checks
    anchors = [one.anchor for one in check_lines(found, decided(found.path), None)]
    assert anchors == ["check-C1.1", "check--2", "check--3", "check--4", "check--5"]


def test_a_cell_leads_to_the_worst_check_of_all_its_parts(tmp_path: Path) -> None:
    found = load(write_run(tmp_path, status="fail"))
    lines = [line("C1.2", "pass"), line("C1.1"), line("C1.3")]
    c1, e1 = score_cells(found, decided(found.path), lines, frozenset({"check-C1.3"}))
    assert (c1.name, c1.status, c1.link) == ("C1", "fail", "#check-C1.3")
    # An indicator is made of others.
    assert (e1.name, e1.title, e1.link) == ("E1", "Indicator", "#check-C1.3")
    none = score_cells(found, decided(found.path), [], frozenset())
    assert [one.link for one in none] == ["#checks", "#checks"]


def test_what_failed_comes_first_then_the_order_of_the_plan(tmp_path: Path) -> None:
    rows = page(write_run(tmp_path, status="inconclusive")).all_checks.rows
    assert [row[0].text for row in rows] == ["N1.1", "C1.1", "C1.2"]
    assert [row[4].text for row in rows] == ["FAIL", "INCONCLUSIVE", "PASS"]


SQL = """\
BEGIN;
-- @setup of all
SELECT 0;
-- @check C1.10
SELECT 10;
-- @check C1.1
SELECT
\t1;

-- @facts
SELECT 2;
"""


def with_sql(path: Path, name: str = "01.sql", text: str = SQL) -> Path:
    (path / "sql" / name).write_text(text)
    return path


def test_a_finding_has_the_sql_that_asked(tmp_path: Path) -> None:
    path = with_sql(write_run(tmp_path, status="fail"))
    first, *_ = findings(path, decided(path), page(path).checks)
    assert (first.subject, first.word, first.effect) == ("C1.1", "FAIL", "NO-GO")
    assert first.sql is not None
    assert first.sql.file == "sql/01.sql"
    assert first.sql.lines == ["-- @check C1.1", "SELECT", "        1;"]


@pytest.mark.parametrize("phase", ["../01", "a\0b", "nowhere", ""])
def test_sql_is_read_of_this_run_alone(tmp_path: Path, phase: str) -> None:
    path = write_run(tmp_path, status="fail")
    (path / "01.sql").write_text(SQL)
    lines = [replace(one, phase=phase) for one in page(path).checks]
    assert findings(path, decided(path), lines)[0].sql is None


def test_sql_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    (tmp_path / "elsewhere.sql").write_text(SQL)
    (path / "sql" / "01.sql").unlink()
    (path / "sql" / "01.sql").symlink_to(tmp_path / "elsewhere.sql")
    assert findings(path, decided(path), page(path).checks)[0].sql is None


def test_what_a_copy_was_asked_is_told_of_the_copy(tmp_path: Path, verdict: VerdictRecord) -> None:
    found = load(write_run(tmp_path))
    found.checks = []
    result = {
        "check_id": "C1.1",
        "status": "fail",
        "examined": 9,
        "expected": "none",
        "observed": "1 row",
        "samples": ["k1"],
        "seconds": 0.5,
        "phase": "01",
    }
    tried = Rehearsal(
        run_id="r",
        promoted=False,
        done=True,
        required=False,
        reason=None,
        hint=None,
        backup_sha256=None,
        checks=[read(CheckResult, result, file="checks.jsonl")],
    )
    judged = replace(
        verdict,
        checks={"C1.1": "not_run"},
        reasons=[reason("rehearsal_check_fail", "C1.1", "tried on a copy: T: failed")],
    )
    lines = check_lines(found, judged, tried)
    assert (lines[0].on_copy, lines[0].samples, lines[0].status) == (True, ["k1"], "not_run")
    assert lines[1].on_copy is False
    first, *_ = findings(found.path, judged, lines)
    assert (first.word, first.tone, first.samples) == ("FAIL on a copy", "bad", ["k1"])


def test_a_long_list_is_told_in_lines() -> None:
    items = [f"table public.t{number} is there" for number in range(9)]
    one = Finding("D1", "T", "FAIL", "bad", "NO-GO", expected="a; b", observed="; ".join(items))
    assert one.sides == [("expected", ["a; b"]), ("observed", items)]
    assert Finding("D1", "T", "FAIL", "bad", "NO-GO").sides == []


def test_what_did_not_run_is_one_finding(verdict: VerdictRecord, tmp_path: Path) -> None:
    silent = [
        reason("stage_not_run", "deploy", "stage did not run", severity="hold"),
        reason("check_not_run", "C1.2", "did not run", severity="hold"),
        reason("rehearsal_check_not_run", "C1.3", "did not run", severity="hold"),
    ]
    stages, checks = findings(tmp_path, replace(verdict, reasons=silent), [])
    assert (stages.subject, stages.samples) == ("1 stage", ["deploy"])
    assert (checks.subject, checks.samples) == ("2 checks", ["C1.2", "C1.3"])


# --- the time line ------------------------------------------------------------------------------


def event(second: float, stage: str, name: str, **data: object) -> Event:
    at = f"2026-01-31T12:00:{second:09.6f}Z"
    return Event(seq=1, at=at, stage=stage, event=name, data=data, prev="", hash="")


def bar_of(events: Sequence[Event], stage: str) -> Mapping[str, Any]:
    found = time_line(events)
    assert found is not None
    (row,) = [row for row in found.table.rows if row[0].text == stage]
    (bar,) = row[3].bars
    return {"row": row, "bar": bar, "words": found.words}


def test_stages_stand_one_after_the_other() -> None:
    events = [
        event(0, "run", "opened"),
        event(2, "target", "stage_passed"),
        event(7, "backup", "stage_passed", waited=3.0),
        event(8, "twin", "stage_failed"),
        event(10, "verdict", "closed"),
        # What comes later is no part of the run.
        event(30, "cleanup", "stage_passed"),
    ]
    backup = bar_of(events, "backup")
    assert backup["words"] == (
        "The run took 10.0 s; most of it stage backup, 5.0 s. "
        "Waited for a turn on the host: backup 3.0 s."
    )
    pause, work = backup["bar"].segments
    assert (pause.start, pause.length, pause.pattern) == (20.0, 30.0, "hatched")
    assert (work.start, work.length) == (50.0, 20.0)
    assert [cell.text for cell in backup["row"][:3]] == ["backup", "passed", "5.0"]
    assert bar_of(events, "twin")["row"][1].tone == "bad"
    found = time_line(events)
    assert found is not None
    assert [row[0].text for row in found.table.rows] == ["target", "backup", "twin", "verdict"]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event(0, "run", "opened")],
        [event(0, "run", "opened"), replace(event(1, "a", "closed"), at="no time")],
        [replace(event(0, "run", "opened"), at="x"), event(1, "a", "stage_passed")],
        [replace(event(0, "run", "opened"), at="2026-01-31"), event(1, "a", "stage_passed")],
    ],
)
def test_a_chain_without_stages_or_times_has_no_time_line(events: Sequence[Event]) -> None:
    assert time_line(events) is None


@pytest.mark.parametrize("waited", ["long", None, -5, 1e9, float("nan"), True])
def test_a_strange_wait_stays_in_the_picture(waited: object) -> None:
    events = [event(0, "run", "opened"), event(2, "backup", "stage_passed", waited=waited)]
    parts = bar_of(events, "backup")["bar"].segments
    assert all(0 <= part.start <= 100 and 0 <= part.length <= 100 for part in parts)


def test_a_clock_that_was_set_back_takes_no_time() -> None:
    events = [
        event(5, "run", "opened"),
        event(9, "target", "stage_passed"),
        event(6, "backup", "stage_passed"),
    ]
    assert bar_of(events, "backup")["row"][2].text == "0.0"


# --- what to do next ----------------------------------------------------------------------------

CALLER = Caller(inventories=["inventories/staging"], playbooks=["validate_staging.yml"])


def commands(path: Path, **changes: Any) -> list[str]:
    verdict = replace(decided(path), **changes)
    return [one.line for one in next_steps(path, verdict, caller=CALLER)]


def test_after_a_no_go_the_run_is_started_again(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    # The record of the deployment says that nothing has changed.
    again, cleanup = commands(path)
    assert "cleanup.yml" in cleanup
    assert again == "ansible-playbook -i inventories/staging validate_staging.yml"


CALLING = replace(CALLER, given={"gonogo_pg_bin": "/opt/pg/bin"}, others={"site": "one"})


def test_what_was_given_is_given_again(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    again, _ = next_steps(path, decided(path), caller=CALLING)
    assert again.line.endswith("validate_staging.yml -e gonogo_pg_bin=/opt/pg/bin -e site=one")
    assert again.words == (
        "Mend what stands above, then run again. "
        "This asks every check again, and deploys nothing (deploy_enabled is false):"
    )


def test_what_may_be_what_was_refused_is_not_repeated(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    unseen = replace(decided(path), target=None)
    again, _ = next_steps(path, unseen, caller=CALLING)
    assert again.line.endswith("validate_staging.yml")
    assert "what was given by -e and is not repeated" in again.words


def test_where_the_schema_was_changed_the_ways_back_come_first(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    record = plain(deployment(statements=[trace()], changed=["table a.b"]))
    (path / "deploy.json").write_text(canonical.dumps(record))
    undo, restore, again, _ = commands(path)
    assert "undo.yml -e undo_run_id=20260131T120000Z-0a1b2c" in undo
    assert "restore.yml -e restore_run_id=" in restore
    assert again.endswith("validate_staging.yml")


def test_where_a_plan_waits_its_approval_is_next(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="error")
    (one,) = next_steps(path, decided(path), caller=CALLER, approve="approve it")
    assert one.line == "approve it"
    assert "NAME" in one.words


def test_after_a_go_its_rows_are_removed_and_staging_goes_on(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    (cleanup,) = commands(path)
    assert "cleanup.yml -e cleanup_run_id=20260131T120000Z-0a1b2c" in cleanup
    promote, _ = commands(path, environment="staging")
    assert "-i inventories/production rollout_production.yml -e gonogo_promotion" in promote
    assert f"gonogo_promotion_evidence={os.path.relpath(path)}" in promote
    assert commands(path, residue="rollback") == []


@pytest.mark.parametrize(
    ("protected", "said"),
    [(False, "This deploys (deploy_enabled is true)"), (True, "This shows a plan, and deploys")],
)
def test_the_next_command_says_whether_it_deploys(
    tmp_path: Path, *, protected: bool, said: str
) -> None:
    path = write_run(tmp_path, status="fail")
    changed_in(path, "plan.json", lambda plan: plan["stages"].insert(-1, "deploy"))
    changed_in(path, "run.json", lambda run: run.update(protected=protected))
    again, *_ = next_steps(path, decided(path), caller=CALLER)
    assert said in again.words


def test_without_a_proven_backup_the_next_command_says_what_is_missing(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    off = {"proven": None, "proof": None, "reason": "switched off", "hint": "Set twin_enabled."}
    changed_in(path, "twin.json", lambda twin: twin.update(off))
    again, *_ = next_steps(path, decided(path), caller=CALLER)
    assert again.words.endswith("The backup is unproven: switched off. Set twin_enabled:")


def test_a_waiver_can_be_pasted_of_what_may_be_accepted(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    assert not [line for line in commands(path) if "gonogo_waivers" in line]

    def beside(plan: dict[str, Any]) -> None:
        plan["criteria"].append({"id": "I1", "title": "I", "class": "important"})
        plan["checks"][2].update(criterion="I1")

    changed_in(path, "plan.json", beside)
    (waiver,) = [line for line in commands(path) if "gonogo_waivers" in line]
    (said,) = yaml.safe_load(waiver)["gonogo_waivers"]
    assert said == {"check": "N1.1", "owner": "NAME", "reason": "WHY", "expires": "YYYY-MM-DD"}
    # It is refused until somebody has said the day.
    with pytest.raises(InputError, match="the day a waiver expires"):
        waivers.listed([said], None)
    assert waivers.listed([{**said, "expires": "2026-12-31"}], None)


def test_rows_that_were_left_are_named_with_their_file(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    *_, rows = next_steps(path, decided(path), caller=CALLER)
    assert f"1 test row, named in {os.path.relpath(path)}/ledger.jsonl" in rows.words


# --- what was tried on the copy, what does not apply, which criterion decides --------------------


def changed_in(path: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((path / name).read_text())
    change(record)
    (path / name).write_text(canonical.dumps(record))


def test_why_names_the_statement_and_shows_the_rows(verdict: VerdictRecord) -> None:
    query = "SELECT c.* FROM a.b AS c WHERE c.d IS NOT NULL"
    failed = reason(
        "check_fail", "C1.1", "T: failed", observed=f"2 of 9 rows; to see the rows: {query}"
    )
    causes = Causes(deployment=deployment(statements=[trace(line=14)]))
    checks = [line("C1.1", samples=["a.b"])]
    first, _ = why(replace(verdict, reasons=[failed]), checks, "Done", causes)
    assert (first.found, first.query) == ("2 of 9 rows", query)
    assert first.statements == ["m.sql:14 ALTER TABLE a.b ALTER c TYPE bigint"]
    nothing = replace(failed, code="check_inconclusive")
    assert why(replace(verdict, reasons=[nothing]), checks, "Done", causes)[0].statements == ()


def test_what_does_not_apply_has_not_passed(tmp_path: Path, verdict: VerdictRecord) -> None:
    checks = [line("C1.1", "pass"), line("C1.2", "pass", applies=False)]
    assert said(why(verdict, checks, "Done"))[0] == (
        "All 1 check that apply have passed; 1 does not apply; nothing is unknown."
    )
    assert rests_on(load(tmp_path / "nowhere"), checks, None) == (
        "1 of 2 checks passed; 1 does not apply"
    )


def test_a_check_that_only_the_copy_was_asked_says_so_with_its_result(
    tmp_path: Path, verdict: VerdictRecord
) -> None:
    found = load(write_run(tmp_path))
    found.checks = []
    answers = [
        {"check_id": name, "status": status, "examined": 9, "expected": "", "observed": "",
         "samples": [], "seconds": 0.5, "phase": "01"}
        for name, status in (("C1.1", "pass"), ("C1.2", "fail"))
    ]  # fmt: skip
    tried = Rehearsal(
        run_id="r", promoted=False, done=True, required=False, reason=None, hint=None,
        backup_sha256=None,
        checks=[read(CheckResult, one, file="checks.jsonl") for one in answers],
    )  # fmt: skip
    silent = [reason("check_not_run", name, "x", severity="hold") for name in ("C1.1", "C1.2")]
    judged = replace(verdict, reasons=silent, checks={}, criteria={"C1": "not_run"})
    lines = check_lines(found, judged, tried)
    assert [one.word for one in lines] == [
        "ran on the copy only: PASS",
        "ran on the copy only: FAIL",
        "NOT RUN",
    ]
    assert (lines[0].examined, lines[0].seconds) == ("9", "0.500")
    assert findings(found.path, judged, lines)[-1].title == "ran on the copy only"
    assert said(why(judged, lines, "Done"))[-1] == "Done; 2 checks ran on the copy only."
    c1, _ = score_cells(found, judged, lines, frozenset())
    assert c1.word == "COPY ONLY"


@pytest.mark.parametrize(
    ("checks", "word"),
    [
        ([line("C1.1", "pass")], ""),
        (
            [line("C1.1", "pass"), line("C1.2", "fail", counts=False)],
            "PASS, without counting C1.2 FAIL",
        ),
        ([line("C1.1", "pass", applies=False)], "NOT APPLICABLE"),
        ([], ""),
    ],
)
def test_a_criterion_that_passed_says_what_does_not_count(
    checks: Sequence[CheckLine], word: str
) -> None:
    assert came_to("pass", checks) == word


def test_the_criterion_that_decides_stands_beside_the_score(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    assert page(path).decided == "Decided by C1 fine."
    assert page(write_run(tmp_path / "go")).decided == ""
    beside = replace(
        decided(path), reasons=[reason("check_fail", "N1.1", "T: failed", severity="hold")]
    )
    assert deciding(load(path), beside) == "Decided by N1 Nice; no part of the score."
    stage = replace(beside, reasons=[reason("stage_failed", "twin", "x", severity="hold")])
    assert deciding(load(path), stage) == "Decided by stage twin."


def test_a_list_that_is_cut_says_how_much_more_there_is() -> None:
    samples = [f"t{number}" for number in range(20)]
    cut = line("C1.1", samples=samples, observed="25 of 554 objects")
    assert all_of(cut) == [*samples, "and 5 more"]
    for whole in (line("C1.1", observed="25 of 554"), replace(cut, observed="20 of 20"),
                  replace(cut, observed="many")):  # fmt: skip
        assert all_of(whole) == whole.samples


def test_why_names_three_and_counts_the_rest(verdict: VerdictRecord) -> None:
    samples = [f"t{number}" for number in range(20)]
    checks = [line("C1.1", samples=samples, observed="1,025 of 9 rows")]
    failed = reason("check_fail", "C1.1", "T: failed", observed="something")
    first, _ = why(replace(verdict, reasons=[failed]), checks, "Done")
    assert first.which == ["t0", "t1", "t2", "and 17 more"]
    checks = [replace(checks[0], observed="25 of 30 rows")]
    first, _ = why(replace(verdict, reasons=[failed]), checks, "Done")
    assert first.which == ["t0", "t1", "t2", "and 22 more"]


def test_a_twin_that_is_switched_off_has_not_passed(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    off = {"proven": None, "proof": None, "reason": "switched off"}
    changed_in(path, "twin.json", lambda twin: twin.update(off))
    found = page(path).time_line
    assert found is not None
    words = {row[0].text: (row[1].text, row[1].tone) for row in found.table.rows}
    assert words["twin"] == ("not done", "open")
    assert words["backup"] == ("passed", "good")


# --- nothing at all -----------------------------------------------------------------------------


def test_a_run_that_never_was_has_a_page(tmp_path: Path) -> None:
    found = page(tmp_path / "nowhere")
    assert (found.subject, found.score, found.cells) == ("unknown database", "0/0", [])
    assert found.time_line is None
    assert found.proof.words == "There is no backup."
    assert found.why[0].word == "HOLD"


def test_junit_skips_what_does_not_apply(tmp_path: Path) -> None:
    found = page(write_run(tmp_path))
    empty = line("C1.1", "pass", applies=False, word="NOT APPLICABLE: there is no view")
    suite = ElementTree.fromstring(view.render_junit(replace(found, checks=[empty])))
    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "NOT APPLICABLE: there is no view"
