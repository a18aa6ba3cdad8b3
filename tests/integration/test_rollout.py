"""From staging to production: evidence, approval, deployment, and the same schema in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonogo import schema_catalog
from tests.integration.harness import PROJECT, Controller, Database, Outcome

Make = Callable[..., Database]

pytestmark = pytest.mark.usefixtures("with_twin")

RUNBOOK = PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"
VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml")
ROLL_OUT = ("-i", "inventories/sandbox", "rollout_production.yml")


@dataclass
class Target:
    """A database of an environment, to be migrated to the second runbook."""

    database: Database
    controller: Controller
    environment: str

    def play(self, *playbook: str, **variables: Any) -> Outcome:
        given = {
            "gonogo_environment": self.environment,
            "gonogo_profile": "target",
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_residue": "rollback",
            "deploy_enabled": True,
            **variables,
        }
        self.controller.aim(self.database)
        return self.controller.play(*playbook, "-e", json.dumps(given))

    def run(self) -> Path:
        """The newest run."""
        return max(self.controller.runs_dir.glob(f"{self.environment}/*Z-*"))

    def schema(self) -> dict[str, str]:
        with self.database.owner() as connection:
            connection.execute("SET search_path TO ''")
            return schema_catalog.read(connection)


def _target(make_database: Make, controller: Controller, environment: str) -> Target:
    database = make_database("as_deployed")
    with database.admin() as admin:
        admin.execute(
            f"ALTER DATABASE \"{database.name}\" SET gonogo.environment = '{environment}'"
        )
    return Target(database, controller, environment)


def _token(outcome: Outcome) -> str:
    return outcome.output.split("deploy_token=")[1].split()[0]


def test_production_gets_what_staging_has_proven(
    make_database: Make, controller: Controller
) -> None:
    staging = _target(make_database, controller, "staging")
    production = _target(make_database, controller, "production")
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

    approval = {"deploy_run_id": production.run().name, "deploy_token": _token(asked)}
    done = production.play(*ROLL_OUT, **promoted, **approval, deploy_approved_by="Dewi")
    verdict = json.loads((production.run() / "verdict.json").read_text())
    assert verdict["decision"] == "GO", done.output
    record = json.loads((production.run() / "deploy.json").read_text())
    assert record["action"] == "applied"
    assert record["approved"]["approved_by"] == "Dewi"
    assert record["approved"]["shown_by"] == approval["deploy_run_id"]
    assert production.schema() == staging.schema() != before


def test_only_an_approval_of_this_plan_counts(make_database: Make, controller: Controller) -> None:
    target = _target(make_database, controller, "staging")
    other = _target(make_database, controller, "staging")
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

    done = target.play(*VALIDATE, **ask, **good)
    assert json.loads((target.run() / "deploy.json").read_text())["action"] == "applied"
    assert done.status == 0, done.output
    # What is there needs nobody's word.
    again = target.play(*VALIDATE, **ask)
    assert again.status == 0, again.output
