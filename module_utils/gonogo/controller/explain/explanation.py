"""What a program is told of a run. docs/programs.md has each key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ...contract.records.check_result import CheckResult
from ...contract.records.deployment import InTheWay
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...contract.records.verdict import Condition, Reason, Score, VerdictRecord
from ..evidence import Evidence
from ..invocation.commands import Caller
from .actions import Action, actions, next_of

__all__ = ["FORMAT", "Explanation", "Finding", "Proof", "explain"]

FORMAT = 1
_PASSED = "pass"


@dataclass(frozen=True)
class Proof:
    """`later` are the files that were written after what the head proves."""

    directory: str
    head: str
    later: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: a check that did not pass, or rows that a statement
    of the migration refuses. `rows` and `query` are known of such rows alone."""

    subject: str
    title: str
    status: str
    expected: str | None
    observed: str | None
    objects: Sequence[str]
    rows: int | None
    query: str | None
    remedy: str | None


@dataclass(frozen=True)
class Explanation:
    """What the evidence of a run says."""

    format: int
    run_id: str
    environment: str
    host: str
    database: str
    decision: str
    score: Score
    finished_at: str | None
    evidence: Proof
    reasons: Sequence[Reason]
    findings: Sequence[Finding]
    conditions: Sequence[Condition]
    next: Sequence[str]
    actions: Sequence[Action]


def explain(
    found: Evidence, verdict: VerdictRecord, *, directory: str, later: Sequence[str], caller: Caller
) -> Explanation:
    """What the evidence says, whose verdict has been confirmed. Raises GonogoError."""
    run = found.run
    if run is None:
        raise GonogoError("the evidence does not say which run it is of")
    target = run.target
    about = caller.about(target.inventory_host, run.environment)
    known = actions(found, run, directory, about)
    return Explanation(
        format=FORMAT,
        run_id=run.run_id,
        environment=run.environment,
        host=target.inventory_host,
        database=_database(run),
        decision=verdict.decision,
        score=verdict.score,
        finished_at=verdict.finished_at,
        evidence=Proof(directory, found.head, list(later)),
        reasons=verdict.reasons,
        findings=[*_of_rows(found), *_of_checks(found, verdict)],
        conditions=verdict.conditions,
        next=next_of(found, verdict.decision, known),
        actions=known,
    )


def _database(run: RunRecord) -> str:
    observed, declared = run.target.observed, run.target.declared
    return observed.database if observed else declared.database


def _of_rows(found: Evidence) -> Iterator[Finding]:
    """The rows that stand in the way of a statement on the copy."""
    record = readable(Rehearsal, found.rehearsal, file=Rehearsal.FILE)
    error = record.deployment.error if record and record.deployment else None
    rows: InTheWay | None = error.in_the_way if error else None
    if error and rows:
        yield Finding(
            subject=rows.table,
            title=f"{error.file}:{error.line} is refused for rows that are there",
            status="fail",
            expected=None,
            observed=f"{error.sqlstate}: {error.message}",
            objects=rows.samples,
            rows=rows.rows,
            query=rows.query,
            remedy=None,
        )


def _of_checks(found: Evidence, verdict: VerdictRecord) -> Iterator[Finding]:
    """Every check that did not pass, as the verdict has it."""
    for check in found.plan.checks if found.plan else ():
        status = verdict.checks.get(check.id, "not_run")
        if status == _PASSED:
            continue
        result = _deciding(found.checks, check.id, status)
        yield Finding(
            subject=check.id,
            title=check.title,
            status=status,
            expected=result.expected if result else None,
            observed=result.observed if result else None,
            objects=result.samples if result else (),
            rows=None,
            query=None,
            remedy=check.remedy,
        )


def _deciding(results: Sequence[CheckResult], check_id: str, status: str) -> CheckResult | None:
    """Of several results the one that decided."""
    of_it = [one for one in results if one.check_id == check_id]
    deciding = [one for one in of_it if one.status == status]
    return next(iter(deciding), of_it[-1] if of_it else None)
