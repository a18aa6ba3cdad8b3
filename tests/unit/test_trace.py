"""The trace in a report: every statement with what it cost."""

from __future__ import annotations

from gonogo.controller.outcome import trace as report
from tests.unit.deployments import deployment, failure, trace


def test_a_line_says_what_it_cost() -> None:
    (line,) = report.view(deployment(statements=[trace()]), shown=str).lines
    assert line == {
        "place": "m.sql:7",
        "statement": "ALTER TABLE a.b ALTER c TYPE bigint",
        "seconds": "1.5",
        "wal": "5.0 MB",
        "size": "-2.0 kB",
        "rewritten": "a.b",
        "locks": "a.b AccessExclusive",
        "waits": "a.b: reads and writes for 2.5 s",
    }


def test_a_run_that_deployed_nothing_has_no_trace() -> None:
    assert report.view(None, shown=str) == report.View([], [])


def test_a_failure_is_in_the_head() -> None:
    leftovers = [{"index": "a.i", "command": "DROP"}]
    attempts = [failure(), failure()]
    record = deployment(
        "failed", error=failure(message="x"), leftovers=leftovers, failed_attempts=attempts
    )
    head = dict(report.view(record, shown=str).head)
    assert head["why it ended"] == "x"
    assert head["failed attempts"] == "2"
    assert "DROP" in head["unfinished indexes"]


def test_a_state_that_nobody_could_look_at_is_left_out() -> None:
    head = dict(report.view(deployment("failed", after=None, changed=None), shown=str).head)
    assert head["the migration before"] == "absent"
    assert "the migration after" not in head
