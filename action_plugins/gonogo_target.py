"""Opens a run: checks the request, then the target, then takes the lock."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.utils.vars import load_extra_vars

from gonogo.controller import evidence, project, request
from gonogo.controller.runbook import Runbook
from gonogo.controller.stage import LOGIN, Stage
from gonogo.errors import GonogoError

STAGES = ["target", "backup", "copy_sql", "preflight", "phases"]


class ActionModule(Stage):
    """See library/gonogo_target.py."""

    stage = "target"
    spec = {
        "login": LOGIN,
        **request.REQUEST,
        "pg_bin": {"type": "str"},
        "backup_directory": {"type": "str", "required": True},
        "space_factor": {"type": "float", "default": 1.0},
        "lock_lease": {"type": "int", "default": 120},
        "take_over": {"type": "str"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        request.check_command_line(self._vars, extra=load_extra_vars(self._loader))
        if arguments["take_over"]:
            request.check_run_id("target_take_over", arguments["take_over"])
        runbook = request.load_runbook(arguments)
        declared = {
            "environment": arguments["environment"],
            "database": arguments["login"]["db"],
            "refused_databases": arguments["refused_databases"],
            "system_identifier": arguments["system_identifier"],
        }
        if self.checking:
            return self._probe(arguments, declared, run_id=evidence.new_run_id(datetime.now(UTC)))
        run = self._open(arguments, declared, runbook)
        result = self._probe(arguments, declared, run_id=run.run_id)
        if result["held"] or result["others"]:
            result = self._after_the_dead(run, arguments, declared, result)
        record = run.read_json("run.json")
        record["target"]["observed"] = result["observed"]
        record["versions"]["clients"] = result["clients"]
        run.write_json("run.json", record, stage=self.stage)
        run.append(self.stage, "stage_passed", {"fenced": result["fenced"]})
        return {**result, "run_id": run.run_id, "evidence": str(run.path)}

    def _open(
        self, arguments: dict[str, Any], declared: dict[str, Any], runbook: Runbook
    ) -> evidence.Run:
        run = evidence.Run.create(
            self.runs_dir, arguments["environment"], evidence.new_run_id(datetime.now(UTC))
        )
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        record = {
            "run_id": run.run_id,
            "token": evidence.new_token(),
            "environment": arguments["environment"],
            "target": {
                "inventory_host": self.host,
                "login": arguments["login"],
                "declared": declared,
            },
            "runbook": runbook.name,
            "runbook_sha256": runbook.sha256,
            "runbook_directory": str(runbook.directory),
            "cleanup": runbook.data["cleanup"],
            "profile": runbook.profile,
            "residue": arguments["residue"],
            "parameters": dict(runbook.parameters),
            "started_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "operator": getpass.getuser(),
            "controller": self.identity,
            "versions": {
                "ansible_core": version("ansible-core"),
                "python": sys.version.split()[0],
                "project": project.version(),
            },
            "digests": {"runbook": runbook.digests, "project": project.digests()},
        }
        run.write_json("run.json", record, stage=self.stage)
        plan = {**runbook.plan(stages=STAGES), "waivers": arguments["waivers"]}
        run.write_json("plan.json", plan, stage=self.stage)
        return run

    def _probe(
        self,
        arguments: dict[str, Any],
        declared: dict[str, Any],
        *,
        run_id: str,
        fence: list[str] | None = None,
    ) -> dict[str, Any]:
        passed = ("login", "pg_bin", "backup_directory", "space_factor", "lock_lease")
        return self.call_with_database(
            "gonogo_target",
            {
                **{key: arguments[key] for key in passed},
                "run_id": run_id,
                "declared": declared,
                "fence": fence or [arguments["take_over"]] * bool(arguments["take_over"]),
            },
        )

    def _after_the_dead(
        self,
        run: evidence.Run,
        arguments: dict[str, Any],
        declared: dict[str, Any],
        result: dict[str, Any],
    ) -> dict[str, Any]:
        """Somebody works on this database. Go on only if all of them are known to be dead."""
        held = result["held"] or {}
        found = sorted({*result["others"], *([held["run_id"]] if held.get("run_id") else [])})
        alive = [run_id for run_id in found if not self._is_dead(run_id)]
        if not found or alive:
            raise self._refusal(run, alive, held)
        result = self._probe(arguments, declared, run_id=run.run_id, fence=found)
        if result["held"] or result["others"]:
            raise self._refusal(run, result["others"], result["held"] or {})
        return result

    def _is_dead(self, run_id: str) -> bool:
        """Whether the controller of a run is known to be gone; False when nobody can tell."""
        # Anybody can name a session like a run; what is no id would be a pattern here.
        for path in self.runs_dir.glob(f"*/{run_id}") if request.is_run_id(run_id) else ():
            other = evidence.load(path).run or {}
            return evidence.is_alive(other.get("controller") or {}) is False
        return False

    @staticmethod
    def _refusal(run: evidence.Run, alive: list[str], held: dict[str, Any]) -> GonogoError:
        who = f"run {alive[0]}" if alive else f"session {held.get('application_name')!r}"
        since = f" since {held['since']}" if held.get("since") else ""
        client = f" from {held['client']}" if held.get("client") else ""
        command = f"-e target_take_over={alive[0]}" if alive else "pg_terminate_backend"
        return GonogoError(
            f"another run works on this database: {who}",
            detail=f"It holds the run lock{since}{client}. This run ({run.run_id}) has stopped.",
            hint=f"Wait for it. If you know that it is dead, end it with {command}.",
        )
