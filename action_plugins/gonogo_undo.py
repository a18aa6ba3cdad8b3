"""Shows what taking a migration back would do, and does it when that very plan was approved."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.utils.vars import load_extra_vars

from gonogo.controller import (
    approval,
    deployment,
    evidence,
    migration,
    others,
    project,
    request,
)
from gonogo.controller.stage import LOGIN, Stage
from gonogo.deploy.budgets import BUDGETS_SPEC, budgets_of
from gonogo.errors import GonogoError, InputError
from gonogo.remote.common import TIMEOUTS_SPEC

_PLAN = "undo_plan.json"
_DONE = "undo.json"
_SHOWN = 20

# What of a module's answer is kept on record.
_KEPT = (
    *("state", "content", "changes", "lost", "compared", "locked", "locked_seconds"),
    *("committed", "bill", "seconds"),
)


class ActionModule(Stage):
    """See library/gonogo_undo.py."""

    stage = "undo"
    spec = {
        "login": LOGIN,
        "environment": {"type": "str", "required": True},
        "run_id": {"type": "str"},
        "approval": approval.APPROVAL,
        "plan_hours": {"type": "int", "default": 24},
        "budgets": BUDGETS_SPEC,
        "timeouts": TIMEOUTS_SPEC,
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        known, prefixes = project.variables()
        request.check_variables(load_extra_vars(self._loader), known=known, prefixes=prefixes)
        budgets_of(arguments["budgets"])
        run = self._run(arguments)
        if run is None:
            said = "No run has deployed anything on this target: nothing to take back."
            return {"committed": False, "lines": [said]}
        self.same_login(run, arguments)
        # For other processes to see: who takes a migration back works on its run.
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        try:
            return self._undo(run, arguments)
        finally:
            evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)

    def _undo(self, run: evidence.Run, arguments: dict[str, Any]) -> dict[str, Any]:
        planned = self._call(run, arguments, approved_content=None)
        report = {**planned, "run_id": run.run_id}
        if planned["state"] == "absent":
            return {**report, "lines": ["The migration is not there: nothing to take back."]}
        plan, new = approval.open_plan(
            run, _PLAN, planned["content"], hours=arguments["plan_hours"]
        )
        if new:
            self._write(run, _PLAN, plan)
        report["token"] = plan["token"]
        lines = _plan_lines(run.run_id, planned)
        given = arguments["approval"]
        if given is None:
            return {**report, "lines": lines}
        if given["typed"] and not given["approved_by"]:
            given["approved_by"] = getpass.getuser()
        refusal = approval.refusal(given, run.run_id, plan, prefix="undo")
        if refusal:
            said = [f"{refusal}: nothing was changed.", *self._next_lines(report)]
            mistaken = approval.is_mistaken(given)
            return {**report, "lines": said, "failed": mistaken, "msg": said[0]}
        # First on record: should the answer of what follows be lost, this says who wanted it.
        approved_at = datetime.now(UTC).isoformat(timespec="seconds")
        approved = {"approved_by": given["approved_by"], "approved_at": approved_at}
        self._write(run, _PLAN, {**plan, **approved})
        done = self._call(run, arguments, approved_content=planned["content"])
        if not done["committed"]:
            raise GonogoError(
                "what would be lost has changed since the plan was shown; nothing was changed",
                hint="Look at the new plan: run the playbook again without an approval.",
            )
        record = {key: done[key] for key in _KEPT}
        self._write(run, _DONE, {**record, "run_id": run.run_id, **approved})
        return {
            **done,
            "changed": True,
            "run_id": run.run_id,
            "token": plan["token"],
            "lines": [
                f"Took back the migration of run {run.run_id}: {len(done['changes'])} changes to "
                f"the schema, {sum(done['lost'].values())} rows went with it. "
                "Everything else is as it was.",
            ],
        }

    def _run(self, arguments: dict[str, Any]) -> evidence.Run | None:
        """The run asked for, or else the newest on this target that looked at the migration."""
        folder = self.runs_dir / arguments["environment"]
        if arguments["run_id"]:
            request.check_run_id("undo_run_id", arguments["run_id"])
            path = folder / arguments["run_id"]
            if not (path / "deploy.json").is_file():
                raise InputError(
                    f"environment {arguments['environment']} has no run of that id that deployed",
                    key="undo_run_id",
                    value=arguments["run_id"],
                    hint=f"Look into {folder}.",
                )
            return evidence.Run.open(path)
        found = None
        for path in sorted(folder.glob("*Z-*"), reverse=True):
            if not (path / "deploy.json").is_file() or (path / _DONE).is_file():
                continue
            run = evidence.Run.open(path)
            if self.proven_login(run) != arguments["login"]:
                continue
            # The one that applied it has kept the schema as it was; later ones found it there.
            if (path / "schema_before.json").is_file():
                return run
            found = found or run
        return found

    def _call(
        self, run: evidence.Run, arguments: dict[str, Any], *, approved_content: str | None
    ) -> dict[str, Any]:
        """Rehearse, or do it, with what was sealed when the migration was applied."""
        names = ["run.json", "deploy.json"]
        kept = (run.path / "schema_before.json").is_file()
        names += ["schema_before.json"] if kept else []
        problems = evidence.load(run.path).problems_with(*names)
        if problems:
            raise GonogoError(
                "the evidence of this run is damaged; nothing was changed",
                detail="\n".join(problems[:5]),
            )
        runbook = self.runbook_of(run)
        if not runbook.sql_files("undo"):
            raise GonogoError(
                f"runbook {runbook.name} has no undo",
                hint="List the scripts under `undo` in runbook.yml.",
            )
        target = run.read_json("run.json")["target"]
        asked = {
            "login": arguments["login"],
            "run_id": run.run_id,
            "declared": {
                **target["declared"],
                "system_identifier": target["observed"]["system_identifier"],
            },
            "plan": migration.plan(runbook, "undo"),
            "schema_before": run.read_json("schema_before.json") if kept else None,
            "approved_content": approved_content,
            "budgets": arguments["budgets"],
            "timeouts": arguments["timeouts"],
        }

        def call(fence: list[str]) -> dict[str, Any]:
            return self.call_with_database("undo", {**asked, "fence": fence})

        return others.after_the_dead(
            call,
            call([]),
            runs_dir=self.runs_dir,
            identity=self.identity,
            hint="pg_terminate_backend",
        )

    def _write(self, run: evidence.Run, name: str, record: dict[str, Any]) -> None:
        if not self.checking:
            run.write_json(name, record, stage=self.stage)

    def _next_lines(self, report: Mapping[str, Any]) -> list[str]:
        """The command that takes the migration back, ready to be pasted but for the name."""
        command = deployment.command(
            "playbooks/undo.yml",
            f"undo_run_id={report['run_id']}",
            f"undo_token={report['token']}",
            "undo_approved_by=NAME",
            inventories=deployment.sources(self._vars),
        )
        return ["To take it back:", f"  {command}"]


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
