"""Shows what restoring a backup would do, and does it when that very plan was approved."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.utils.vars import load_extra_vars

from gonogo.controller import approval, deployment, evidence, others, project, request
from gonogo.controller.stage import LOGIN, Stage
from gonogo.errors import GonogoError, InputError
from gonogo.remote.common import TIMEOUTS_SPEC

_PLAN = "restore_plan.json"
_DONE = "restore.json"
_SHOWN = 20

# What of a module's answer is kept on record.
_KEPT = ("content", "database", "kept_as", "tables", "committed", "proof", "seconds")


class ActionModule(Stage):
    """See library/gonogo_restore.py."""

    stage = "restore"
    spec = {
        "login": LOGIN,
        "environment": {"type": "str", "required": True},
        "run_id": {"type": "str"},
        "maintenance": {"type": "str", "default": "postgres"},
        "pg_bin": {"type": "str"},
        "jobs": {"type": "int", "default": 0},
        "approval": approval.APPROVAL,
        "plan_hours": {"type": "int", "default": 24},
        "timeouts": TIMEOUTS_SPEC,
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        known, prefixes = project.variables()
        request.check_variables(load_extra_vars(self._loader), known=known, prefixes=prefixes)
        run = self._run(arguments)
        # For other processes to see: who restores the backup of a run works on it.
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        try:
            return self._restore(run, arguments)
        finally:
            evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)

    def _restore(self, run: evidence.Run, arguments: dict[str, Any]) -> dict[str, Any]:
        planned = self._call(run, arguments, approved_content=None)
        report = {**planned, "run_id": run.run_id}
        plan, new = approval.open_plan(
            run, _PLAN, planned["content"], hours=arguments["plan_hours"]
        )
        if new:
            self._write(run, _PLAN, plan)
        report["token"] = plan["token"]
        given = arguments["approval"]
        if given is None:
            return {**report, "lines": self._plan_lines(run, planned)}
        if given["typed"] and not given["approved_by"]:
            given["approved_by"] = getpass.getuser()
        refusal = approval.refusal(given, run.run_id, plan, prefix="restore")
        if refusal:
            said = [f"{refusal}: nothing was changed.", *self._next_lines(report)]
            mistaken = approval.is_mistaken(given)
            return {**report, "lines": said, "failed": mistaken, "msg": said[0]}
        # First on record: should the answer of what follows be lost, this says who wanted it.
        approved_at = datetime.now(UTC).isoformat(timespec="seconds")
        approved = {"approved_by": given["approved_by"], "approved_at": approved_at}
        self._write(run, _PLAN, {**plan, **approved, "kept_as": planned["kept_as"]})
        done = self._call(run, arguments, approved_content=planned["content"])
        if not done["committed"]:
            raise GonogoError(
                "what is there has changed since the plan was shown; nothing was changed",
                hint="Look at the new plan: run the playbook again without an approval.",
            )
        record = {key: done[key] for key in _KEPT}
        self._write(run, _DONE, {**record, "run_id": run.run_id, **approved})
        rows = sum(table["rows"][0] for table in done["proof"]["tables"].values())
        seconds = sum(done["seconds"].values())
        return {
            **done,
            "changed": True,
            "run_id": run.run_id,
            "token": plan["token"],
            "lines": [
                f"Restored {done['database']} from the backup of run {run.run_id} in "
                f"{seconds:.1f} s: {len(done['proof']['tables'])} tables and {rows} rows, equal to "
                "what was dumped.",
                f"The database that was there is {done['kept_as']} now, read-only.",
            ],
        }

    def _run(self, arguments: dict[str, Any]) -> evidence.Run:
        """The run that is named; its backup must be proven."""
        run_id, environment = arguments["run_id"], arguments["environment"]
        if not run_id:
            raise InputError(
                "a restore is from the backup of a run that you name",
                key="restore_run_id",
                hint=f"-e restore_run_id=RUN_ID; the runs are in {self.runs_dir / environment}.",
            )
        request.check_run_id("restore_run_id", run_id)
        path = self.runs_dir / environment / run_id
        if not (path / "backup.json").is_file():
            raise InputError(
                f"environment {environment} has no run of that id with a backup",
                key="restore_run_id",
                value=run_id,
                hint=f"Look into {path.parent}.",
            )
        run = evidence.Run.open(path)
        problems = evidence.load(path).problems_with("run.json", "backup.json", "twin.json")
        if problems:
            raise GonogoError(
                "the evidence of this run is damaged; nothing was changed",
                detail="\n".join(problems[:5]),
            )
        proven = run.read_json("twin.json") if (path / "twin.json").is_file() else {}
        if proven.get("proven") is not True:
            raise GonogoError(
                f"the backup of run {run_id} is unproven; nothing was changed",
                detail=proven.get("reason") or "It has never been restored.",
                hint="Name a run whose backup was restored and compared, or restore by hand with "
                "pg_restore.",
            )
        return run

    def _call(
        self, run: evidence.Run, arguments: dict[str, Any], *, approved_content: str | None
    ) -> dict[str, Any]:
        target, backup = run.read_json("run.json")["target"], run.read_json("backup.json")
        stamp = run.run_id.split("Z-")[0].replace("T", "") + "_" + run.run_id[-6:]
        asked = {
            "login": arguments["login"],
            "run_id": run.run_id,
            "declared": {
                **target["declared"],
                "system_identifier": target["observed"]["system_identifier"],
            },
            "file": backup["file"],
            "sha256": backup["sha256"],
            "stamp": stamp,
            "approved_content": approved_content,
            **{key: arguments[key] for key in ("maintenance", "pg_bin", "jobs", "timeouts")},
        }

        def call(fence: list[str]) -> dict[str, Any]:
            return self.call_with_database("restore", {**asked, "fence": fence})

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

    def _plan_lines(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str]:
        seconds = run.read_json("twin.json")["seconds"]
        lines = [
            f"Restoring {planned['database']} from the backup of run {run.run_id}:",
            f"  it would become what it was at {run.read_json('run.json')['started_at']}; the "
            f"database of now is kept as {planned['kept_as']}",
            f"  {planned['sessions']} session(s) of others would be ended; in the twin the restore "
            f"took {seconds['restore']:.1f} s, the comparison {seconds['compare']:.1f} s",
        ]
        lines += [
            f"  {name}: {_rows(now)} now, {_rows(then)} in the backup"
            for name, (now, then) in list(planned["tables"].items())[:_SHOWN]
        ]
        if len(planned["tables"]) > _SHOWN:
            lines.append(f"  and {len(planned['tables']) - _SHOWN} more tables")
        if not planned["tables"]:
            lines.append("  the rows of all tables are those of the backup")
        lines += [
            f"  {name}, which an interrupted restore has left, would be removed"
            for name in planned["left"]
        ]
        return lines

    def _next_lines(self, report: Mapping[str, Any]) -> list[str]:
        command = deployment.command(
            "playbooks/restore.yml",
            f"restore_run_id={report['run_id']}",
            f"restore_token={report['token']}",
            "restore_approved_by=NAME",
            inventories=deployment.sources(self._vars),
        )
        return ["To restore it:", f"  {command}"]


def _rows(number: int | None) -> str:
    return "not there" if number is None else f"{number} rows"
