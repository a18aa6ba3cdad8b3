"""The bill in a report: every statement with what it cost, whatever the record looks like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.controller.outcome import bill

LINE: dict[str, Any] = {
    "file": "m.sql",
    "line": 7,
    "statement": "ALTER TABLE a.b ALTER c TYPE bigint",
    "seconds": 1.5,
    "rows": None,
    "wal_bytes": 5 << 20,
    "size_bytes": -2048,
    "rewritten": ["a.b"],
    "locks": [
        {"relation": "a.b", "mode": "AccessExclusiveLock", "existing": True},
        {"relation": "a.new", "mode": "AccessExclusiveLock", "existing": False},
    ],
    "waits": [{"relation": "a.b", "blocks": "reads and writes", "seconds": 2.5}],
}


def test_a_line_says_what_it_cost() -> None:
    (line,) = bill.view({"action": "applied", "bill": [LINE]}, shown=str)["lines"]
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


def test_a_run_that_deployed_nothing_has_no_bill() -> None:
    assert bill.view({}, shown=str) == {"head": [], "lines": []}


def test_a_failure_is_in_the_head() -> None:
    record = {"action": "failed", "error": {"message": "x"}, "leftovers": [{"command": "DROP"}]}
    head = dict(bill.view(record, shown=str)["head"])
    assert head["why it ended"] == "x"
    assert "DROP" in head["unfinished indexes"]


@pytest.mark.parametrize("key", sorted(LINE))
def test_a_line_that_lacks_something_is_shown(key: str) -> None:
    record = {"bill": [{name: value for name, value in LINE.items() if name != key}]}
    assert len(bill.view(record, shown=str)["lines"]) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*LINE, "bill", "after", "relation"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["bill", "before", "after", "error"]), _JSON))
def test_no_record_is_too_strange(record: dict[str, Any]) -> None:
    bill.view(record, shown=str)
