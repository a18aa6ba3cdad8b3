"""Shows what taking a migration back would do, and does it when that very plan was approved."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller import evidence, migration
from gonogo.controller.approved_stage import SPEC, ApprovedStage
from gonogo.deploy.budgets import BUDGETS_SPEC, budgets_of
from gonogo.errors import GonogoError

_SHOWN = 20


class ActionModule(ApprovedStage):
    """See library/gonogo_undo.py."""

    stage = "undo"
    spec = {**SPEC, "budgets": BUDGETS_SPEC}
    moved = "what would be lost has changed"
    purpose = "To take it back"
    kept = (
        *("state", "content", "changes", "lost", "compared", "locked", "locked_seconds"),
        *("committed", "bill", "seconds"),
    )

    def nobody(self) -> str:
        return "No run has deployed anything on this target: nothing to take back."

    def choose(self, arguments: Mapping[str, Any]) -> evidence.Run | None:
        """The run asked for, or else the newest on this target that looked at the migration."""
        budgets_of(arguments["budgets"])
        run = self.named(arguments, "deploy.json", "a deployment")
        if run:
            self.same_login(run, arguments)
            return run
        found = None
        folder = self.runs_dir / arguments["environment"]
        for path in sorted(folder.glob("*Z-*"), reverse=True):
            if not (path / "deploy.json").is_file() or (path / self.done_file).is_file():
                continue
            run = evidence.Run.open(path)
            if self.proven_login(run) != arguments["login"]:
                continue
            # The one that applied it has kept the schema as it was; later ones found it there.
            if (path / "schema_before.json").is_file():
                return run
            found = found or run
        return found

    def nothing(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str] | None:
        del run
        absent = planned["state"] == "absent"
        return ["The migration is not there: nothing to take back."] if absent else None

    def request_of(self, run: evidence.Run, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """With what was sealed when the migration was applied."""
        kept = (run.path / "schema_before.json").is_file()
        self.refuse_damage(
            run, "run.json", "deploy.json", *(["schema_before.json"] if kept else [])
        )
        runbook = self.runbook_of(run)
        if not runbook.sql_files("undo"):
            raise GonogoError(
                f"runbook {runbook.name} has no undo",
                hint="List the scripts under `undo` in runbook.yml.",
            )
        return {
            "plan": migration.plan(runbook, "undo"),
            "schema_before": run.read_json("schema_before.json") if kept else None,
            "budgets": arguments["budgets"],
        }

    def plan_lines(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str]:
        return _plan_lines(run.run_id, planned)

    def done_lines(self, run: evidence.Run, done: Mapping[str, Any]) -> list[str]:
        return [
            f"Took back the migration of run {run.run_id}: {len(done['changes'])} changes to "
            f"the schema, {sum(done['lost'].values())} rows went with it. "
            "Everything else is as it was.",
        ]


def _plan_lines(run_id: str, planned: Mapping[str, Any]) -> list[str]:
    words = {"applied": "", "half": ", which is there in part", "unfinished": ""}
    lines = [f"Taking back the migration of run {run_id}{words.get(planned['state'], '')}:"]
    lines += [f"  {name}" for name in planned["changes"][:_SHOWN]]
    if len(planned["changes"]) > _SHOWN:
        lines.append(f"  and {len(planned['changes']) - _SHOWN} more changes to the schema")
    if planned["lost"]:
        lines.append("These rows would be LOST; they are only here and in a backup:")
        lines += [f"  {rows:6d}  {name}" for name, rows in planned["lost"].items()]
    else:
        lines.append("No row would be lost.")
    lines.append(
        f"Nobody else could use these tables for {planned['locked_seconds']:.1f} s: "
        f"{', '.join(planned['locked'])}."
    )
    compared = len(planned["compared"])
    lines.append(
        f"It was rehearsed and rolled back; the rows of {compared} tables that it touches and "
        "leaves there were compared and are the same."
    )
    return lines
