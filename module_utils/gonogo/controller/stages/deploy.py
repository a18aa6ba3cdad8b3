"""Has the migration applied where it is absent, and records what was found and done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...contract.budgets import budgets_of, tolerance_of
from ...contract.errors import GonogoError
from ...contract.login import timeouts_of
from ...contract.options.deploy import DEPLOY, DeployRequest, DeployTask
from ...contract.options.shared import Approval
from ...contract.records.answers import DeployAnswer
from ...contract.records.approval import ApprovalPlan
from ...contract.records.deployment import Approved, Deployment, Inspection, OwnRecord
from ...contract.records.fleet_plan import PlannedSteps
from ...contract.records.migration import Plan
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...contract.records.shape import Shape
from ...contract.records.trace import StatementTrace
from ...contract.records.twin import TwinRecord
from ...host.compare.shape import schema_of
from ...verdict import holding
from .. import evidence
from ..outcome import activity, deployment, intents, rehearsal, same_shape
from ..reading import ranges
from ..request import approval, deploy_approval, fleet_approval, signing
from ..runbook import plans
from ..runbook.book import Runbook
from .base import Stage
from .reported import Reported, skipped

__all__ = ["Deploy"]

# How often the schema is looked at before it is taken for one that does not keep still.
_LOOKS = 3


class Deploy(Stage[DeployTask]):
    """The stage `deploy`, see library/gonogo_deploy.py."""

    stage = "deploy"
    declared = DEPLOY
    task = DeployTask

    def act(self, task: DeployTask) -> Reported:
        if self.checking:
            return skipped("stage deploy does not run in check mode")
        run = self.open_run()
        if run.read(PlanRecord).nothing_pending:
            return skipped("every migration of the folder is applied: nothing is deployed")
        rehearsed = self._admitted(run, task)
        runbook = self.runbook_of(run)
        plan = replace(plans.plan(runbook), measured=_measured(rehearsed))
        rules = self.signing()
        asking = task.approval_required or self.is_protected(run) or rules.signers is not None
        asking = asking or self.site.planning
        if task.plan_only and not asking:
            return Reported(changed=False)
        work = _Work(run, runbook, plan, task, rules, one_of_many=self._is_one_of_many(task))
        # Where nothing is to be applied this is the answer: nobody has approved anything else.
        found = self._ask(work, plan_only=True)
        approved = None
        if asking and found.deployment.action == "would_apply":
            shown = self._show(work, found.deployment, rehearsed)
            if task.plan_only:
                return _reported(work, shown)
            if task.approval is not None and task.approval.answer:
                # Before it is used up.
                self._require_room(work, found)
            approved = self._approved(work, shown.plan)
        if task.plan_only:
            return Reported(changed=False)
        self._require_room(work, found)
        self._keep_files(work)
        if found.deployment.action == "would_apply":
            found = self._apply(work, found, approved)
        return self._recorded(work, found, approved)

    def _is_one_of_many(self, task: DeployTask) -> bool:
        """Whether the plan of this host is a part of one for several hosts."""
        played = self.site.variables.get("ansible_play_hosts_all") or ()
        return task.approval_for != "host" and len(played) > 1

    def _admitted(self, run: evidence.Run, task: DeployTask) -> Rehearsal | None:
        """The rehearsal of the run. Raises GonogoError where the run may not deploy."""
        if not self.deploys(run):
            raise GonogoError(
                "a deployment is no part of this run",
                hint="Set deploy_enabled in the inventory or with -e: the whole run then has it.",
            )
        self.same_login(run, task.login)
        rehearsed = rehearsal.read_record(run)
        if self.is_protected(run) and (rehearsed is None or rehearsed.done is not True):
            raise GonogoError(
                "on a protected target nothing is deployed that was not rehearsed on a twin",
                hint="Set rehearsal_enabled and twin_enabled in the inventory or with -e: the "
                "whole run then has them.",
            )
        budgets_of(task.budgets)
        tolerance_of(task.let_go)
        ranges.check("deploy_plan_hours", task.plan_hours)
        return rehearsed

    def _require_room(self, work: _Work, found: DeployAnswer) -> None:
        """Raise GonogoError where the deployment would wait in vain for somebody else."""
        look = found.deployment
        if look.action == "would_apply" and holding(look.activity):
            self._recorded(work, replace(found, deployment=replace(look, action="blocked")), None)

    def _recorded(self, work: _Work, found: DeployAnswer, approved: Approved | None) -> Reported:
        """Write deploy.json and say what was done. Raises GonogoError where it was not."""
        own = deployment.own_record(self.runs_dir, work.run)
        done = replace(
            found.deployment,
            approved=approved,
            before=_with_own(found.deployment.before, own, work.runbook),
            after=_with_own(found.deployment.after, own, work.runbook),
            own_record=own,
            unlike_rehearsal=self._unlike_rehearsal(work, found),
            budgets=deployment.limits(work.task.budgets),
        )
        work.run.write_json("deploy.json", plain(done), stage=self.stage)
        problem = deployment.problem(done, caller=self.caller) or _unrecorded(work, done)
        if problem:
            raise problem
        work.run.append(self.stage, "stage_passed")
        return Reported(
            changed=bool(done.statements),
            lines=[*_approved_by(approved), *deployment.lines(done)],
            told={"deployment": plain(done)},
        )

    def _unlike_rehearsal(self, work: _Work, found: DeployAnswer) -> tuple[str, ...] | None:
        """What of the schema is not as the rehearsal has shown; None where nobody could compare."""
        run = work.run
        if found.deployment.action != "applied" or not (run.path / "schema.json").is_file():
            return None
        unlike = rehearsal.unlike(
            run.read_json("schema.json"),
            found.catalog_after or {},
            work.runbook.manifest,
            same=lambda _found: self._printed_again(run),
        )
        return tuple(unlike)

    @staticmethod
    def _printed_again(run: evidence.Run) -> dict[str, Sequence[str]]:
        """What the twin prints in another way than the database it was restored from."""
        proof = run.read(TwinRecord).proof
        return dict(proof.schema.printed_again) if proof else {}

    def _apply(self, work: _Work, found: DeployAnswer, approved: Approved | None) -> DeployAnswer:
        """What came of applying it, to the very schema that is sealed before."""
        for look_number in range(_LOOKS):
            look = found.deployment
            self._require_rehearsed(work.run, found)
            intents.seal(
                work.run,
                work.plan,
                look,
                schema=found.catalog_before or {},
                digests=work.runbook.digests,
                approved=approved,
            )
            # The first call uses the approval up, whatever it finds.
            used = approved if look_number == 0 else None
            done = self._ask(work, sealed=look.schema_before, approved=used)
            if done.deployment.action != "moved":
                return done
            found = self._ask(work, plan_only=True)
            if found.deployment.action != "would_apply" or found.deployment.before != look.before:
                break
        raise GonogoError(
            "the schema changes while it is looked at; nothing was deployed",
            hint="Find out who changes it, then run the playbook again.",
        )

    @staticmethod
    def _require_rehearsed(run: evidence.Run, found: DeployAnswer) -> None:
        """Where the rehearsal is that of another database: this one is still of its shape."""
        rehearsed = rehearsal.read_record(run)
        by = rehearsed.by if rehearsed else None
        if by is None:
            return
        shape, login = run.read(Shape), run.read(RunRecord).known.login
        now = schema_of(found.catalog_before or {}, login)
        if now != dict(shape.schema):
            raise GonogoError(
                f"the schema is not the one any more that was rehearsed on {by.host}: nothing was "
                "deployed",
                detail=same_shape.differing(shape.schema, now),
                hint="Somebody has changed it since the backup. Run the playbook again: it is "
                "measured anew.",
            )

    def _ask(
        self,
        work: _Work,
        *,
        plan_only: bool = False,
        approved: Approved | None = None,
        sealed: str | None = None,
    ) -> DeployAnswer:
        asked = DeployRequest(
            login=work.task.login,
            run_id=work.run.run_id,
            plan=work.plan,
            timeouts=timeouts_of(work.task.timeouts),
            budgets=work.task.budgets,
            let_go=work.task.let_go,
            resume=bool(work.task.resume),
            plan_only=plan_only,
            # For other controllers to see.
            approval=approved.approval if approved else None,
            approvals=f"{self.remote_dir}/approvals" if approved else None,
            sealed=sealed,
        )
        return self.call_with_database("deploy", asked, DeployAnswer)

    def _keep_files(self, work: _Work) -> None:
        for name, text in plans.texts(work.runbook).items():
            work.run.write(f"sql/deploy_{name}", text, stage=self.stage)

    def _show(self, work: _Work, look: Deployment, rehearsed: Rehearsal | None) -> _Shown:
        """The plan of this run, in its evidence."""
        assert look.before is not None  # the host has looked
        run = work.run
        about = (run.read(RunRecord), work.plan, look.before, rehearsed)
        digest, holds = deploy_approval.content(*about), deploy_approval.holds(*about)
        hours = work.rules.hours(work.task.plan_hours)
        shown, new = approval.open_plan(run, deploy_approval.PLAN, digest, hours=hours, holds=holds)
        if new:
            run.write_json(deploy_approval.PLAN, shown, stage=self.stage)
            if work.one_of_many:
                record = run.read(RunRecord)
                steps = PlannedSteps(record.runbook_sha256, record.profile, work.plan.steps)
                run.keep(steps, stage=self.stage)
        lines = deploy_approval.plan_lines(work.plan, look.before)
        if rehearsed:
            lines += rehearsal.trace_lines(rehearsed)
        lines += activity.lines(look.activity)
        if not work.one_of_many:
            lines += signing.lines(signing.OfRun(run, self.stage, shown), work.rules)
        # The one on record may be older, and of another day; what it is for is the same.
        return _Shown(replace(shown, content=digest, holds=holds), lines)

    def _approved(self, work: _Work, shown: ApprovalPlan) -> Approved:
        run = work.run
        hint = deploy_approval.next_command(
            run.run_id,
            shown,
            caller=self.caller,
            promoted=self.variable("gonogo_promotion_evidence"),
            rules=work.rules,
        )
        given = work.task.approval
        if work.one_of_many and (given is None or not given.answer):
            raise GonogoError(
                "the deployment waits for the approval of the fleet's plan: nothing was deployed",
                hint="That plan is shown at the end of this playbook, with the command that "
                "approves it.",
            )
        if given is None:
            raise GonogoError("the deployment waits for an approval", hint=f"To give it: {hint}")
        person = approval.of_a_person(given)
        if person.fleet_id:
            return self._approved_with_others(work, person, shown, hint)
        return deploy_approval.require(
            run,
            person,
            shown.content,
            hint=f"To approve what is there now: {hint}",
            now=shown.holds,
            rules=work.rules,
        )

    def _approved_with_others(
        self, work: _Work, given: Approval, shown: ApprovalPlan, hint: str
    ) -> Approved:
        """By an approval of the plan of a fleet; this host's part of it is in the evidence."""
        words = f"To approve what is there now for this host alone: {hint}"
        if work.one_of_many:
            words = f"A new plan of such hosts is shown at the end of this playbook.\n{words}"
        approved, part = fleet_approval.require(
            work.run, given, shown, hint=words, rules=work.rules
        )
        work.run.keep(part, stage=self.stage)
        return approved


def _reported(work: _Work, shown: _Shown) -> Reported:
    if work.one_of_many:
        # Nobody is asked about one host.
        return Reported(changed=False, lines=shown.lines)
    plan = plain(shown.plan)
    told = {key: plan[key] for key in ("token", "content", "holds")}
    return Reported(changed=False, lines=shown.lines, told=told)


@dataclass(frozen=True)
class _Work:
    """What is deployed, and what the stage was given for it; `one_of_many` is whether its plan is a
    part of a fleet's."""

    run: evidence.Run
    runbook: Runbook
    plan: Plan
    task: DeployTask
    rules: signing.Rules
    one_of_many: bool = False


@dataclass(frozen=True)
class _Shown:
    """A plan that a person can approve, and what is said of it."""

    plan: ApprovalPlan
    lines: Sequence[str]


def _approved_by(approved: Approved | None) -> list[str]:
    """Who has approved it, for the terminal, where that is more than was typed."""
    if approved is None:
        return []
    with_others = f"Approved by {approved.approved_by} with the plan of fleet {approved.fleet}."
    return [*([with_others] if approved.fleet else []), *signing.told(approved.signed)]


def _unrecorded(work: _Work, done: Deployment) -> GonogoError | None:
    """What is pending in a folder of migrations was to be applied, and recorded."""
    folder, pending = work.runbook.source, work.runbook.pending
    if folder is None or done.action != "none":
        return None
    return GonogoError(
        f"what is pending is there already, but not in {folder.tool.name}'s record: "
        "its next deployment would try to apply it again",
        detail="\n".join(pending),
        hint=folder.tool.stamp(pending[0]) or "Name a folder in which it is not pending.",
    )


def _measured(rehearsed: Rehearsal | None) -> Sequence[StatementTrace]:
    """The trace of the same statements on the twin, empty where none was made there."""
    return rehearsed.deployment.statements if rehearsed and rehearsed.deployment else ()


def _with_own(
    look: Inspection | None, own: OwnRecord | None, runbook: Runbook
) -> Inspection | None:
    """With in what our own record and the schema do not agree."""
    if look is None:
        return None
    more = deployment.contradictions(look.state, own, runbook)
    return replace(look, contradictions=(*look.contradictions, *more))
