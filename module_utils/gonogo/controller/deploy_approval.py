"""A person's approval of one deployment: of these statements, on this database, as it is now.

Where nobody can be asked, the run that has shown the plan ends, and the next one is given its
token. What the token stands for is computed again there: had anything changed, it would be of
another plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..canonical import line, sha256
from ..errors import GonogoError
from . import approval, deployment, evidence, request

__all__ = ["PLAN", "content", "next_command", "plan_lines", "require"]

PLAN = "deploy_plan.json"


def content(record: Mapping[str, Any], plan: Mapping[str, Any], look: Mapping[str, Any]) -> str:
    """Digest of what would be done and where.

    `record` is run.json, `plan` what the target host gets (`migration.plan`), `look` what is there
    before.
    """
    observed, promotion = record["target"]["observed"], record["promotion"] or {}
    about = {
        "runbook_sha256": record["runbook_sha256"],
        "profile": record["profile"],
        "system_identifier": observed["system_identifier"],
        "database_oid": observed["database_oid"],
        "steps": plan["steps"],
        "before": look,
        "promotion": promotion.get("verdict_sha256"),
    }
    return sha256(line(about))


def require(
    run: evidence.Run,
    given: Mapping[str, Any],
    digest: str,
    *,
    hint: str,
) -> dict[str, Any]:
    """Who approved, when, and the plan of which run. Raises GonogoError where nobody did.

    `given` is of the form `approval.APPROVAL`; its `run_id` names the run that has shown the plan,
    this one or an earlier one of the same environment. `hint` is the command that approves.
    """
    shown_by = _run_of(run, given["run_id"] or run.run_id)
    plan = shown_by.read_json(PLAN)
    refusal = approval.refusal(
        {**given, "run_id": shown_by.run_id}, shown_by.run_id, plan, prefix="deploy"
    )
    if refusal is None and plan["content"] != digest:
        refusal = "What would be done, or what is there, has changed since the plan was shown"
    if refusal is None and datetime.now(UTC) >= datetime.fromisoformat(plan["expires_at"]):
        refusal = f"The plan has expired at {plan['expires_at']}"
    if refusal:
        raise GonogoError(f"{refusal}: nothing was deployed", hint=hint)
    return {
        "approved_by": given["approved_by"],
        "approved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "shown_by": shown_by.run_id,
        "token": plan["token"],
    }


def plan_lines(plan: Mapping[str, Any], look: Mapping[str, Any]) -> list[str]:
    """What would be deployed, for the terminal."""
    made = sum(1 for item in look["objects"] if item["made"])
    lines = [f"The migration is {look['state']}; to be applied:"]
    for step in plan["steps"]:
        alone = "" if step["transaction"] else ", each statement on its own"
        lines.append(f"  {step['file']}: {len(step['statements'])} statements{alone}")
    lines.append(f"They leave {made} objects behind.")
    return lines


def next_command(
    run_id: str, plan: Mapping[str, Any], *, more: Sequence[str], inventories: Sequence[str]
) -> str:
    """The command that approves a plan, ready to be pasted but for the name.

    `more` are further variables that the run was started with.
    """
    return deployment.command(
        "playbooks/validate.yml",
        *more,
        f"deploy_run_id={run_id}",
        f"deploy_token={plan['token']}",
        "deploy_approved_by=NAME",
        inventories=inventories,
    )


def _run_of(run: evidence.Run, run_id: str) -> evidence.Run:
    if run_id == run.run_id:
        return run
    path = run.path.parent / run_id
    if not request.is_run_id(run_id) or not (path / PLAN).is_file():
        raise GonogoError(
            f"no run of this environment has shown a plan of a deployment under the id {run_id!r}",
            hint="deploy_run_id is the run that has printed the token.",
        )
    problems = evidence.load(path).problems
    if problems:
        raise GonogoError(
            "the evidence of the run that has shown the plan is damaged; nothing was deployed",
            detail="\n".join(problems[:5]),
        )
    return evidence.Run.open(path)
