"""What the restored backup does to the verdict: no GO without a proof where one is required."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from gonogo.contract import canonical
from tests.records import PROOF, TWIN, judged
from tests.unit.test_verdict import JSON, Case, event, good

Change = Callable[[Case], object]
PROMOTION = {
    "run_id": "20260130T120000Z-0a1b2c",
    "environment": "staging",
    "target": {"system_identifier": "1", "database": "apms_staging", "database_oid": 16384},
    "finished_at": "2026-01-30T12:00:00.000000Z",
    "verdict_sha256": "ab" * 32,
    "evidence_head": "cd" * 32,
}
TABLE = {"rows": [3, 3], "hash": ["12", "12"], "equal": True}

# It hangs on no word, and a record that does not say it is of a protected target.
PROTECTED: list[dict[str, Any]] = [
    {"environment": "prod", "protected": True},
    {"environment": "production", "protected": False},
]


def proven() -> Case:
    """The arguments of a GO with a backup that was restored and equals its source."""
    case = good()
    case["plan"]["stages"].insert(2, "twin")
    case["events"].insert(3, event("twin", "stage_passed"))
    tables = {"public.sites": {**TABLE}, "public.users": {**TABLE}}
    case["twin"] = {**TWIN, "proof": {**PROOF, "tables": tables}}
    return case


def changed(*changes: Change) -> dict[str, Any]:
    case = proven()
    for change in changes:
        change(case)
    return judged(**case)


def said(**values: Any) -> Change:
    return lambda case: case["twin"].update(values)


def compared(**values: Any) -> Change:
    return lambda case: case["twin"]["proof"].update(values)


def table(**values: Any) -> Change:
    return lambda case: case["twin"]["proof"]["tables"]["public.sites"].update(values)


def failed(case: Case) -> None:
    """As the stage leaves it that has found a difference: nothing after it runs."""
    del case["events"][3:-1]
    case["events"].insert(3, event("twin", "stage_failed", message="not equal"))
    case["checks"].clear()


def test_a_proven_backup_is_a_go() -> None:
    verdict = changed()
    assert verdict["decision"] == "GO"
    assert verdict["conditions"] == []


@pytest.mark.parametrize(
    ("decision", "code", "change"),
    [
        ("NO-GO", "twin_unequal", said(proven=False)),
        ("HOLD", "twin_unproven", said(proven=None, reason="no server", proof=None)),
        ("HOLD", "twin", said(proven="yes")),
        ("HOLD", "twin", said(proven=None, required=None)),
        ("HOLD", "twin_unproven", said(proven=None, required=True)),
        ("HOLD", "twin", lambda case: case.update(twin=None)),
        ("HOLD", "twin", lambda case: case.pop("twin")),
        ("HOLD", "twin", said(proof=None)),
        ("HOLD", "twin", said(backup_sha256="ef" * 32)),
        ("HOLD", "twin", said(backup_sha256=None)),
        ("HOLD", "twin", compared(tables={})),
        ("HOLD", "twin", compared(equal=False)),
        ("HOLD", "twin", compared(schema={**PROOF["schema"], "equal": False})),
        ("HOLD", "twin", compared(sequences=None)),
        ("HOLD", "twin", compared(large_objects={})),
        ("HOLD", "twin", table(equal=False)),
        ("HOLD", "twin", table(rows=[3, None])),
        ("HOLD", "twin", table(hash=None)),
        ("HOLD", "stage_not_run", lambda case: case["events"].pop(3)),
        ("HOLD", "stage_order", lambda case: case["events"].insert(6, case["events"].pop(3))),
    ],
)
def test_anything_less_is_not(decision: str, code: str, change: Change) -> None:
    verdict = changed(change)
    assert verdict["decision"] == decision
    assert code in {reason["code"] for reason in verdict["reasons"]}
    assert verdict["would_change"]
    canonical.dumps(verdict)


def test_where_it_is_not_required_an_unproven_backup_is_a_condition() -> None:
    verdict = changed(said(proven=None, required=False, reason="no server programs", proof=None))
    assert verdict["decision"] == "GO"
    assert verdict["conditions"] == [
        {
            "code": "backup_unproven",
            "subject": "backup",
            "text": "the backup was not restored: no server programs",
        }
    ]


def test_a_proof_of_the_opposite_is_a_no_go_also_where_none_is_required() -> None:
    verdict = changed(said(proven=False, required=False, reason="rows are missing"), failed)
    assert verdict["decision"] == "NO-GO"
    assert verdict["reasons"][0]["observed"] == "rows are missing"
    assert "HOLD if the restored backup passes" in verdict["would_change"]


@settings(max_examples=100)
@given(JSON)
def test_junk_never_raises_and_is_no_go_ahead(junk: Any) -> None:
    verdict = changed(lambda case: case.update(twin=junk))
    assert verdict["decision"] == "HOLD"
    canonical.dumps(verdict)


@pytest.mark.parametrize("about", PROTECTED)
def test_a_protected_target_requires_a_proof_whatever_the_record_says(
    about: dict[str, Any],
) -> None:
    def in_production(case: Case) -> None:
        case["run"].update(about, promotion=PROMOTION)

    unproven = said(proven=None, required=False, proof=None, reason="switched off")
    assert changed(in_production)["decision"] == "GO"
    assert changed(unproven)["decision"] == "GO"
    verdict = changed(in_production, unproven)
    assert verdict["decision"] == "HOLD"
    assert [reason["code"] for reason in verdict["reasons"]] == ["twin_unproven"]


@pytest.mark.parametrize("about", PROTECTED)
def test_a_protected_target_asks_for_what_has_let_it_in(about: dict[str, Any]) -> None:
    verdict = changed(lambda case: case["run"].update(about))
    assert verdict["decision"] == "HOLD"
    assert [reason["code"] for reason in verdict["reasons"]] == ["promotion"]
