"""The verdict document: statuses, reasons and conditions brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contract.records.backup import BackupRecord
from ..contract.records.check_result import CheckResult
from ..contract.records.event import Event
from ..contract.records.plan import PlannedWaiver, PlanRecord
from ..contract.records.run import RunRecord
from ..contract.records.shape import Shape
from ..contract.records.twin import TwinRecord
from ..contract.records.verdict import UP_TO_DATE, Decision, Reason, Score, VerdictRecord
from .activity import activity_conditions
from .conditions import informational, nothing_pending, set_otherwise
from .outlook import would_change
from .plan import RunPlan, read_plan
from .proof import twin_reasons, unproven
from .reasons import (
    check_reasons,
    hold,
    is_protected,
    record_reasons,
    run_reasons,
    stage_reasons,
)
from .rehearsal import on_the_copy_only, rehearsal_reasons, uncompared, unrehearsed
from .statuses import check_statuses, criterion_statuses, misfits
from .waivers import waive


def decide(
    *,
    run: RunRecord | None,
    plan: PlanRecord | None,
    checks: Sequence[CheckResult],
    events: Sequence[Event],
    backup: BackupRecord | None,
    twin: TwinRecord | None = None,
    rehearsal: Mapping[str, object] | None = None,
    shape: Shape | None = None,
    deploy: Mapping[str, object] | None = None,
    problems: Sequence[str],
    waivers: Sequence[PlannedWaiver] | None = None,
) -> VerdictRecord:
    """Return the verdict for the content of an evidence directory.

    What is absent or cannot be understood is None; `problems` is what reading it back found
    wrong. `waivers` defaults to the plan's own, so that the evidence alone
    gives the verdict. Only events up to the one that closed the run are looked at. Never raises.
    """
    planned = read_plan(plan)
    protected = is_protected(run)
    until_closed, closed = _until_closed(events)
    last = until_closed[-1] if until_closed else None
    statuses, results = check_statuses(planned, checks)
    criteria, loops = criterion_statuses(planned, statuses)
    granted = waivers if waivers is not None else plan.waivers if plan else ()
    # The latest: a clock that was set back in the middle of the run revives no waiver.
    today = max((event.at for event in until_closed), default="")[:10]
    waived, conditions = waive(planned, statuses, granted, today)

    findings = [*problems]
    findings += [text for text in misfits(plan, checks) if text not in findings]
    rehearsed = rehearsal_reasons(
        planned,
        until_closed,
        rehearsal,
        backup=backup,
        shape=shape,
        protected=protected,
        statuses=statuses,
        waivers=granted,
        today=today,
    )
    of_checks = check_reasons(planned, statuses, results, waived)
    # A stage that failed by what a check has found is told with that check.
    told = {reason.subject for reason in (*of_checks, *rehearsed)}
    reasons = [
        *run_reasons(run),
        # What a rehearsal has found says why its stage failed.
        *(
            reason
            for reason in stage_reasons(planned, until_closed, closed, told=told)
            if not (rehearsed and reason.subject == "rehearsal")
        ),
        *record_reasons(until_closed, backup=backup, deploy=deploy),
        *twin_reasons(planned, until_closed, backup, twin, protected=protected),
        *rehearsed,
        *(hold("evidence", "evidence", text) for text in findings),
        *(hold("plan", "plan", text) for text in (*planned.problems, *loops)),
        *on_the_copy_only(planned, rehearsal, of_checks),
    ]
    passed = sum(criteria.get(unit) == "pass" for unit in planned.scoring)
    if passed < len(planned.scoring) and not reasons:
        reasons.append(hold("score", "score", "not every scoring unit has passed"))
    if not reasons:
        reasons += uncompared(planned, rehearsal)
    reasons.sort(key=lambda reason: reason.severity != "no_go")
    conditions += [
        *unproven(twin),
        *unrehearsed(rehearsal, twin=twin),
        *activity_conditions(deploy),
        *informational(planned, statuses),
        *set_otherwise(plan),
        *nothing_pending(planned),
    ]
    return VerdictRecord(
        decision=_decision(reasons, planned),
        score=Score(passed=passed, of=len(planned.scoring)),
        reasons=reasons,
        criteria=criteria,
        checks=statuses,
        conditions=conditions,
        would_change=would_change(reasons, planned),
        evidence_head=last.hash if last else None,
        finished_at=last.at if last else None,
        residue=run.residue if run else None,
        run_id=run.run_id if run else None,
        environment=run.environment if run else None,
        target=run.target if run else None,
        runbook=run.runbook if run else None,
        runbook_sha256=run.runbook_sha256 if run else None,
        profile=run.profile if run else None,
    )


def _until_closed(events: Sequence[Event]) -> tuple[list[Event], bool]:
    """Cut the chain behind its first `closed` event; what comes later is no part of the run."""
    end = next((number for number, one in enumerate(events, 1) if one.event == "closed"), None)
    return [*events[:end]], end is not None


def _decision(reasons: Sequence[Reason], plan: RunPlan) -> Decision:
    if not reasons:
        return UP_TO_DATE if plan.nothing_pending else "GO"
    return "NO-GO" if any(reason.severity == "no_go" for reason in reasons) else "HOLD"
