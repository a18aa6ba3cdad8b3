"""What has changed between two audits: each change once, and no change that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.audit import Change
from gonogo.contract.records.check_result import CheckResult
from gonogo.controller import audit
from gonogo.controller.audit import Shelf
from gonogo.controller.audit.pages import trend


def check(status: str = "pass", *samples: str, check_id: str = "D5.1", **said: Any) -> CheckResult:
    keys: dict[str, Any] = {"examined": 9, "expected": "", "observed": "", "seconds": 0.0}
    return CheckResult(
        check_id=check_id, status=status, samples=samples, phase="01", **{**keys, **said}
    )


def said(last: CheckResult, now: CheckResult) -> list[tuple[str, str | None]]:
    return [(one.kind, one.key) for one in audit.changes([last], [now])]


MANY = tuple(f"id={number:02}" for number in range(20))


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (check(), check(), []),
        (check("fail", "a"), check("fail", "a", observed="in other words"), []),
        (check(), check("fail", "a", "b"), [("new", "a"), ("new", "b")]),
        (check("fail", "a", "b"), check(), [("gone", "a"), ("gone", "b")]),
        # As many as before, and others.
        (check("fail", "a", "b"), check("fail", "b", "c"), [("new", "c"), ("gone", "a")]),
        # One name for two faults.
        (check("fail", "a"), check("fail", "a", "a"), [("new", "a")]),
        (check("fail", "a", "a"), check("fail", "a"), [("gone", "a")]),
        # By numbers, where there are no keys.
        (check(), check("fail", observed="3 of 9 rows"), [("new", None)]),
        (check("fail", observed="3 of 9"), check("fail", observed="4 of 9"), [("worse", None)]),
        (check("fail", observed="4 of 9"), check("fail", observed="3 of 9"), [("better", None)]),
        (check("fail", observed="4 of 9"), check(), [("gone", None)]),
        # Keys of another kind than what is counted.
        (check(), check("fail", "fk", observed="3 of 9"), [("new", "fk")]),
        (
            check("fail", "fk", observed="3 of 9"),
            check("fail", "fk", observed="5 of 9"),
            [("worse", None)],
        ),
        # A list that may have been cut says nothing of what is not in it.
        (
            check("fail", *MANY, observed="25 of 99"),
            check("fail", *MANY[:19], "x", observed="25 of 99"),
            [],
        ),
        (
            check("fail", *MANY, observed="25 of 99"),
            check("fail", *MANY, observed="27 of 99"),
            [("worse", None)],
        ),
        (
            check("fail", *MANY, observed="20 of 99"),
            check("fail", *MANY[:19], observed="19 of 99"),
            [("gone", MANY[19])],
        ),
        (
            check("fail", *MANY[:18], observed="18 of 99"),
            check("fail", *MANY, observed="30 of 99"),
            [("new", MANY[18]), ("new", MANY[19]), ("worse", None)],
        ),
        # What nobody could find out.
        (check(), check("inconclusive"), [("worse", None)]),
        (check("fail", "a"), check("not_run"), [("worse", None)]),
        (check("inconclusive"), check("inconclusive"), []),
        (check("inconclusive"), check("not_run"), []),
        (check("inconclusive"), check(), [("better", None)]),
        (check("not_run"), check("fail", "a"), [("new", "a")]),
        # What a passing check names is not wrong.
        (check("pass", "RESTRICT"), check("pass", "CASCADE"), []),
    ],
)
def test_changes(
    last: CheckResult, now: CheckResult, expected: list[tuple[str, str | None]]
) -> None:
    assert said(last, now) == expected


def test_checks_that_come_and_go() -> None:
    old = [check("fail", "a", check_id="C1"), check(check_id="C2")]
    new = [check("fail", "b", check_id="C3"), check(check_id="C4"), check("not_run", check_id="C5")]
    found = audit.changes(old, new)
    assert [(one.kind, one.check_id, one.key) for one in found] == [
        ("new", "C3", "b"),
        ("new", "C5", None),
        ("gone", "C1", None),
    ]
    assert found[-1] == Change("gone", "C1", None, "the check is not asked any more")


def test_a_picture_breaks_where_nobody_knows() -> None:
    made = trend([0, 4, None, 2, None, 1, 1])
    assert made.lines == ["2.0,18.0 21.3,2.0", "98.7,14.0 118.0,14.0"]
    assert made.dots == [("60.0", "10.0")]
    assert made.words == "0, 4, unknown, 2, unknown, 1, 1"
    assert (trend([]).lines, trend([3]).dots) == ([], [("2.0", "2.0")])


@pytest.mark.parametrize("host", ["..", ".", "a/b", "../../x", "-", "h" * 400, "ü", "%2E"])
def test_a_host_of_any_name_has_a_folder_of_its_own(tmp_path: Path, host: str) -> None:
    shelf = Shelf(tmp_path, "staging", host, "derived", "target")
    directory = shelf.keep("20260131T120000Z-0a1b2c", {"audit.json": "{}\n"})
    parts = directory.relative_to(tmp_path).parts
    assert (parts[:2], len(parts)) == (("staging", "audits"), 5)
    assert directory.resolve().is_relative_to(tmp_path.resolve() / "staging" / "audits")
    assert {path.stat().st_mode & 0o777 for path in (directory, *directory.parents[:3])} == {0o700}
    # What is no audit is none to compare with.
    assert list(shelf.newest) == []
    assert shelf.find("../x") is None
