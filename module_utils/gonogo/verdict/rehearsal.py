"""What was tried on a copy first says for and against a GO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..contract.listing import listed
from ..contract.records.backup import BackupRecord
from ..contract.records.event import Event
from ..contract.records.plan import PlannedWaiver
from ..contract.records.readable import readable
from ..contract.records.rehearsal import Problem, Rehearsal, RehearsedOn, SlowStatement
from ..contract.records.shape import Shape
from ..contract.records.twin import TwinRecord
from ..contract.records.verdict import Condition, Reason
from .plan import RunPlan
from .reasons import check_reasons, hold, no_go, stages_passed
from .statuses import COPY_ONLY, WORDS, check_statuses
from .values import text_of
from .waivers import waive

__all__ = ["findings", "on_the_copy_only", "rehearsal_reasons", "uncompared", "unrehearsed"]

_STAGE = "rehearsal"
_OVER = "rehearsal_slow"

_ALLOW = {
    "hold": "Split the migration so that its locks are short (NOT VALID and VALIDATE, CREATE INDEX "
    "CONCURRENTLY, a new column that is filled in parts), or allow more: deploy_hold_timeout.",
    "statement": "Allow more: deploy_statement_timeout.",
}
_OF_THE_HOST = (
    "Such an error may be the host's at that moment, and not the migration's: run again when "
    "nothing else takes its processors, memory and room."
)
# So many places of statements are named.
_PLACES = 5
_DRIFT = (
    "Bring the database to what the migrations say, or write a migration that says what is there."
)
_BUSY = (
    "Other work took the host's processors each time it was tried: run again when they are free."
)


def findings(
    plan: RunPlan, rehearsal: Rehearsal, *, waivers: Sequence[PlannedWaiver], today: str
) -> list[Reason]:
    """Reasons the rehearsal gives against a GO by what it has found; none where it is a GO."""
    reasons = [_failed(rehearsal.problem)] if rehearsal.problem else []
    reasons += [_slow(one, busy=rehearsal.alone is False) for one in rehearsal.slow if one.severity]
    reasons += _unlike_promotion(rehearsal)
    if rehearsal.problem:
        return reasons
    statuses, results = check_statuses(plan, rehearsal.checks)
    waived, _ = waive(plan, statuses, waivers, today)
    for reason in check_reasons(plan, statuses, results, waived):
        text = f"tried on a copy: {reason.text}"
        reasons.append(replace(reason, code=f"rehearsal_{reason.code}", text=text))
    return reasons


def _failed(problem: Problem) -> Reason:
    text = f"tried on a copy: {text_of(problem.message) or 'it went wrong'}"
    observed, hint = text_of(problem.detail), text_of(problem.hint)
    if problem.severity != "hold":
        return no_go("rehearsal_failed", "rehearsal", text, observed=observed, hint=hint)
    # What may be gone on another host, or at another moment, proves nothing bad.
    return hold("rehearsal_failed", "rehearsal", text, observed=observed, hint=hint or _OF_THE_HOST)


def _unlike_promotion(rehearsal: Rehearsal) -> list[Reason]:
    """The schema has to be the one of the run that admits this one."""
    different = rehearsal.unlike_promotion
    if rehearsal.promoted and different is None:
        text = "nobody could compare the schema with the one that was validated"
        hint = "Rehearse there too: the evidence shown is of a run without a rehearsal."
        return [hold("rehearsal_unlike", "rehearsal", text, hint=hint)]
    if not different:
        return []
    return [
        hold(
            "rehearsal_unlike",
            "rehearsal",
            "with the migration, the schema would not be the one that was validated",
            observed=listed([text_of(name) for name in different]),
            hint="Find out which of the two databases is not as it should be.",
        )
    ]


def _slow(one: SlowStatement, *, busy: bool) -> Reason:
    """The reason of a statement that was over a budget each time it was tried."""
    where = f"tried on a copy: {text_of(one.file)}:{one.line}"
    times = " and ".join(f"{text_of(seconds)} s" for seconds in one.seconds)
    allow = _ALLOW.get(one.budget)
    more = {
        "expected": f"at most {text_of(one.allowed)} s",
        "observed": f"{times}: {text_of(one.statement)}",
        "hint": allow,
    }
    if one.severity != "no_go":
        text = (
            "takes too long"
            if one.budget == "statement"
            else "keeps the application waiting too long"
        )
        if busy:
            text = f"{text} on a host that was busy"
            more["hint"] = f"{_BUSY} {allow}" if allow else _BUSY
        return hold(_OVER, "rehearsal", f"{where} {text}", **more)
    tables = ", ".join(text_of(name) for name in one.rewritten)
    text = f"{where} rewrites {tables}, which nobody can read or write meanwhile"
    return no_go(_OVER, "rehearsal", text, **more)


def rehearsal_reasons(
    plan: RunPlan,
    events: Sequence[Event],
    rehearsal: Mapping[str, object] | None,
    *,
    backup: BackupRecord | None,
    shape: Shape | None,
    protected: bool,
    statuses: Mapping[str, str],
    waivers: Sequence[PlannedWaiver],
    today: str,
) -> list[Reason]:
    """What stands against a GO. A stage that failed or did not run is a reason by itself.

    What the checks say of the database itself (`statuses`) is not said twice. On a
    protected target nothing may be deployed that was not rehearsed.
    """
    record = readable(Rehearsal, rehearsal, file=Rehearsal.FILE)
    must = protected and "deploy" in plan.stages
    if _STAGE not in plan.stages and not must:
        return []
    if record and record.done:
        reasons = findings(plan, record, waivers=waivers, today=today)
        answered, _ = check_statuses(plan, record.checks)
        told = {key for key, status in answered.items() if statuses.get(key) == status}
        reasons = [reason for reason in reasons if reason.subject not in told]
        sealed = backup.sha256 if backup else ""
        if not sealed or record.backup_sha256 != sealed:
            text = "the record of the rehearsal is about another archive"
            reasons.append(hold("rehearsal", "rehearsal", text))
        return reasons + _of_another(record, shape)
    if _STAGE in plan.stages and _STAGE not in stages_passed(events):
        return []
    if record and not record.required and not must:
        return []
    more = {"observed": text_of(record.reason), "hint": text_of(record.hint)} if record else {}
    return [hold("rehearsal_missing", "rehearsal", "nobody has tried this on a copy first", **more)]


def on_the_copy_only(
    plan: RunPlan, rehearsal: Mapping[str, object] | None, reasons: Sequence[Reason]
) -> list[Reason]:
    """The reasons, where of a check that did not run the copy has an answer: with that."""
    record = readable(Rehearsal, rehearsal, file=Rehearsal.FILE)
    statuses, results = check_statuses(plan, record.checks) if record and record.done else ({}, {})

    def told(reason: Reason) -> Reason:
        there = statuses.get(reason.subject, "not_run")
        if reason.code != "check_not_run" or there == "not_run":
            return reason
        text = f"{plan.checks[reason.subject].title}: {COPY_ONLY}"
        observed = f"{WORDS.get(there, 'passed')} there: {results[reason.subject].observed}"
        return replace(reason, text=text, observed=observed)

    return [told(reason) for reason in reasons]


def _of_another(record: Rehearsal, shape: Shape | None) -> list[Reason]:
    """What another database has shown counts where it was of the shape that this one has, and the
    migration has changed no row there."""
    by = record.by
    if by is None:
        return []
    text = f"the rehearsal on {text_of(by.host)} says nothing about this database"
    if shape is None or by.shape_sha256 != shape.sha256:
        why = "it began with a database of another shape"
    elif by.run_id == record.run_id or record.rows_changed or record.rows_removed:
        why = "it is this run's own" if by.run_id == record.run_id else "it has changed rows there"
    else:
        return []
    return [hold("rehearsal", "rehearsal", text, observed=why)]


def uncompared(plan: RunPlan, rehearsal: Mapping[str, object] | None) -> list[Reason]:
    """What keeps a database where nothing is pending from being up to date: its tool's record says
    so, and that says nothing of what is really there. No waiver covers it."""
    if not plan.nothing_pending:
        return []
    record = readable(Rehearsal, rehearsal, file=Rehearsal.FILE)
    drift = record.drift if record and record.done else None
    if drift is None or drift.problem or not drift.compared:
        text = "nothing is pending, and nobody could compare the schema with what its history makes"
        hint = (
            "The history is replayed on the twin: set twin_enabled and rehearsal_enabled to true."
        )
        why = text_of(drift.problem) if drift else None
        return [hold("drift", "drift", text, observed=why or None, hint=hint)]
    if drift.before:
        text = "nothing is pending, and the schema is not what its history makes"
        names = listed([text_of(one.name) for one in drift.before])
        return [hold("drift", "drift", text, observed=names, hint=_DRIFT)]
    return []


def unrehearsed(
    rehearsal: Mapping[str, object] | None, *, twin: TwinRecord | None
) -> list[Condition]:
    """The conditions of what could not be tried where that is accepted, and of the way back.

    Where the backup is unproven there is no copy to try it on, and that is said already.
    """
    record = readable(Rehearsal, rehearsal, file=Rehearsal.FILE)
    if record is None:
        return []
    conditions = [_rehearsed_on(record.by)] if record.by else []
    accepted = not record.done and not record.required
    if accepted and twin and twin.proven:
        why = text_of(record.reason) or "no reason given"
        conditions.append(Condition("unrehearsed", "rehearsal", f"not tried on a copy: {why}"))
    problem = record.back.problem if record.back else None
    if problem:
        text = f"the undo does not work as the database is now: {text_of(problem.message)}"
        conditions.append(Condition("way_back", "undo", text))
    return conditions


def _rehearsed_on(by: RehearsedOn) -> Condition:
    """Whose rehearsal it is, and what that cannot show."""
    places = [text_of(one) for one in by.unproven]
    more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    rows = f"; that no row here stands in the way of {', '.join(places[:_PLACES])}{more}"
    text = (
        f"rehearsed on {text_of(by.host)} (same shape), run {text_of(by.run_id)}. Not tried on a "
        f"copy of this database: how long its locks are held{rows if places else ''}"
    )
    return Condition("rehearsed_on", "rehearsal", text)
