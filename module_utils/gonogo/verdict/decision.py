"""The verdict document: statuses, reasons and conditions brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .conditions import informational
from .outlook import would_change
from .plan import read_plan
from .proof import twin_reasons, unproven
from .reasons import (
    RUN_KEYS,
    check_reasons,
    hold,
    is_protected,
    record_reasons,
    run_reasons,
    stage_reasons,
)
from .rehearsal import rehearsal_reasons, unrehearsed
from .statuses import check_statuses, criterion_statuses, misfits
from .values import mapping
from .waivers import waive


def decide(
    *,
    run: Mapping[str, Any] | None,
    plan: Mapping[str, Any] | None,
    checks: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    backup: Mapping[str, Any] | None,
    twin: Mapping[str, Any] | None = None,
    rehearsal: Mapping[str, Any] | None = None,
    deploy: Mapping[str, Any] | None = None,
    problems: Sequence[str],
    waivers: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the verdict document for the content of an evidence directory.

    `run`, `plan`, `backup`, `twin`, `rehearsal` and `deploy` are the JSON files of that name
    (None if absent), `checks` and `events` the records of the two `.jsonl` files, `problems` what
    reading them back found wrong. `waivers` defaults to the plan's own, so that the evidence alone
    gives the verdict. Only events up to the one that closed the run are looked at. Never raises.
    """
    about, planned = mapping(run), read_plan(plan)
    protected = is_protected(about)
    until_closed, closed = _until_closed(events)
    last = until_closed[-1] if until_closed else {}
    statuses, results = check_statuses(planned, checks)
    criteria, loops = criterion_statuses(planned, statuses)
    granted = mapping(plan).get("waivers") if waivers is None else waivers
    # The latest: a clock that was set back in the middle of the run revives no waiver.
    today = max((str(event.get("at")) for event in until_closed), default="")[:10]
    waived, conditions = waive(planned, statuses, granted, today)

    findings = [*problems]
    findings += [text for text in misfits(plan, checks) if text not in findings]
    rehearsed = rehearsal_reasons(
        planned,
        until_closed,
        rehearsal,
        backup=backup,
        protected=protected,
        statuses=statuses,
        waivers=granted,
        today=today,
    )
    reasons = [
        *run_reasons(about),
        # What a rehearsal has found says why its stage failed.
        *(
            reason
            for reason in stage_reasons(planned, until_closed, closed)
            if not (rehearsed and reason["subject"] == "rehearsal")
        ),
        *record_reasons(until_closed, backup=backup, deploy=deploy),
        *twin_reasons(planned, until_closed, backup, twin, protected=protected),
        *rehearsed,
        *(hold("evidence", "evidence", str(text)) for text in findings),
        *(hold("plan", "plan", text) for text in (*planned.problems, *loops)),
        *check_reasons(planned, statuses, results, waived),
    ]
    passed = sum(criteria.get(unit) == "pass" for unit in planned.scoring)
    if passed < len(planned.scoring) and not reasons:
        reasons.append(hold("score", "score", "not every scoring unit has passed"))
    reasons.sort(key=lambda reason: reason["severity"] != "no_go")
    conditions += [
        *unproven(twin),
        *unrehearsed(rehearsal, twin=twin),
        *informational(planned, statuses),
    ]
    return {
        "decision": _decision(reasons),
        "score": {"passed": passed, "of": len(planned.scoring)},
        "reasons": reasons,
        "criteria": criteria,
        "checks": statuses,
        "conditions": conditions,
        "would_change": would_change(reasons, planned),
        "evidence_head": last.get("hash"),
        "finished_at": last.get("at"),
        "residue": about.get("residue"),
        **{key: about.get(key) for key in RUN_KEYS},
    }


def _until_closed(events: Sequence[Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """Cut the chain behind its first `closed` event; what comes later is no part of the run."""
    found: list[Mapping[str, Any]] = []
    for event in map(mapping, events):
        found.append(event)
        if event.get("event") == "closed":
            return found, True
    return found, False


def _decision(reasons: Sequence[Mapping[str, Any]]) -> str:
    if not reasons:
        return "GO"
    return "NO-GO" if any(reason["severity"] == "no_go" for reason in reasons) else "HOLD"
