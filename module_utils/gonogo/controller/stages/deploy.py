"""Has the migration applied where it is absent, and records what was found and done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...contract.budgets import budgets_of
from ...contract.errors import GonogoError
from ...contract.options.deploy import DEPLOY
from ...contract.records.run import RunRecord
from ...contract.records.twin import TwinRecord
from .. import evidence
from ..invocation import person
from ..invocation.commands import spelled
from ..outcome import deployment, intents, rehearsal
from ..reading import ranges
from ..request import approval, deploy_approval
from ..runbook import migration
from ..runbook.book import Runbook
from .base import Stage

# How often the schema is looked at before it is taken for one that does not keep still.
_LOOKS = 3


__all__ = ["Deploy"]


class Deploy(Stage):
    """The stage `deploy`, see library/gonogo_deploy.py."""

    stage = "deploy"
    spec: ClassVar[Mapping[str, Any]] = DEPLOY.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return {"skipped": True, "msg": "stage deploy does not run in check mode"}
        run = self.open_run()
        if not self.deploys(run):
            raise GonogoError(
                "a deployment is no part of this run",
                hint="Set deploy_enabled in the inventory or with -e: the whole run then has it.",
            )
        self.same_login(run, arguments)
        if self.is_protected(run):
            self._require_rehearsal(run)
        budgets_of(arguments["budgets"])
        ranges.check("deploy_plan_hours", arguments["plan_hours"])
        runbook = self.runbook_of(run)
        plan = {**migration.plan(runbook, "migration"), "measured": self._measured(run)}
        asking = arguments["approval_required"] or self.is_protected(run)
        if arguments["plan_only"] and not asking:
            return {"changed": False}
        # Where nothing is to be applied this is the answer: nobody has approved anything else.
        done = self._ask(run, plan, arguments, plan_only=True)
        approved = None
        if asking and done["action"] == "would_apply":
            shown = self._show(run, plan, done["before"], arguments)
            if arguments["plan_only"]:
                return shown
            approved = self._approved(run, shown, arguments)
        if arguments["plan_only"]:
            return {"changed": False}
        self._keep_files(run, runbook, plan)
        if done["action"] == "would_apply":
            done = self._apply(run, runbook, plan, done, approved, arguments)
        done["approved"] = approved
        own = deployment.own_record(self.runs_dir, run)
        for look in (done["before"], done["after"]):
            if look is not None:
                look["contradictions"] += deployment.contradictions(look["state"], own, runbook)
        done["own_record"] = own
        _, after = done.pop("catalog_before"), done.pop("catalog_after")
        if done["action"] == "applied" and (run.path / "schema.json").is_file():
            rehearsed = run.read_json("schema.json")
            done["unlike_rehearsal"] = rehearsal.unlike(
                rehearsed, after, runbook.manifest, same=lambda _found: self._printed_again(run)
            )
        run.write_json("deploy.json", done, stage=self.stage)
        problem = deployment.problem(done, caller=self.caller)
        if problem:
            raise problem
        run.append(self.stage, "stage_passed")
        return {"deployment": done, "lines": deployment.lines(done), "changed": bool(done["bill"])}

    @staticmethod
    def _require_rehearsal(run: evidence.Run) -> None:
        file = run.path / "rehearsal.json"
        if not file.is_file() or run.read_json("rehearsal.json")["done"] is not True:
            raise GonogoError(
                "on a protected target nothing is deployed that was not rehearsed on a twin",
                hint="Set rehearsal_enabled and twin_enabled in the inventory or with -e: the "
                "whole run then has them.",
            )

    @staticmethod
    def _printed_again(run: evidence.Run) -> dict[str, Sequence[str]]:
        """What the twin prints in another way than the database it was restored from."""
        proof = run.read(TwinRecord).proof
        return dict(proof.schema.printed_again) if proof else {}

    @staticmethod
    def _measured(run: evidence.Run) -> list[dict[str, Any]]:
        """The bill of the same statements on the twin, empty where none was made there."""
        if not (run.path / "rehearsal.json").is_file():
            return []
        return list((run.read_json("rehearsal.json")["deployment"] or {}).get("bill", []))

    def _apply(
        self,
        run: evidence.Run,
        runbook: Runbook,
        plan: dict[str, Any],
        look: dict[str, Any],
        approved: dict[str, Any] | None,
        arguments: dict[str, Any],
    ) -> dict[str, Any]:
        """What came of applying it, to the very schema that is sealed before."""
        for look_number in range(_LOOKS):
            intents.seal(run, plan, look, digests=runbook.digests, approved=approved)
            # The first call uses the approval up, whatever it finds.
            used = approved if look_number == 0 else None
            done = self._ask(run, plan, arguments, sealed=look["schema_before"], approved=used)
            if done["action"] != "moved":
                return done
            before, look = look, self._ask(run, plan, arguments, plan_only=True)
            if look["action"] != "would_apply" or look["before"] != before["before"]:
                break
        raise GonogoError(
            "the schema changes while it is looked at; nothing was deployed",
            hint="Find out who changes it, then run the playbook again.",
        )

    def _ask(
        self,
        run: evidence.Run,
        plan: dict[str, Any],
        arguments: dict[str, Any],
        *,
        plan_only: bool = False,
        approved: dict[str, Any] | None = None,
        sealed: str | None = None,
    ) -> dict[str, Any]:
        asked = DEPLOY.passed(arguments)
        asked |= {"run_id": run.run_id, "plan": plan, "plan_only": plan_only, "sealed": sealed}
        if approved:
            # For other controllers to see.
            asked["approval"] = approved["approval"]
            asked["approvals"] = f"{self.remote_dir}/approvals"
        return dict(self.call_with_database("deploy", asked)["deployment"])

    def _keep_files(self, run: evidence.Run, runbook: Runbook, plan: dict[str, Any]) -> None:
        for step in plan["steps"]:
            content = (runbook.directory / step["file"]).read_bytes()
            run.write(f"sql/deploy_{step['file']}", content, stage=self.stage)

    def _show(
        self,
        run: evidence.Run,
        plan: dict[str, Any],
        look: dict[str, Any],
        arguments: dict[str, Any],
    ) -> dict[str, Any]:
        """The plan of this run, in its evidence."""
        rehearsed = (
            run.read_json("rehearsal.json") if (run.path / "rehearsal.json").is_file() else None
        )
        about = (run.read(RunRecord), plan, look, rehearsed)
        digest, holds = deploy_approval.content(*about), deploy_approval.holds(*about)
        shown, new = approval.open_plan(
            run, deploy_approval.PLAN, digest, hours=arguments["plan_hours"], holds=holds
        )
        if new:
            run.write_json(deploy_approval.PLAN, shown, stage=self.stage)
        lines = deploy_approval.plan_lines(plan, look)
        if rehearsed:
            lines += rehearsal.bill_lines(rehearsed)
        return {
            "changed": False,
            "token": shown["token"],
            "content": digest,
            "holds": holds,
            "lines": lines,
        }

    def _approved(
        self, run: evidence.Run, shown: dict[str, Any], arguments: dict[str, Any]
    ) -> dict[str, Any]:
        caller = self.caller
        promoted = self.variable("gonogo_promotion_evidence")
        given = "gonogo_promotion_evidence" in caller.given
        more = [spelled("gonogo_promotion_evidence", promoted)] if promoted and not given else []
        hint = deploy_approval.next_command(run.run_id, shown, caller=caller, more=more)
        given = arguments["approval"]
        if given is None:
            raise GonogoError("the deployment waits for an approval", hint=f"To give it: {hint}")
        if given["typed"] and not given["approved_by"]:
            given["approved_by"] = person.account()
        return deploy_approval.require(
            run,
            given,
            shown["content"],
            hint=f"To approve what is there now: {hint}",
            now=shown["holds"],
        )
