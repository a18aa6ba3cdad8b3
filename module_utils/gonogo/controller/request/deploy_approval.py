"""A person's approval of one deployment: of these statements, on this database, as it is now.

Where nobody can be asked, the run that has shown the plan ends, and the next one is given its
token. What the token stands for is computed again there: had anything changed, it would be of
another plan. A token lets one run deploy, whatever becomes of that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError, InputError
from ...contract.options.shared import Approval
from ...contract.records.approval import ApprovalPlan
from ...contract.records.deployment import Approved, Inspection
from ...contract.records.migration import Plan
from ...contract.records.reading import plain
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...contract.run_id import is_run_id
from .. import evidence
from ..invocation.commands import Caller, spelled
from . import approval, signing
from .approval import Holds

__all__ = ["PLAN", "USED", "content", "holds", "known_by", "next_command", "plan_lines", "require"]
__all__ += ["run_of", "use"]

PLAN = "deploy_plan.json"
# In the run that has shown the plan: who has used its token, and in which run.
USED = "deploy_used.json"


def holds(
    record: RunRecord,
    plan: Plan,
    look: Inspection,
    rehearsal: Rehearsal | None = None,
) -> Holds:
    """What an approval is for: name → rows (None where it is none of rows) and a digest.

    `look` is what is there before; `rehearsal` has the rows that the migration has removed on the
    twin.
    """
    observed = record.known
    statements = [record.runbook_sha256, record.profile, plain(plan.steps)]
    how = [plan.session and dict(plan.session), plan.history.tool, plan.history.schema]
    database = [observed.system_identifier, observed.database_oid]
    parts = {
        "the statements": statements,
        "the settings they run under, and the tool that records them": how,
        "the database": database,
        "what is there of the migration": plain(look),
        "the evidence that lets it in": record.promotion and record.promotion.verdict_sha256,
    }
    removed = rehearsal.rows_removed if rehearsal else {}
    return {
        **{name: (None, sha256(line(part))) for name, part in parts.items()},
        **{f"what would be removed from {table}": rows for table, rows in removed.items()},
    }


def content(
    record: RunRecord,
    plan: Plan,
    look: Inspection,
    rehearsal: Rehearsal | None = None,
) -> str:
    """Digest of what would be done and where, of `holds`."""
    return sha256(line(holds(record, plan, look, rehearsal)))


def require(
    run: evidence.Run,
    given: Approval,
    digest: str,
    *,
    hint: str,
    now: Holds | None = None,
    rules: signing.Rules = signing.NONE,
) -> Approved:
    """Who approved, when, and the plan of which run. Raises GonogoError where nobody did.

    `given` is as the option `approval` of the task; its `run_id` names the run that has shown the
    plan, this one or an earlier one of the same environment. `hint` is the command that approves,
    `now` what `digest` is made of, `rules` what is asked of signatures.

    From then on the token is used: noted in the evidence of the run that has shown it, before
    anything is done with it. `approval` is what the target host knows this approval by.
    """
    shown_by = run_of(run, given.run_id or run.run_id)
    plan = approval.plan_of(shown_by, PLAN)
    refusal = approval.refusal(
        replace(given, run_id=shown_by.run_id), shown_by.run_id, plan, prefix="deploy"
    )
    later: list[str] = []
    if refusal is None and plan.content != digest:
        refusal = "What would be done, or what is there, has changed since the plan was shown"
        later = approval.came_later(plan.holds, now or {})
    if refusal is None and datetime.now(UTC) >= datetime.fromisoformat(plan.expires_at):
        refusal = f"The plan has expired at {plan.expires_at}"
    if refusal:
        raise GonogoError(
            f"{refusal}: nothing was deployed", detail="\n".join(later) or None, hint=hint
        )
    by = approval.accepted(
        given,
        signing.OfRun(shown_by, "deploy", plan),
        rules,
        unchanged="nothing was deployed",
        hint=hint,
    )
    approved = {"approved_by": by.by, "approved_at": by.at, "token": plan.token}
    use(shown_by, approved, run.run_id, hint=hint)
    return Approved(
        **approved,
        signed=by.signed,
        shown_by=shown_by.run_id,
        approval=known_by(shown_by, plan),
    )


def use(shown_by: evidence.Run, approved: Mapping[str, str], used_by: str, *, hint: str) -> None:
    """Note that the token of a plan is used. Raises GonogoError where it was used before."""
    used = shown_by.claim(USED, {**approved, "used_by": used_by}, key="token", stage="deploy")
    if used:
        raise GonogoError(
            f"the token was used by run {used.get('used_by')}: nothing was deployed",
            detail=f"At {used.get('approved_at')}, by {used.get('approved_by')}.",
            hint=hint,
        )


def known_by(shown_by: evidence.Run, plan: ApprovalPlan) -> str:
    """What the target host knows an approval of this plan by, whoever has approved it."""
    return sha256(line([shown_by.run_id, plan.token, plan.content]))


def plan_lines(plan: Plan, look: Inspection) -> list[str]:
    """What would be deployed, for the terminal."""
    expected = sum(1 for item in look.objects if item.expected)
    lines = [f"The migration is {look.state}; to be applied:"]
    for step in plan.steps:
        alone = "" if step.transaction else ", each statement on its own"
        lines.append(f"  {step.file}: {len(step.statements)} statements{alone}")
    lines.append(f"They leave {expected} objects behind.")
    return lines


def next_command(
    run_id: str,
    plan: ApprovalPlan,
    *,
    caller: Caller,
    promoted: str | None = None,
    rules: signing.Rules = signing.NONE,
) -> str:
    """The command that approves a plan, ready to be pasted but for the name.

    `promoted` is the evidence that admits the run, which the inventory may say, too.
    """
    name = "gonogo_promotion_evidence"
    more = [spelled(name, promoted)] if promoted and name not in caller.given else []
    return caller.again(
        f"deploy_run_id={run_id}",
        f"deploy_token={plan.token}",
        rules.variable or "deploy_approved_by=NAME",
        *more,
    )


def run_of(run: evidence.Run, run_id: str) -> evidence.Run:
    """The run that has shown a plan, this one or another one of its environment. Raises GonogoError
    for one whose evidence is damaged."""
    if run_id == run.run_id:
        return run
    path = run.path.parent / run_id
    if not is_run_id(run_id) or not (path / PLAN).is_file():
        raise InputError(
            "no run of this environment has shown a plan of a deployment under this id",
            key="deploy_run_id",
            value=run_id,
            hint="It is the run that has printed the token.",
        )
    problems = evidence.load(path).problems
    if problems:
        raise GonogoError(
            "the evidence of the run that has shown the plan is damaged; nothing was deployed",
            detail="\n".join(problems[:5]),
            hint="Run the playbook without an approval: it shows a plan of its own.",
        )
    return evidence.Run.open(path)
