"""SARIF 2.1.0: what a verdict rests on, for code review and for what collects findings.

A check that has failed is a result of kind `fail`; one that has not seen enough to judge is `open`.
What could not be asked at all is no result: it is a notification of the tool's execution, and the
execution was not successful then. What statements make others wait for is `informational`.

This file leaves the house more easily than a report: it has no keys of rows, and no message in
which the server may quote a value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ...contract import canonical
from ...contract.errors import shown, visible
from ...contract.records.check_result import CheckResult
from ...contract.records.deployment import Deployment, ObjectState
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal, SlowStatement
from ...contract.records.trace import StatementTrace
from ...contract.records.verdict import Reason, VerdictRecord
from ...verdict.plan import Check, RunPlan, read_plan
from ..evidence import Evidence
from .inert import message

__all__ = ["SCHEMA", "render_sarif"]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_FOLDER = "MIGRATIONS"
_FINGERPRINT = "finding/v1"
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Messages of the server about data (class 22) and of functions (P0, 38, 39) may quote values.
_QUOTING = re.compile(r"\b((?:22|38|39|P0)[0-9A-Z]{3}): .*", re.DOTALL)
_QUOTED = r"\1 (its message may quote a value, and is in the report)"
_ON_COPY = "rehearsal_"
_LEVELS = {"no_go": "error", "hold": "warning", "important": "warning", "none": "note"}

JsonObject = dict[str, object]


@dataclass(frozen=True)
class _Rule:
    """What is said of a rule that no runbook declares."""

    title: str
    help: str


# Code of a reason, of what is a finding about the migration or the database.
_ENGINES = {
    "rehearsal_failed": _Rule(
        "The migration applies, can be taken back and applied again on a restored copy",
        "Correct the migration or its undo; the report has the server's whole message.",
    ),
    "rehearsal_slow": _Rule(
        "No statement is over the budgets for locks and time",
        "Split the migration so that its locks are short, or allow more: deploy_hold_timeout, "
        "deploy_statement_timeout.",
    ),
    "rehearsal_unlike": _Rule(
        "With the migration the schema is the one that was validated",
        "Find out which of the two databases is not as it should be.",
    ),
    "twin_unequal": _Rule(
        "The restored backup equals its source",
        "Do not rely on this backup: the report tells what differs.",
    ),
}
_WAITS = "statement_waits"
_TOLD = {
    _WAITS: _Rule(
        "What a statement makes others wait for",
        "Measured on a restored copy, or where it was applied. Nothing is wrong with it by itself.",
    )
}
# What is in a notification by its code; others are told by their own text.
_NOT_RUN = "check_not_run"


@dataclass(frozen=True)
class _Place:
    """A statement of a migration."""

    file: str
    line: int
    statement: str = ""


@dataclass
class _Found:
    """What is known of a run, looked up once."""

    evidence: Evidence
    verdict: VerdictRecord
    plan: RunPlan
    results: Mapping[str, CheckResult]
    rehearsal: Rehearsal | None
    deployment: Deployment | None
    places: Mapping[str, _Place]
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def applied(self) -> Deployment | None:
        """What has happened to the database itself, else to the copy."""
        real = self.deployment
        if real and (real.statements or real.error):
            return real
        return self.rehearsal.deployment if self.rehearsal else real


def render_sarif(evidence: Evidence, verdict: VerdictRecord) -> str:
    """Return report.sarif: made of evidence and verdict, the same bytes for the same evidence."""
    found = _found(evidence, verdict)
    rules = _rules(found.plan)
    index = {str(rule["id"]): number for number, rule in enumerate(rules)}
    notes = list(_notifications(found))
    results = [*_checked(found), *_reasoned(found), *_told(found)]
    for result in results:
        result["ruleIndex"] = index[str(result["ruleId"])]
    run: JsonObject = {
        "tool": {
            "driver": {
                "name": "pg-gonogo",
                "version": visible(evidence.run.versions.project) if evidence.run else "unknown",
                "rules": rules,
                "notifications": _descriptors(notes),
            }
        },
        "invocations": [_invocation(found, notes)],
        "automationDetails": {"id": _automation(verdict)},
        "originalUriBaseIds": {
            _FOLDER: {"description": {"text": "The folder of the migrations, or of the runbook."}}
        },
        "results": results,
        "properties": _summary(verdict),
    }
    return canonical.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _found(evidence: Evidence, verdict: VerdictRecord) -> _Found:
    results: dict[str, CheckResult] = {}
    for one in evidence.checks:
        status = verdict.checks.get(one.check_id)
        # Of several results the one that decided.
        if one.check_id not in results or one.status == status:
            results[one.check_id] = one
    rehearsal = readable(Rehearsal, evidence.rehearsal, file=Rehearsal.FILE)
    deployment = readable(Deployment, evidence.deploy, file=Deployment.FILE)
    looks = (rehearsal.deployment if rehearsal else None, deployment)
    return _Found(
        evidence=evidence,
        verdict=verdict,
        plan=read_plan(evidence.plan),
        results=results,
        rehearsal=rehearsal,
        deployment=deployment,
        places={one.object: _Place(one.file, one.line) for look in looks for one in _objects(look)},
    )


def _objects(look: Deployment | None) -> Iterable[ObjectState]:
    known = look and (look.after or look.before)
    return known.objects if known else ()


# --- rules --------------------------------------------------------------------------------------


def _rules(plan: RunPlan) -> list[JsonObject]:
    declared = [
        {
            **_rule(check.id, check.title, check.remedy, _LEVELS[check.effect]),
            "properties": {"criterion": visible(check.criterion), "effect": check.effect},
        }
        for check in plan.checks.values()
    ]
    own = [_rule(code, one.title, one.help, "error") for code, one in _ENGINES.items()]
    own += [_rule(code, one.title, one.help, "none") for code, one in _TOLD.items()]
    return [*declared, *(one for one in own if one["id"] not in plan.checks)]


def _rule(name: str, title: str, advice: str, level: str) -> JsonObject:
    return {
        "id": visible(name),
        "shortDescription": {"text": message(title) or visible(name)},
        "help": {"text": message(advice) or message(title) or visible(name)},
        "defaultConfiguration": {"level": level},
    }


# --- results ------------------------------------------------------------------------------------


def _checked(found: _Found) -> Iterator[JsonObject]:
    """Checks that have failed, and those that have not seen enough to judge."""
    severe = {one.subject for one in found.verdict.reasons if one.severity == "no_go"}
    for check in found.plan.checks.values():
        status = found.verdict.checks.get(check.id)
        if status not in ("fail", "inconclusive"):
            continue
        result = found.results.get(check.id)
        level = "error" if check.id in severe else _LEVELS[check.effect]
        yield {
            **_result(
                found,
                check.id,
                text=_sentences(check, status, result),
                level=level if status == "fail" else None,
                place=_named(found, result),
            ),
            "properties": {
                "criterion": visible(check.criterion),
                "effect": check.effect,
                **({"seconds": result.seconds} if result else {}),
                **({"examined": result.examined} if result and result.examined else {}),
            },
            **_accepted(found, check.id),
        }


def _sentences(check: Check, status: str, result: CheckResult | None) -> str:
    words = "has failed" if status == "fail" else "has not seen enough to judge"
    parts = [f"{check.title}: {words}."]
    if result and result.expected:
        parts.append(f"Expected: {result.expected}.")
    if result and result.observed:
        parts.append(f"Observed: {result.observed}.")
    return " ".join(parts)


def _named(found: _Found, result: CheckResult | None) -> _Place | None:
    """The statement that makes the first object which a check has named."""
    samples = result.samples if result else ()
    return next((found.places[one] for one in samples if one in found.places), None)


def _accepted(found: _Found, check_id: str) -> JsonObject:
    """A waiver is what the standard calls a suppression."""
    texts = [
        one.text
        for one in found.verdict.conditions
        if one.code == "waiver_applied" and one.subject == check_id
    ]
    if not texts:
        return {}
    waived = {"kind": "external", "status": "accepted", "justification": message(texts[0])}
    return {"suppressions": [waived]}


def _reasoned(found: _Found) -> Iterator[JsonObject]:
    """What the engine itself has found out about the migration or the backup."""
    for reason in found.verdict.reasons:
        if reason.code in _ENGINES:
            yield _of_engine(found, reason)
        elif reason.code.startswith(_ON_COPY) and reason.subject in found.plan.checks:
            status = reason.code.removeprefix(_ON_COPY)
            if status != _NOT_RUN:
                yield _of_copy(found, reason, is_open=status == "check_inconclusive")


def _of_engine(found: _Found, reason: Reason) -> JsonObject:
    slow = _slow(found, reason)
    place = _Place(slow.file, slow.line, slow.statement) if slow else None
    if reason.code == "rehearsal_failed":
        place = _failed(found.rehearsal.deployment if found.rehearsal else None)
    # Nobody could compare, or it may have been the host's: nothing is known of the migration.
    is_open = reason.severity == "hold" and (
        reason.code == "rehearsal_failed"
        or (reason.code == "rehearsal_unlike" and reason.observed is None)
    )
    text = _QUOTING.sub(_QUOTED, reason.text)
    level = "error" if reason.severity == "no_go" else "warning"
    told = _result(found, reason.code, text=text, level=None if is_open else level, place=place)
    if slow:
        allowed = {"allowed_seconds": slow.allowed, "budget": visible(slow.budget)}
        told["properties"] = {"seconds": [*slow.seconds], **allowed}
    return told


def _of_copy(found: _Found, reason: Reason, *, is_open: bool) -> JsonObject:
    """A check that comes to something else on the copy than on the database itself."""
    level = "error" if reason.severity == "no_go" else "warning"
    text = f"{reason.text}." + (f" Expected: {reason.expected}." if reason.expected else "")
    told = _result(found, reason.subject, text=text, level=None if is_open else level, place=None)
    # Another finding than what the same check says of the database.
    prints = {_FINGERPRINT: _fingerprint(found, reason.code, None, reason.subject)}
    return {**told, "partialFingerprints": prints, "properties": {"tried_on": "a copy"}}


def _slow(found: _Found, reason: Reason) -> SlowStatement | None:
    if reason.code != "rehearsal_slow" or found.rehearsal is None:
        return None
    begins = ((one, f"tried on a copy: {one.file}:{one.line} ") for one in found.rehearsal.slow)
    return next((one for one, begin in begins if reason.text.startswith(begin)), None)


def _failed(done: Deployment | None) -> _Place | None:
    """The statement with which a deployment has ended early."""
    error = done.error if done else None
    if error is None or error.file is None or error.line is None:
        return None
    return _Place(error.file, error.line, error.statement or "")


def _told(found: _Found) -> Iterator[JsonObject]:
    """Statements that make others wait, or rewrite what was there."""
    for one in found.applied.statements if found.applied else ():
        if not one.waits and not one.rewritten:
            continue
        place = _Place(one.file, one.line, one.statement)
        told = _result(found, _WAITS, text=_cost(one), level=None, place=place)
        yield {**told, "kind": "informational", "properties": _measured(one)}


def _cost(one: StatementTrace) -> str:
    parts = [f"The statement took {one.seconds} s."]
    if one.waits:
        waits = (f"{wait.blocks} of {wait.relation} for {wait.seconds} s" for wait in one.waits)
        parts.append(f"It could make wait: {', '.join(waits)}.")
    if one.rewritten:
        parts.append(f"It rewrites {', '.join(one.rewritten)}.")
    return " ".join(parts)


def _measured(one: StatementTrace) -> JsonObject:
    return {
        "seconds": one.seconds,
        "held_seconds": one.held_seconds,
        "wal_bytes": one.wal_bytes,
        "locks": [
            {"relation": visible(lock.relation), "mode": visible(lock.mode)}
            for lock in one.locks
            if lock.existing
        ],
        "rewritten": [visible(name) for name in one.rewritten],
    }


def _result(
    found: _Found, rule: str, *, text: str, level: str | None, place: _Place | None
) -> JsonObject:
    """A result; without a `level` nothing is said to be wrong."""
    return {
        "ruleId": visible(rule),
        "kind": "open" if level is None else "fail",
        "level": level or "none",
        "message": {"text": message(text)},
        "locations": _locations(found, place),
        "partialFingerprints": {_FINGERPRINT: _fingerprint(found, rule, place)},
    }


def _fingerprint(found: _Found, rule: str, place: _Place | None, *more: str) -> str:
    """The same for the same finding of another run: no time, no number of a line is in it.

    What lies in a file is the same in every environment; what does not is about one database.
    """
    verdict = found.verdict
    parts: tuple[object, ...] = (rule, *more, verdict.runbook)
    if place:
        parts += (place.file, place.statement)
    else:
        parts += (verdict.environment, _host(verdict), _database(verdict))
    text = canonical.line([*parts])
    found.seen[text] += 1
    # Of two statements of the same words the second is another finding.
    return canonical.sha256(canonical.line([*parts, found.seen[text]]))


def _locations(found: _Found, place: _Place | None) -> list[JsonObject]:
    uri = _uri(place.file) if place else None
    if place and uri:
        region = {"region": {"startLine": place.line}} if place.line > 0 else {}
        artifact = {"uri": uri, "uriBaseId": _FOLDER}
        return [{"physicalLocation": {"artifactLocation": artifact, **region}}]
    name, host = _database(found.verdict), _host(found.verdict)
    if not name:
        return []
    whole = f"{host}/{name}"
    logical = {"name": visible(name), "fullyQualifiedName": visible(whole), "kind": "database"}
    return [{"logicalLocations": [logical]}]


def _uri(file: str) -> str | None:
    """A file relative to the folder; None for what leads out of it."""
    parts = file.split("/")
    if not file or file.startswith("/") or ".." in parts:
        return None
    # A colon in the first part would make a scheme of it.
    return quote(file.encode("utf-8", "surrogatepass"), safe="/")


def _database(verdict: VerdictRecord) -> str:
    target = verdict.target
    return (target.observed or target.declared).database if target else ""


def _host(verdict: VerdictRecord) -> str:
    return verdict.target.inventory_host if verdict.target else ""


# --- the run ------------------------------------------------------------------------------------


def _notifications(found: _Found) -> Iterator[JsonObject]:
    """What was not done, or not as it should be: it says nothing about the migration."""
    counted = {one.subject for one in found.verdict.reasons}
    for check in found.plan.checks.values():
        if found.verdict.checks.get(check.id) == "not_run":
            level = "error" if check.id in counted else "note"
            text = f"{check.id} {check.title}: did not run."
            yield {**_note(_NOT_RUN, level, text), "associatedRule": {"id": visible(check.id)}}
    for reason in found.verdict.reasons:
        of_check = reason.subject in found.plan.checks
        text = f"{reason.subject}: {_QUOTING.sub(_QUOTED, reason.text)}."
        if of_check and reason.code == f"{_ON_COPY}{_NOT_RUN}":
            rule = {"associatedRule": {"id": visible(reason.subject)}}
            yield {**_note(reason.code, "error", text), **rule}
        if of_check or reason.code in _ENGINES:
            continue
        place = _failed(found.deployment) if reason.subject == "deploy" else None
        where = {"locations": _locations(found, place)} if place else {}
        yield {**_note(reason.code, "error", text), **where}


def _note(code: str, level: str, text: str) -> JsonObject:
    return {
        "descriptor": {"id": visible(code)},
        "level": level,
        "message": {"text": message(text)},
    }


def _descriptors(notes: Sequence[JsonObject]) -> list[JsonObject]:
    """Each kind of notification that there is, once."""
    kinds = {canonical.line(note["descriptor"]): note["descriptor"] for note in notes}
    return [dict(kinds[key]) for key in sorted(kinds)]  # type: ignore[call-overload]


def _invocation(found: _Found, notes: Sequence[JsonObject]) -> JsonObject:
    run = found.evidence.run
    times = {
        "startTimeUtc": run.started_at if run else None,
        "endTimeUtc": found.verdict.finished_at,
    }
    return {
        "executionSuccessful": not any(note["level"] == "error" for note in notes),
        **{key: at for key, at in times.items() if at and _UTC.fullmatch(at)},
        "toolExecutionNotifications": [*notes],
    }


def _automation(verdict: VerdictRecord) -> str:
    """A hierarchy: what is asked again every time, and this run."""
    names = ("pg-gonogo", verdict.environment, _host(verdict), verdict.runbook, verdict.run_id)
    return "/".join(shown(name or "unknown").replace("/", "_") for name in names)


def _summary(verdict: VerdictRecord) -> JsonObject:
    known = {
        "decision": verdict.decision,
        "score": f"{verdict.score.passed}/{verdict.score.of}",
        "run_id": verdict.run_id,
        "environment": verdict.environment,
        "runbook": verdict.runbook,
        "runbook_sha256": verdict.runbook_sha256,
        "profile": verdict.profile,
        "evidence_head": verdict.evidence_head,
    }
    return {key: visible(value) for key, value in known.items() if value is not None}
