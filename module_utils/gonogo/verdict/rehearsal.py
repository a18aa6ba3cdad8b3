"""What was tried on a copy first says for and against a GO.

`rehearsal.json` has `done` (true, or null where there was no copy to try it on), `required`,
`reason`, `backup_sha256` (of which archive the copy was), `problem` (what is wrong with the
migration or its undo), `slow` (statements that took longer than they may), `promoted`
(whether another run has let this one in), `unlike_promotion` (what of the schema is not as that run
has seen it), `checks` (as checks.jsonl) and `back` (the undo with rows in what the migration has
made).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..contract.records.backup import BackupRecord
from ..contract.records.check_result import CheckResult
from ..contract.records.event import Event
from ..contract.records.plan import PlannedWaiver
from ..contract.records.reading import RecordError, read
from ..contract.records.twin import TwinRecord
from ..contract.records.verdict import Condition, Reason
from .plan import Plan
from .reasons import check_reasons, hold, no_go, stages_passed
from .statuses import check_statuses
from .values import items, mapping, text_of
from .waivers import waive

__all__ = ["findings", "rehearsal_reasons", "unrehearsed"]

_STAGE = "rehearsal"
_OVER = "rehearsal_slow"
_OF_PROBLEM = (("observed", "detail"), ("hint", "hint"))

_ALLOW = {
    "hold": "Split the migration so that its locks are short (NOT VALID and VALIDATE, CREATE INDEX "
    "CONCURRENTLY, a new column that is filled in parts), or allow more: deploy_hold_timeout.",
    "statement": "Allow more: deploy_statement_timeout. Or rehearse when the host is less busy.",
}


def findings(
    plan: Plan,
    rehearsal: Mapping[str, object],
    *,
    waivers: Sequence[PlannedWaiver],
    today: str,
) -> list[Reason]:
    """Reasons the rehearsal gives against a GO by what it has found; none where it is a GO."""
    record = mapping(rehearsal)
    problem = mapping(record.get("problem"))
    reasons = []
    if problem:
        text = f"tried on a copy: {text_of(problem.get('message')) or 'it went wrong'}"
        more = {key: text_of(problem.get(name)) for key, name in _OF_PROBLEM}
        # What may be gone on another host, or at another moment, proves nothing bad.
        against = hold if problem.get("severity") == "hold" else no_go
        reasons.append(against("rehearsal_failed", "rehearsal", text, **more))
    slow = (mapping(one) for one in items(record.get("slow")))
    reasons += [_slow(one) for one in slow if one.get("severity")]
    different = record.get("unlike_promotion")
    if record.get("promoted") is not False and not isinstance(different, list):
        text = "nobody could compare the schema with the one that was validated"
        hint = "Rehearse there too: the evidence shown is of a run without a rehearsal."
        reasons.append(hold("rehearsal_unlike", "rehearsal", text, hint=hint))
    elif different:
        text = "with the migration, the schema would not be the one that was validated"
        reasons.append(
            hold(
                "rehearsal_unlike",
                "rehearsal",
                text,
                observed=", ".join(text_of(name) for name in items(different)[:20]),
                hint="Find out which of the two databases is not as it should be.",
            )
        )
    if problem:
        return reasons
    statuses, results = check_statuses(plan, _results(record))
    waived, _ = waive(plan, statuses, waivers, today)
    for reason in check_reasons(plan, statuses, results, waived):
        text = f"tried on a copy: {reason.text}"
        reasons.append(replace(reason, code=f"rehearsal_{reason.code}", text=text))
    return reasons


def _results(record: Mapping[str, object]) -> list[CheckResult]:
    """What the checks have said there; one that cannot be understood has said nothing."""
    found = []
    for one in items(record.get("checks")):
        with contextlib.suppress(RecordError):
            found.append(read(CheckResult, one, file="rehearsal.json"))
    return found


def _slow(one: Mapping[str, object]) -> Reason:
    """The reason of a statement that was over a budget each time it was tried."""
    where = f"tried on a copy: {text_of(one.get('file'))}:{text_of(one.get('line'))}"
    times = " and ".join(f"{text_of(seconds)} s" for seconds in items(one.get("seconds")))
    more = {
        "expected": f"at most {text_of(one.get('allowed'))} s",
        "observed": f"{times}: {text_of(one.get('statement'))}",
        "hint": _ALLOW.get(text_of(one.get("budget"))),
    }
    if one.get("severity") != "no_go":
        budget = text_of(one.get("budget"))
        text = (
            "takes too long" if budget == "statement" else "keeps the application waiting too long"
        )
        return hold(_OVER, "rehearsal", f"{where} {text}", **more)
    tables = ", ".join(text_of(name) for name in items(one.get("rewritten")))
    text = f"{where} rewrites {tables}, which nobody can read or write meanwhile"
    return no_go(_OVER, "rehearsal", text, **more)


def rehearsal_reasons(
    plan: Plan,
    events: Sequence[Event],
    rehearsal: Mapping[str, object] | None,
    *,
    backup: BackupRecord | None,
    protected: bool,
    statuses: Mapping[str, str],
    waivers: Sequence[PlannedWaiver],
    today: str,
) -> list[Reason]:
    """What stands against a GO. A stage that failed or did not run is a reason by itself.

    What the checks say of the database itself (`statuses`) is not said twice. On a
    protected target nothing may be deployed that was not rehearsed.
    """
    record = mapping(rehearsal)
    must = protected and "deploy" in plan.stages
    if _STAGE not in plan.stages and not must:
        return []
    if record.get("done") is True:
        reasons = findings(plan, record, waivers=waivers, today=today)
        answered, _ = check_statuses(plan, _results(record))
        told = {key for key, status in answered.items() if statuses.get(key) == status}
        reasons = [reason for reason in reasons if reason.subject not in told]
        sealed = backup.sha256 if backup else ""
        if not sealed or record.get("backup_sha256") != sealed:
            text = "the record of the rehearsal is about another archive"
            reasons.append(hold("rehearsal", "rehearsal", text))
        return reasons
    if _STAGE in plan.stages and _STAGE not in stages_passed(events):
        return []
    if record and record.get("required") is False and not must:
        return []
    more = {"observed": text_of(record.get("reason")), "hint": text_of(record.get("hint"))}
    return [hold("rehearsal_missing", "rehearsal", "nobody has tried this on a copy first", **more)]


def unrehearsed(
    rehearsal: Mapping[str, object] | None, *, twin: TwinRecord | None
) -> list[Condition]:
    """The conditions of what could not be tried where that is accepted, and of the way back.

    Where the backup is unproven there is no copy to try it on, and that is said already.
    """
    record = mapping(rehearsal)
    conditions = []
    accepted = record.get("done") is not True and record.get("required") is False
    if accepted and twin and twin.proven:
        why = text_of(record.get("reason")) or "no reason given"
        conditions.append(Condition("unrehearsed", "rehearsal", f"not tried on a copy: {why}"))
    problem = mapping(mapping(record.get("back")).get("problem"))
    if problem:
        text = f"the undo does not work as the database is now: {text_of(problem.get('message'))}"
        conditions.append(Condition("way_back", "undo", text))
    return conditions
