"""A check that had nothing to look at is shown as what does not apply, and why."""

from __future__ import annotations

import pytest

from gonogo.contract.records.check_result import CheckResult
from gonogo.contract.records.plan import PlannedCheck
from gonogo.controller.report.results import _word


@pytest.mark.parametrize(
    ("status", "examined", "why", "word"),
    [
        ("pass", 3, "nothing is there", "PASS"),
        ("pass", 0, "nothing is there", "NOT APPLICABLE: nothing is there"),
        ("pass", 0, None, "NOT APPLICABLE"),
        ("fail", 0, "nothing is there", "FAIL"),
        ("inconclusive", 0, "nothing is there", "INCONCLUSIVE"),
    ],
)
def test_what_had_nothing_to_look_at_does_not_apply(
    status: str, examined: int, why: str | None, word: str
) -> None:
    check = PlannedCheck("D4.4", "", "D4", "06_data", None, empty_ok=True, remedy="", empty=why)
    result = CheckResult("D4.4", status, examined, "", "", (), 0.0, "06_data")
    assert _word(check, status, result) == word
