"""A deployment in a report: every statement with what it cost, drawn with the same numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gonogo.contract.records.deployment import Deployment, Limits
from gonogo.contract.records.reading import read
from gonogo.contract.records.twin import TwinRecord
from gonogo.controller.report.costs import deployed, table_rows
from gonogo.controller.report.page import Costs
from gonogo.controller.report.parts import Bar, Cell
from tests.records import PROOF, TWIN
from tests.unit.deployments import deployment, failure, trace


def costs(record: Deployment, **held: int) -> Costs:
    found = deployed(record, {name.replace("__", "."): rows for name, rows in held.items()})
    assert found is not None
    return found


def line(record: Deployment, **held: int) -> dict[str, Cell]:
    table = costs(record, **held).table
    assert table is not None
    (row,) = table.rows
    return {column.name: cell for column, cell in zip(table.columns, row, strict=True)}


def bars(cell: Cell) -> list[Bar]:
    return [*cell.bars]


def test_a_line_says_what_it_cost() -> None:
    cells = line(deployment(statements=[trace()]))
    assert {name: cell.text for name, cell in cells.items()} == {
        "Place": "m.sql:7",
        "Statement": "ALTER TABLE a.b ALTER c TYPE bigint",
        "Time": "",
        "Seconds": "1.5",
        "WAL": "5.0 MB",
        "Size": "-2.0 kB",
        "Rewritten": "a.b",
        "Locks on what was there": "a.b AccessExclusive",
        "Waits": "a.b: reads and writes for 2.5 s",
    }


def test_a_picture_is_as_long_as_the_application_may_wait() -> None:
    record = replace(deployment(statements=[trace()]), budgets=Limits(hold=10.0, statement=600.0))
    runs, waits = bars(line(record)["Time"])
    assert (runs.caption, runs.text, runs.words) == (
        "runs",
        "1.5 s of 600 s",
        "runs 1.5 s of 600 s",
    )
    assert (waits.caption, waits.text) == ("reads and writes of a.b wait", "2.5 s of 10 s")
    assert [part.length for part in (*runs.segments, *waits.segments)] == [15.0, 25.0]
    assert [mark.at for mark in (*runs.marks, *waits.marks)] == [100.0]
    assert (waits.segments[0].tone, waits.marks[0].tone) == ("bad", "")


def test_what_is_over_the_budget_passes_its_mark() -> None:
    record = replace(deployment(statements=[trace()]), budgets=Limits(hold=2.0, statement=600.0))
    _, waits = bars(line(record)["Time"])
    (mark,) = waits.marks
    assert (waits.segments[0].length, mark.at, mark.tone) == (100.0, 80.0, "bad")


@pytest.mark.parametrize(
    ("mode", "level", "tone"),
    [
        ("AccessShareLock", 1, ""),
        ("ShareUpdateExclusiveLock", 4, ""),
        ("ShareLock", 5, "open"),
        ("AccessExclusiveLock", 8, "bad"),
    ],
)
def test_the_strength_of_the_strongest_lock_is_drawn(mode: str, level: int, tone: str) -> None:
    locks = [
        {"relation": "a.b", "mode": "AccessShareLock", "existing": True},
        {"relation": "a.c", "mode": mode, "existing": True},
        {"relation": "a.new", "mode": "AccessExclusiveLock", "existing": False},
    ]
    cell = line(deployment(statements=[trace(locks=locks)]), a__c=1200)["Locks on what was there"]
    (bar,) = bars(cell)
    assert cell.text.startswith(f"a.c (1,200 rows) {mode.removesuffix('Lock')}") or level == 1
    assert "a.new" not in cell.text
    assert bar.words == f"the strongest lock has strength {level} of 8"
    assert (bar.segments[0].length, bar.segments[0].tone) == (level * 12.5, tone)


def test_a_lock_that_nobody_knows_has_no_strength() -> None:
    locks = [{"relation": "a.b", "mode": "NewLock", "existing": True}]
    cell = line(deployment(statements=[trace(locks=locks)]))["Locks on what was there"]
    assert (cell.text, bars(cell)) == ("a.b New", [])


def test_rows_are_known_by_names_without_quotes() -> None:
    def proof(*rows: int | None) -> object:
        return {"rows": [*rows], "hash": ["1", "1"], "equal": True}

    tables = {
        'public."Order"': proof(7, 7),
        "public.sites": proof(3, 3),
        'public."sites"': proof(4, 4),
        "public.unread": proof(None, None),
    }
    twin = read(TwinRecord, {**TWIN, "proof": {**PROOF, "tables": tables}}, file="twin.json")
    assert table_rows(twin) == {"public.Order": 7}
    assert table_rows(None) == {}


def test_a_run_that_deployed_nothing_has_no_costs() -> None:
    assert deployed(None, {}) is None
    assert costs(deployment("none")).table is None


def test_a_failure_is_in_the_head() -> None:
    leftovers = [{"index": "a.i", "command": "DROP"}]
    attempts = [failure(), failure()]
    record = deployment(
        "failed", error=failure(message="x"), leftovers=leftovers, failed_attempts=attempts
    )
    head = dict(costs(record).head)
    assert head["why it ended"] == "x"
    assert head["failed attempts"] == "2"
    assert "DROP" in head["unfinished indexes"]


def test_what_others_had_to_bear_is_in_the_head() -> None:
    let_go = {"cause": "waiters", "waiting": 51, "seconds": 2.3, "tables": ["a.b"]}
    one = failure(message="let go for 51 sessions", file="m.sql", line=7, let_go=let_go)
    watched = {
        "waiters": 50,
        "seconds": 10.0,
        "lag": 60.0,
        "looks": 12,
        "most_waiting": 51,
        "longest_seconds": 2.3,
        "longest_lag": 4.25,
        "unseen": ["the replica x: it was behind already"],
    }
    record = deployment("failed", error=one, failed_attempts=[failure(), one], watched=watched)
    head = dict(costs(record).head)
    said = "m.sql:7 was let go for 51 sessions"
    assert head["let go"] == f"{said}, {said}"
    assert head["others meanwhile"] == (
        "51 sessions waited at once at most, 2.3 s at the longest; a replica was 4.2 s behind"
    )
    assert head["not watched"] == "the replica x: it was behind already"
    quiet = deployment(watched={**watched, "most_waiting": 0, "longest_lag": 0.1, "unseen": []})
    head = dict(costs(quiet).head)
    assert head["others meanwhile"] == "0 sessions waited at once at most"
    assert not head.keys() & {"let go", "not watched"}
    blind = deployment(watched={**watched, "looks": 0})
    assert "others meanwhile" not in dict(costs(blind).head)


def test_a_state_that_nobody_could_look_at_is_left_out() -> None:
    head = dict(costs(deployment("failed", after=None, changed=None)).head)
    assert head["the migration before"] == "absent"
    assert "the migration after" not in head
