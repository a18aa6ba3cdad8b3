"""What the twin does to a whole run: no GO without a proof, nothing after the opposite of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.harness import Controller, Database, Outcome
from tests.integration.support.twins import wrapped

pytestmark = pytest.mark.usefixtures("with_twin")

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")
PASSED = "stage_passed"
# More than any host has.
NO_ROOM = ("-e", "twin_space_factor=1000000000", "-e", "twin_scratch=false")


def _record(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads((outcome.evidence / "twin.json").read_text()))


def test_the_proof_is_in_the_evidence_and_the_report(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    controller.aim(database)
    rows = database.rows()
    outcome = controller.play(*SANDBOX, "-e", "twin_required=true")
    assert outcome.verdict["decision"] == "GO", outcome.output
    record = _record(outcome)
    assert record["proven"] is True
    assert {name: table["rows"] for name, table in record["proof"]["tables"].items()} == {
        f"public.{name}": [count, count] for name, count in rows.items()
    }
    assert "The restored backup equals its source" in outcome.output
    report = (outcome.evidence / "report.md").read_text()
    proof = report.split("<summary>The backup and its proof</summary>")[1].split("</details>")[0]
    assert f"| public.sites | {rows['sites']} | {rows['sites']} | equal |" in proof
    assert f"restore time`: `{record['seconds']['restore']} s" in proof
    assert list((tmp_path / "sandbox" / "target" / "twins").iterdir()) == []
    # Nobody else wanted the host: the time line has no wait, and knows that there was none.
    chain = (outcome.evidence / "events.jsonl").read_text()
    events = [json.loads(line) for line in chain.splitlines()]
    waits = {one["stage"]: one["data"].get("waited") for one in events if one["event"] == PASSED}
    assert waits["backup"] is not None
    assert waits["twin"] is not None


def test_a_backup_that_lacks_rows_stops_the_run(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    with database.owner() as connection:
        connection.execute("CREATE TABLE public.alone AS SELECT id FROM public.sites")
    before = database.rows()
    programs = wrapped(
        tmp_path / "bin", database.cluster.bin, options="--exclude-table-data=public.alone"
    )
    controller.aim(database, bin=programs)
    outcome = controller.play(*SANDBOX)
    assert outcome.status != 0
    verdict = outcome.verdict
    assert verdict["decision"] == "NO-GO"
    assert verdict["reasons"][0]["code"] == "twin_unequal"
    assert f"public.alone: {before['alone']} rows at the source, 0 restored" in outcome.output
    # Nothing else was begun: nothing was sent, asked or written.
    assert set(verdict["checks"].values()) == {"not_run"}
    assert not list(outcome.evidence.glob("sql/*"))
    assert database.rows() == before


def test_an_unproven_backup_is_a_condition_or_a_hold(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    accepted = controller.play(*SANDBOX, *NO_ROOM)
    assert accepted.verdict["decision"] == "GO", accepted.output
    (condition,) = accepted.verdict["conditions"]
    assert condition["code"] == "backup_unproven"
    assert "not enough room for the twin" in condition["text"]
    required = controller.play(*SANDBOX, *NO_ROOM, "-e", "twin_required=true")
    assert required.verdict["decision"] == "HOLD"
    assert [reason["code"] for reason in required.verdict["reasons"]] == ["twin_unproven"]
    off = controller.play(*SANDBOX, "-e", "twin_enabled=false", "-e", "twin_required=true")
    assert [reason["code"] for reason in off.verdict["reasons"]] == ["twin_unproven"]
    assert "switched off" in off.verdict["reasons"][0]["observed"]


@pytest.mark.attack
def test_older_proven_backups_go_and_the_evidence_says_which(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    controller.aim(database)
    backups = tmp_path / "sandbox" / "target" / "backups"
    first = controller.play(*SANDBOX)
    old = json.loads((first.evidence / "backup.json").read_text())["file"]
    kept = Path(old)
    # Nobody's, whatever it is called.
    mine = backups / f"{database.name}-20200101T000000Z-abcdef.dump"
    mine.mkdir()
    second = controller.play(*SANDBOX, "-e", "gonogo_keep_backups=1")
    assert second.verdict["decision"] == "GO", second.output
    assert f"Removed, as newer ones are proven: {old}" in second.output
    assert not kept.exists()
    assert not kept.with_suffix(".json").exists()
    new = Path(json.loads((second.evidence / "backup.json").read_text())["file"])
    assert {path.name for path in backups.iterdir()} == {
        *(new.name, new.with_suffix(".json").name, mine.name)
    }
    chain = (second.evidence / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in chain]
    (said,) = (e["data"] for e in events if (e["stage"], e["event"]) == ("twin", "stage_passed"))
    assert [one["file"] for one in said["removed"]] == [old]
