"""Databases of environments, on their way to the second runbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonogo.controller.request.protection import ONLY_INVENTORY
from gonogo.host.compare import schema_catalog
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome

__all__ = ["ROLL_OUT", "RUNBOOK", "VALIDATE", "Make", "Target", "make_target"]

Make = Callable[..., Database]

RUNBOOK = PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"
VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml")
ROLL_OUT = ("-i", "inventories/sandbox", "rollout_production.yml")


@dataclass
class Target:
    """A database of an environment, to be migrated to the second runbook."""

    database: Database
    controller: Controller
    environment: str

    def arguments(self, *playbook: str, **variables: Any) -> list[str]:
        """What only an inventory may say is in one; the rest is given on the command line."""
        said = {
            "gonogo_environment": self.environment,
            "gonogo_protected": self.environment == "production",
            **{name: variables.pop(name) for name in ONLY_INVENTORY if name in variables},
        }
        given = {
            "gonogo_profile": "target",
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_residue": "rollback",
            "deploy_enabled": True,
            **variables,
        }
        # A host's variables beat those of its groups.
        return [*self.controller.inventory(**said), *playbook, "-e", json.dumps(given)]

    def play(self, *playbook: str, **variables: Any) -> Outcome:
        self.controller.aim(self.database)
        return self.controller.play(*self.arguments(*playbook, **variables))

    def run(self) -> Path:
        """The newest run."""
        return max(self.controller.runs_dir.glob(f"{self.environment}/*Z-*"))

    def schema(self) -> dict[str, str]:
        with self.database.owner() as connection:
            connection.execute("SET search_path TO ''")
            return schema_catalog.read(connection)


def make_target(make_database: Make, controller: Controller, environment: str) -> Target:
    database = make_database("as_deployed")
    with database.admin() as admin:
        admin.execute(
            f"ALTER DATABASE \"{database.name}\" SET gonogo.environment = '{environment}'"
        )
    return Target(database, controller, environment)
