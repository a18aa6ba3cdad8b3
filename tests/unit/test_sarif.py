"""report.sarif: findings where they are, the same tomorrow, and nothing that does something."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.reading import plain
from gonogo.controller.evidence import Run, load
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.report.inert import message
from gonogo.controller.report.sarif import render_sarif
from tests.records import BACKUP, RUN_ID
from tests.unit.deployments import deployment, failure, inspection, object_state, trace
from tests.unit.test_report import EVIL, write_run


def sarif_of(path: Path) -> dict[str, Any]:
    log = dict(json.loads(render_sarif(load(path), decided(path))))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def rehearsed(path: Path, **changes: Any) -> Path:
    """The run has tried its migration; its chain goes on as if it had been closed after that."""
    run = Run.open(path)
    record = {
        "run_id": RUN_ID,
        "promoted": False,
        "done": True,
        "required": True,
        "reason": None,
        "hint": None,
        "backup_sha256": BACKUP["sha256"],
        **{key: {} for key in ("rows_changed", "rows_removed", "scripts")},
        "checks": run.read_lines("checks.jsonl"),
        **changes,
    }
    plan = run.read_json("plan.json")
    stages = [*plan["stages"], "rehearsal"]
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    (path / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    run.write_json("plan.json", {**plan, "stages": stages}, stage="target")
    run.write_json("rehearsal.json", record, stage="rehearsal")
    run.append("rehearsal", "stage_passed")
    run.append("verdict", "closed")
    return path


def of_rule(run: Mapping[str, Any], rule: str) -> list[dict[str, Any]]:
    return [one for one in run["results"] if one["ruleId"] == rule]


def texts(value: object) -> list[str]:
    """Every text of a log, and every key."""
    if isinstance(value, dict):
        return [*value, *(text for one in value.values() for text in texts(one))]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def test_a_failed_check_is_a_finding_on_the_database(tmp_path: Path) -> None:
    run = sarif_of(write_run(tmp_path, text="seen", status="fail"))
    (one,) = of_rule(run, "C1.1")
    assert (one["kind"], one["level"]) == ("fail", "error")
    assert one["message"]["text"] == "seen: has failed. Expected: seen. Observed: seen."
    assert one["locations"] == [
        {
            "logicalLocations": [
                {"name": "seen", "fullyQualifiedName": "db1/seen", "kind": "database"}
            ]
        }
    ]
    assert one["properties"] == {
        "criterion": "C1",
        "effect": "no_go",
        "seconds": 0.25,
        "examined": 7,
    }
    rule = run["tool"]["driver"]["rules"][one["ruleIndex"]]
    assert (rule["id"], rule["help"]["text"]) == ("C1.1", "seen")
    assert run["properties"]["decision"] == "NO-GO"
    assert run["invocations"][0]["executionSuccessful"] is True
    # One that decides nothing is a note.
    (nice,) = of_rule(run, "N1.1")
    assert (nice["kind"], nice["level"]) == ("fail", "note")


def test_a_pass_is_no_result(tmp_path: Path) -> None:
    run = sarif_of(write_run(tmp_path))
    assert not [one for one in run["results"] if one["ruleId"].startswith("C")]
    assert run["invocations"][0] == {
        "executionSuccessful": True,
        "startTimeUtc": "2026-01-31T11:59:00Z",
        "endTimeUtc": "2026-01-31T12:00:00.000000Z",
        "toolExecutionNotifications": [],
    }


def test_what_proves_nothing_is_open(tmp_path: Path) -> None:
    run = sarif_of(write_run(tmp_path, status="inconclusive"))
    (one,) = of_rule(run, "C1.1")
    assert (one["kind"], one["level"]) == ("open", "none")
    assert "has not seen enough to judge" in one["message"]["text"]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("not_run", "check_not_run", "C1.1 fine: did not run."),
        ("error", "stage_failed", "phases: stage failed: fine."),
    ],
)
def test_what_was_not_done_is_no_result(tmp_path: Path, status: str, code: str, said: str) -> None:
    run = sarif_of(write_run(tmp_path, status=status))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    notes = {one["descriptor"]["id"]: one for one in invocation["toolExecutionNotifications"]}
    assert (notes[code]["level"], notes[code]["message"]["text"]) == ("error", said)
    assert {"id": code} in run["tool"]["driver"]["notifications"]
    if status == "not_run":
        assert notes[code]["associatedRule"] == {"id": "C1.1"}
        assert not of_rule(run, "C1.1")


def test_a_check_that_did_not_run_on_the_copy_is_no_result(tmp_path: Path) -> None:
    run = sarif_of(rehearsed(write_run(tmp_path), checks=[]))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    notes = invocation["toolExecutionNotifications"]
    assert [(one["descriptor"]["id"], one["associatedRule"]["id"]) for one in notes] == [
        ("rehearsal_check_not_run", "C1.1"),
        ("rehearsal_check_not_run", "C1.2"),
    ]
    assert not of_rule(run, "C1.1")


def test_a_check_that_fails_on_the_copy_alone_is_told(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    checks = [{**one, "status": "fail"} for one in Run.open(path).read_lines("checks.jsonl")]
    run = sarif_of(rehearsed(path, checks=checks))
    (one,) = of_rule(run, "C1.1")
    assert (one["kind"], one["level"], one["properties"]) == (
        "fail",
        "error",
        {"tried_on": "a copy"},
    )
    (other,) = of_rule(sarif_of(write_run(tmp_path / "b", status="fail")), "C1.1")
    assert one["partialFingerprints"] != other["partialFingerprints"]


def test_a_waiver_is_a_suppression(tmp_path: Path) -> None:
    path = write_run(tmp_path, status="fail")
    verdict, found = decided(path), load(path)
    assert found.plan is not None
    checks = [replace(one, effect="hold") for one in found.plan.checks]
    found.plan = replace(found.plan, checks=checks)
    given = {"code": "waiver_applied", "subject": "C1.1", "text": "failed, accepted by Ada"}
    waived = replace(verdict, conditions=[type(verdict.conditions[0])(**given)], reasons=())
    (run,) = json.loads(render_sarif(found, waived))["runs"]
    (one,) = of_rule(run, "C1.1")
    assert (one["kind"], one["level"]) == ("fail", "warning")
    assert one["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "failed, accepted by Ada"}
    ]


def slow(**changes: Any) -> dict[str, Any]:
    return {
        "file": "20260101/migration.sql",
        "line": 12,
        "statement": "CREATE INDEX i ON t (a)",
        "budget": "hold",
        "allowed": 10.0,
        "seconds": [12.0, 11.5],
        "rewritten": [],
        "rewritten_bytes": 0,
        "severity": "hold",
        **changes,
    }


def test_a_statement_over_its_budget_is_a_finding_on_its_line(tmp_path: Path) -> None:
    run = sarif_of(rehearsed(write_run(tmp_path), slow=[slow(line=3), slow()]))
    first, second = of_rule(run, "rehearsal_slow")
    assert [one["locations"][0]["physicalLocation"] for one in (first, second)] == [
        {
            "artifactLocation": {"uri": "20260101/migration.sql", "uriBaseId": "MIGRATIONS"},
            "region": {"startLine": line},
        }
        for line in (3, 12)
    ]
    assert (second["kind"], second["level"]) == ("fail", "warning")
    assert second["properties"] == {
        "seconds": [12.0, 11.5],
        "allowed_seconds": 10.0,
        "budget": "hold",
    }
    assert "MIGRATIONS" in run["originalUriBaseIds"]


def test_what_failed_on_the_copy_is_a_finding_on_its_line(tmp_path: Path) -> None:
    error = failure(file="m.sql", line=7, statement="INSERT", sqlstate="22P02")
    problem = {
        "step": "apply",
        "severity": "no_go",
        "message": 'm.sql:7 failed: 22P02: invalid input syntax: "4111 1111 1111 1111"',
        "detail": "Key (card)=(4111 1111 1111 1111)",
        "hint": None,
    }
    done = plain(deployment("failed", error=error))
    run = sarif_of(rehearsed(write_run(tmp_path), problem=problem, deployment=done))
    (one,) = of_rule(run, "rehearsal_failed")
    assert (one["kind"], one["level"]) == ("fail", "error")
    assert one["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert one["message"]["text"] == (
        "tried on a copy: m.sql:7 failed: 22P02 "
        "(its message may quote a value, and is in the report)"
    )
    assert not [text for text in texts(run) if "4111 1111" in text]
    # What may have been the host's is no finding.
    problem["severity"] = "hold"
    other = rehearsed(write_run(tmp_path / "b"), problem=problem, deployment=done)
    (one,) = of_rule(sarif_of(other), "rehearsal_failed")
    assert (one["kind"], one["level"]) == ("open", "none")


def test_a_check_that_names_what_a_statement_makes_is_on_its_line(tmp_path: Path) -> None:
    done = plain(deployment(after=inspection("applied", object_state(object="seen", line=9))))
    path = rehearsed(write_run(tmp_path, text="seen", status="fail"), deployment=done)
    (one,) = of_rule(sarif_of(path), "C1.1")
    assert one["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "m.sql", "uriBaseId": "MIGRATIONS"},
        "region": {"startLine": 9},
    }


def test_what_a_statement_costs_is_told_with_its_locks(tmp_path: Path) -> None:
    run = sarif_of(write_run(tmp_path, text="t"))
    (one,) = of_rule(run, "statement_waits")
    assert (one["kind"], one["level"]) == ("informational", "none")
    assert one["message"]["text"] == (
        "The statement took 0.25 s. It could make wait: writes of t for 0.5 s. It rewrites t."
    )
    assert one["properties"]["locks"] == [{"relation": "t", "mode": "ShareLock"}]


def test_a_finding_is_the_same_tomorrow(tmp_path: Path) -> None:
    def prints(path: Path) -> list[str]:
        return [one["partialFingerprints"]["finding/v1"] for one in sarif_of(path)["results"]]

    def run(name: str, run_id: str, line: int, seconds: Sequence[float]) -> Path:
        path = write_run(tmp_path / name, status="fail", run_id=run_id)
        return rehearsed(path, run_id=run_id, slow=[slow(line=line, seconds=seconds)])

    today = prints(run("a", RUN_ID, 12, [12.0]))
    tomorrow = prints(run("b", "20260201T120000Z-abcdef", 40, [14.0, 13.0]))
    assert today == tomorrow
    assert len({*today}) == len(today) == 4
    other = rehearsed(
        write_run(tmp_path / "c", status="fail"), slow=[slow(statement="CREATE INDEX j ON t (b)")]
    )
    assert [one == two for one, two in zip(prints(other), today, strict=True)].count(False) == 1
    # Two statements of the same words are two findings.
    twice = rehearsed(write_run(tmp_path / "d"), slow=[slow(line=1), slow(line=2)])
    assert len({*prints(twice)}) == len(prints(twice))


@pytest.mark.parametrize("status", ["pass", "fail", "not_run", "inconclusive", "error"])
def test_hostile_text_is_inert(tmp_path: Path, status: str) -> None:
    run = sarif_of(rehearsed(write_run(tmp_path, text=EVIL, status=status), slow=[slow(file=EVIL)]))
    for text in texts(run):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u202e\ufffe\ud800]", text)
    for text in (one["message"]["text"] for one in run["results"]):
        assert "](" not in text
        assert not re.search(r"<[A-Za-z/!]", text)
        assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", text)


def test_a_message_has_no_links_no_placeholders_and_no_tags() -> None:
    assert message("see [x](http://e) {0} <b> a < b [1]") == (
        "see [x] (http://e) {{0}} < b> a < b [1]"
    )


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/c#d?.sql", "a%20b/c%23d%3F.sql"),
        ("c:/x.sql", "c%3A/x.sql"),
        ("../x.sql", None),
        ("/etc/passwd", None),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
    ],
)
def test_a_file_is_relative_to_its_folder(tmp_path: Path, file: str, uri: str | None) -> None:
    done = plain(deployment(statements=[trace(file=file)]))
    path = rehearsed(write_run(tmp_path), deployment=done)
    (path / "deploy.json").unlink()
    (one,) = of_rule(sarif_of(path), "statement_waits")
    (place,) = one["locations"]
    assert place.get("physicalLocation", {}).get("artifactLocation", {}).get("uri") == uri
    assert ("logicalLocations" in place) == (uri is None)


def test_keys_of_rows_are_not_in_it(tmp_path: Path) -> None:
    path = write_run(tmp_path, text="seen", status="fail")
    found = load(path)
    found.checks = [replace(one, samples=["key-of-a-row"]) for one in found.checks]
    assert "key-of-a-row" not in render_sarif(found, decided(path))


def test_of_nothing_there_is_a_log_too(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    for name in ("run.json", "plan.json", "checks.jsonl", "deploy.json"):
        (path / name).write_text("{}")
    run = sarif_of(path)
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False
