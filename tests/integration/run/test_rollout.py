"""From staging to production: evidence, approval, deployment, and the same schema in the end."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.integration.support.harness import Controller, Outcome
from tests.integration.support.targets import ROLL_OUT, RUNBOOK, VALIDATE, Make, make_target


def _token(outcome: Outcome) -> str:
    return outcome.output.split("deploy_token=")[1].split()[0]


@pytest.mark.usefixtures("with_twin")
def test_production_gets_what_staging_has_proven(
    make_database: Make, controller: Controller
) -> None:
    staging = make_target(make_database, controller, "staging")
    production = make_target(make_database, controller, "production")
    before = production.schema()
    validated = staging.play(*VALIDATE)
    assert validated.verdict["decision"] == "GO", validated.output
    promoted = {
        "gonogo_promotion_from": "staging",
        "gonogo_promotion_evidence": str(staging.run()),
    }

    # On production somebody is always asked, whatever the inventory says.
    asked = production.play(*ROLL_OUT, **promoted, deploy_approval_required=False)
    verdict = json.loads((production.run() / "verdict.json").read_text())
    assert verdict["decision"] == "HOLD", asked.output
    assert "No answer: nothing was deployed" in asked.output
    assert production.schema() == before
    # Each report has the command that comes next.
    assert "gonogo_promotion_evidence=" in (staging.run() / "report.html").read_text()
    assert f"deploy_token={_token(asked)} " in (production.run() / "report.html").read_text()

    approval = {"deploy_run_id": production.run().name, "deploy_token": _token(asked)}
    done = production.play(*ROLL_OUT, **promoted, **approval, deploy_approved_by="Dewi")
    verdict = json.loads((production.run() / "verdict.json").read_text())
    assert verdict["decision"] == "GO", done.output
    record = json.loads((production.run() / "deploy.json").read_text())
    assert record["action"] == "applied"
    assert record["approved"]["approved_by"] == "Dewi"
    assert record["approved"]["shown_by"] == approval["deploy_run_id"]
    assert production.schema() == staging.schema() != before


@pytest.mark.attack
def test_only_an_approval_of_this_plan_counts(make_database: Make, controller: Controller) -> None:
    target = make_target(make_database, controller, "staging")
    other = make_target(make_database, controller, "staging")
    before = target.schema()
    ask: dict[str, Any] = {"deploy_approval_required": True}
    elsewhere = other.play(*VALIDATE, **ask)
    foreign = {"deploy_run_id": other.run().name, "deploy_token": _token(elsewhere)}
    shown = target.play(*VALIDATE, **ask)
    token, run_id = _token(shown), target.run().name
    name = {"deploy_approved_by": "Dewi"}
    for given, message in (
        ({"deploy_run_id": run_id, "deploy_token": "0123456789", **name}, "not this plan's"),
        ({"deploy_token": token, **name}, "not this plan's"),
        ({"deploy_run_id": run_id, "deploy_token": token}, "does not say who gives it"),
        ({"deploy_run_id": run_id, **name}, "No answer"),
        ({"deploy_run_id": "20260101T000000Z-abcdef", "deploy_token": token, **name}, "no run of"),
        ({"deploy_run_id": "../../x", "deploy_token": token, **name}, "no run of"),
        ({**foreign, **name}, "has changed since the plan was shown"),
    ):
        refused = target.play(*VALIDATE, **ask, **given)
        assert message in refused.output, refused.output
        assert refused.status != 0
        assert target.schema() == before

    # Altered evidence of the run that has shown it.
    plan = target.controller.runs_dir / "staging" / run_id / "deploy_plan.json"
    text = plan.read_text()
    plan.write_text(text.replace('expires_at": "2', 'expires_at": "3'))
    good = {"deploy_run_id": run_id, "deploy_token": token, **name}
    refused = target.play(*VALIDATE, **ask, **good)
    assert "is damaged; nothing was deployed" in refused.output
    assert target.schema() == before
    plan.write_text(text)

    copy = target.controller.runs_dir / "copy"
    shutil.copytree(plan.parent, copy)
    done = target.play(*VALIDATE, **ask, **good)
    assert json.loads((target.run() / "deploy.json").read_text())["action"] == "applied"
    assert done.status == 0, done.output
    # What is there needs nobody's word.
    again = target.play(*VALIDATE, **ask)
    assert again.status == 0, again.output

    # Taken back, all is as it was when the plan was shown; the token was for one deployment.
    with target.database.owner() as owner:
        owner.execute((RUNBOOK / "undo.sql").read_bytes())
    assert target.schema() == before
    refused = target.play(*VALIDATE, **ask, **good)
    assert "the token was used by run" in refused.output, refused.output
    assert target.schema() == before
    # Also where another controller has a copy of the evidence from before.
    shutil.rmtree(plan.parent)
    shutil.copytree(copy, plan.parent)
    refused = target.play(*VALIDATE, **ask, **good)
    assert "this approval was used before" in refused.output, refused.output
    assert target.schema() == before
