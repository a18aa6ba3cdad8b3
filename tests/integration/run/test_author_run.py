"""The least that is a runbook comes to a verdict: no prisma, no preflight, no empty line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.support.harness import Controller, Database
from tests.unit.test_author import SMALL


def test_the_least_that_is_a_runbook_is_deployed_and_judged(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    (folder / "phases").mkdir(parents=True)
    for name, text in SMALL.items():
        (folder / name).write_text(text, encoding="utf-8")
    controller.aim(database)
    outcome = controller.play(
        *("-i", "inventories/sandbox", "validate_staging.yml", "-e", "deploy_enabled=true"),
        *("-e", json.dumps({"gonogo_runbook": str(folder), "gonogo_parameters": {}})),
    )
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert outcome.verdict["checks"] == {"C1.1": "pass", "C1.2": "pass"}
    assert json.loads((outcome.evidence / "deploy.json").read_text())["action"] == "applied"
    assert json.loads((outcome.evidence / "facts.json").read_text()) == {}
