"""Shows the plan of a cleanup, and carries it out when that very plan was approved."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.utils.vars import load_extra_vars

from gonogo.controller import approval, deployment, evidence, ledger, others, project, request
from gonogo.controller.stage import LOGIN, Stage
from gonogo.errors import GonogoError, InputError
from gonogo.remote.common import TIMEOUTS_SPEC

_PLAN = "cleanup_plan.json"
_DONE = "cleanup.json"

# What of a module's answer is kept on record.
_KEPT = ("run_id", "approved_by", "committed", "content", "rows", "remaining", "unseen")


class ActionModule(Stage):
    """See library/gonogo_cleanup.py."""

    stage = "cleanup"
    spec = {
        "login": LOGIN,
        "environment": {"type": "str", "required": True},
        "run_id": {"type": "str"},
        "approval": approval.APPROVAL,
        "plan_hours": {"type": "int", "default": 24},
        "timeouts": TIMEOUTS_SPEC,
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        known, prefixes = project.variables()
        request.check_variables(load_extra_vars(self._loader), known=known, prefixes=prefixes)
        run = self._run(arguments)
        if run is None:
            return {"committed": False, "lines": ["No run has left rows: nothing to remove."]}
        self.same_login(run, arguments)
        # For other processes to see: who removes the rows of a run works on it.
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        try:
            return self._clean(run, arguments)
        finally:
            evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)

    def _clean(self, run: evidence.Run, arguments: dict[str, Any]) -> dict[str, Any]:
        planned = self._delete(run, arguments, approved_content=None)
        lines = _plan_lines(run.run_id, planned)
        if not sum(planned["rows"].values()):
            report = {**planned, "run_id": run.run_id}
            # Where an approval has removed them, the record of it stays.
            if not (run.path / _DONE).is_file():
                self._note_done(run, {**report, "approved_by": self._approved_by(run)})
            return {**report, "lines": [*lines, "Nothing of this run is left."]}
        plan, new = approval.open_plan(
            run, _PLAN, planned["content"], hours=arguments["plan_hours"]
        )
        if new:
            self._write_plan(run, plan)
        report = {**planned, "run_id": run.run_id, "token": plan["token"]}
        given = arguments["approval"]
        if given is None:
            return {**report, "lines": lines}
        if given["typed"] and not given["approved_by"]:
            given["approved_by"] = getpass.getuser()
        refusal = approval.refusal(given, run.run_id, plan, prefix="cleanup")
        if refusal:
            said = [f"{refusal}: nothing was removed.", *self._next_lines(report)]
            mistaken = approval.is_mistaken(given)
            return {**report, "lines": said, "failed": mistaken, "msg": said[0]}
        # First on record: should the answer of what follows be lost, this says who wanted it.
        approved_at = datetime.now(UTC).isoformat(timespec="seconds")
        approved = {"approved_by": given["approved_by"], "approved_at": approved_at}
        self._write_plan(run, {**plan, **approved})
        done = self._delete(run, arguments, approved_content=planned["content"])
        if not done["committed"]:
            raise GonogoError(
                "the rows have changed since the plan was shown; nothing was removed",
                hint="Look at the new plan: run the playbook again without an approval.",
            )
        self._note_done(run, {**done, "run_id": run.run_id, "approved_by": given["approved_by"]})
        return {
            **done,
            "changed": True,
            "run_id": run.run_id,
            "token": plan["token"],
            "lines": [
                f"Removed {sum(done['rows'].values())} rows of run {run.run_id}; "
                f"{done['remaining']} left. Everything else is as it was."
            ],
        }

    def _run(self, arguments: dict[str, Any]) -> evidence.Run | None:
        """The run asked for, or else the newest on this target that no cleanup has followed."""
        environment, run_id = arguments["environment"], arguments["run_id"]
        folder = self.runs_dir / environment
        if run_id:
            request.check_run_id("cleanup_run_id", run_id)
            if not (folder / run_id / "ledger.jsonl").is_file():
                raise InputError(
                    f"environment {environment} has no run of that id with a ledger",
                    key="cleanup_run_id",
                    value=run_id,
                    hint=f"Look into {folder}.",
                )
            return evidence.Run.open(folder / run_id)
        for path in sorted(folder.glob("*Z-*"), reverse=True):
            if (path / "ledger.jsonl").is_file() and not (path / _DONE).is_file():
                run = evidence.Run.open(path)
                if self.proven_login(run) == arguments["login"]:
                    return run
        return None

    def _delete(
        self, run: evidence.Run, arguments: dict[str, Any], *, approved_content: str | None
    ) -> dict[str, Any]:
        """Rehearse the removal, or do it, with what was sealed before the rows were made."""
        record = run.read_json("run.json")
        script = f"sql/{record['cleanup']}.sql"
        # A run that was cut while it wrote down an answer leaves that file as a riddle, and rows.
        problems = evidence.load(run.path).problems_with("run.json", "ledger.jsonl", script)
        if problems:
            raise GonogoError(
                "the evidence of this run is damaged; nothing was removed",
                detail="\n".join(problems[:5]),
                hint="A ledger that may have been altered is not followed.",
            )
        target = record["target"]
        asked = {
            "login": arguments["login"],
            "run_id": run.run_id,
            "declared": {
                **target["declared"],
                "system_identifier": target["observed"]["system_identifier"],
            },
            "ledger": ledger.by_table(run.read_lines("ledger.jsonl")),
            "script": run.read_bytes(script).decode(),
            "approved_content": approved_content,
            "timeouts": arguments["timeouts"],
        }

        def call(fence: list[str]) -> dict[str, Any]:
            return self.call_with_database("cleanup", {**asked, "fence": fence})

        return others.after_the_dead(
            call,
            call([]),
            runs_dir=self.runs_dir,
            identity=self.identity,
            hint="pg_terminate_backend",
        )

    def _write_plan(self, run: evidence.Run, plan: dict[str, Any]) -> None:
        if not self.checking:
            run.write_json(_PLAN, plan, stage=self.stage)

    @staticmethod
    def _approved_by(run: evidence.Run) -> str | None:
        """Who approved the last plan, None if nobody has."""
        plan = run.read_json(_PLAN) if (run.path / _PLAN).is_file() else {}
        return plan.get("approved_by")

    def _next_lines(self, report: Mapping[str, Any]) -> list[str]:
        """The command that removes the rows, ready to be pasted but for the name."""
        command = deployment.command(
            "playbooks/cleanup.yml",
            f"cleanup_run_id={report['run_id']}",
            f"cleanup_token={report['token']}",
            "cleanup_approved_by=NAME",
            inventories=deployment.sources(self._vars),
        )
        return ["To remove them:", f"  {command}"]

    def _note_done(self, run: evidence.Run, record: dict[str, Any]) -> None:
        if not self.checking:
            kept = {key: record[key] for key in _KEPT}
            at = datetime.now(UTC).isoformat(timespec="seconds")
            run.write_json(_DONE, {**kept, "at": at}, stage=self.stage)


def _plan_lines(run_id: str, planned: Mapping[str, Any]) -> list[str]:
    lines = [f"Rows of run {run_id}, in the order they would be deleted:"]
    lines += [f"  {count:6d}  {table}" for table, count in planned["rows"].items() if count]
    lines.append("The removal was rehearsed and rolled back; no other row of the database changed.")
    if planned["unseen"]:
        lines.append(f"Not seen by this login: {', '.join(planned['unseen'])}.")
    return lines
