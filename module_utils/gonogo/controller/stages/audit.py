"""Audits a database: asks the checks that only read, keeps the answers, says what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime

from ...contract.errors import GonogoError
from ...contract.login import Timeouts, storable, timeouts_of
from ...contract.options.audit import AUDIT, AuditRequest, AuditTask
from ...contract.records.audit import FORMAT, AuditAnswer, AuditRecord, AuditWaiver
from ...contract.records.check_result import CheckResult
from ...contract.records.phase import PhaseOutcome, PhaseScript
from ...contract.records.run import Declared, Identity
from .. import audit, evidence, request
from ..audit import Shelf
from ..declared.runbook import Phase
from ..invocation import project
from ..request import audit_request, waivers
from ..runbook.book import Runbook
from ..runbook.phase_scripts import prepare
from .base import Stage
from .reported import Reported, skipped
from .scripts import answers, by_name, problem_of

__all__ = ["Audit"]

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class _Asked:
    """What was asked and answered so far."""

    observed: Identity | None = None
    facts: dict[str, object] = field(default_factory=dict)
    results: list[CheckResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sql: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Baseline:
    """Facts of the past that checks compare with, and the audit that has found them."""

    audit_id: str
    facts: Mapping[str, object]


class Audit(Stage[AuditTask]):
    """The stage `audit`, see library/gonogo_audit.py."""

    stage = "audit"
    declared = AUDIT
    task = AuditTask

    def act(self, task: AuditTask) -> Reported:
        if self.checking:
            return skipped("stage audit does not run in check mode")
        request.check_command_line(self.site.variables, extra=self.site.extra)
        groups = [str(group) for group in self.site.variables.get("group_names") or ()]
        known = {name: self.variable(name) for name in self._own_variables()}
        asked = audit_request.check(task, host=self.host, groups=groups, variables=known)
        runbook = asked.runbook
        now = datetime.now(UTC)
        audit_id = evidence.new_run_id(now)
        shelf = Shelf(self.runs_dir, task.environment, self.host, runbook.name, runbook.profile)
        last = next(iter(shelf.newest), None)
        found = _Asked()
        questions = _Questions(self, task, runbook, audit_id, found)
        questions.ask("preflight", facts={})
        assert found.observed is not None  # it has answered
        baseline = _baseline(task, runbook, shelf, last, found, audit_id)
        questions.ask("phases", facts={**found.facts, **baseline.facts})
        own = {name: found.facts.get(name) for name in runbook.declared.of_baseline}
        record = AuditRecord(
            format=FORMAT,
            audit_id=audit_id,
            environment=task.environment,
            host=self.host,
            database=found.observed.database,
            system_identifier=found.observed.system_identifier,
            database_oid=found.observed.database_oid,
            runbook=runbook.name,
            runbook_sha256=runbook.sha256,
            profile=runbook.profile,
            started_at=f"{now:{_TIME}}",
            finished_at=f"{datetime.now(UTC):{_TIME}}",
            last=last.audit_id if last else None,
            baseline=baseline.audit_id,
            facts=own if baseline.audit_id == audit_id else {},
            checks=found.results,
            changes=audit.changes(last.checks, found.results) if last else (),
            waivers=_waivers(asked.waivers, runbook, found.results, now.date()),
            notes=list(_notes(last, found.observed, runbook, baseline, audit_id)),
            problems=found.problems,
        )
        directory = audit.write(record, shelf, titles=_titles(runbook), sql=found.sql)
        return self._reported(task, record, runbook, str(directory))

    def _own_variables(self) -> list[str]:
        """Names of ours that somebody has set for this host."""
        _, prefixes = project.variables()
        return [name for name in self.site.variables if str(name).startswith(prefixes)]

    @staticmethod
    def _reported(
        task: AuditTask, record: AuditRecord, runbook: Runbook, directory: str
    ) -> Reported:
        changed = audit.counts(record)
        failing = [f"{changed[kind]} {kind}" for kind in task.fail_on if changed[kind]]
        if record.problems:
            failing.append("not all could be asked")
        titles = {check_id: title for check_id, (title, _) in _titles(runbook).items()}
        return Reported(
            changed=False,
            failed=bool(failing) or None,
            msg=f"audit of {record.database}: {', '.join(failing)}" if failing else None,
            lines=[*audit.lines(record, titles), f"Report: {directory}/audit.md"],
            told={"audit": directory, "changes": changed},
        )


@dataclass
class _Questions:
    """What is asked of the target host, and what it has answered."""

    stage: Audit
    task: AuditTask
    runbook: Runbook
    audit_id: str
    found: _Asked

    def ask(self, stage: str, *, facts: Mapping[str, object]) -> None:
        """Ask the phases of a stage that only read, in one snapshot."""
        phases = self.runbook.asked_of_audit(stage)
        timeouts = timeouts_of(self.task.timeouts)
        scripts = [self._script(phase, facts, timeouts) for phase in phases]
        declared = Declared(
            environment=self.task.environment,
            database=str(storable(self.task.login)["db"]),
            refused_databases=self.task.refused_databases,
            system_identifier=self.task.system_identifier,
            validated=None,
        )
        asked = AuditRequest(
            login=self.task.login,
            run_id=self.audit_id,
            declared=declared,
            scripts=scripts,
            timeouts=timeouts,
        )
        answer = self.stage.call_with_database("audit", asked, AuditAnswer)
        if stage == "preflight":
            self.found.observed = answer.observed
        outcomes = by_name(answer.phases)
        self._note(phases, outcomes)

    def _script(self, phase: Phase, facts: Mapping[str, object], timeouts: Timeouts) -> PhaseScript:
        if phase.name in self.runbook.declared.asked_whole:
            facts = {**facts, **{name: {} for name in self.runbook.declared.of_baseline}}
        record = {
            "run_id": self.audit_id,
            "called": f"gonogo-audit:{self.audit_id}",
            "token": "0" * 10,  # it makes no rows
            "profile": self.runbook.profile,
            "residue": "rollback",
        }
        prepared = prepare(
            self.runbook, [phase], record=record, facts=facts, timeouts=asdict(timeouts)
        )
        self.found.sql.update(prepared.files)
        (script,) = prepared.scripts
        return script

    def _note(self, phases: Sequence[Phase], outcomes: Mapping[str, PhaseOutcome]) -> None:
        for phase in phases:
            outcome = outcomes.get(phase.name)
            self.found.results += answers(self.runbook, phase.name, outcome)
            self.found.facts.update(outcome.facts if outcome else {})
            # That a check stops a run is none of an audit's business: all phases are asked.
            problem = problem_of(self.runbook, [phase], outcomes, self.stage.stage)
            if problem:
                self.found.problems.append(
                    ": ".join(filter(None, (problem.primary, problem.detail)))
                )


def _baseline(
    task: AuditTask,
    runbook: Runbook,
    shelf: Shelf,
    last: AuditRecord | None,
    found: _Asked,
    audit_id: str,
) -> _Baseline:
    """What the audit compares with: the facts of the baseline, or those that it has just found."""
    assert found.observed is not None  # it has answered
    names = runbook.declared.of_baseline
    kept = shelf.find(last.baseline) if last and not task.baseline else None
    if kept and kept.is_of_database(found.observed) and set(names) <= kept.facts.keys():
        return _Baseline(kept.audit_id, {name: kept.facts[name] for name in names})
    missing = [name for name in names if name not in found.facts]
    if missing:
        raise GonogoError(
            "what the audit compares with could not be found",
            detail=f"Missing: {', '.join(missing)}. {'; '.join(found.problems)}".strip(),
        )
    return _Baseline(audit_id, {name: found.facts[name] for name in names})


def _notes(
    last: AuditRecord | None,
    observed: Identity,
    runbook: Runbook,
    baseline: _Baseline,
    audit_id: str,
) -> list[str]:
    """What has to be known about the comparison."""
    if last is None:
        return ["the first audit: there is nothing to compare with"]
    notes = []
    if not last.is_of_database(observed):
        notes.append("another database than at the last audit, under the same name")
    if last.runbook_sha256 != runbook.sha256:
        notes.append("the runbook has changed since the last audit")
    if runbook.declared.of_baseline and baseline.audit_id == audit_id:
        notes.append("this audit is the new baseline")
    return notes


def _waivers(
    known: Sequence[waivers.Waiver], runbook: Runbook, results: Sequence[CheckResult], today: date
) -> list[AuditWaiver]:
    failed = [result.check_id for result in results if result.status == "fail"]
    return [
        AuditWaiver(
            subject=one.subject,
            owner=one.words["owner"],
            reason=one.words["reason"],
            expires=one.words["expires"],
            days_left=(date.fromisoformat(one.words["expires"]) - today).days,
            failed=[
                check_id
                for check_id in failed
                if one.subject in (check_id, _criterion(runbook, check_id))
            ],
        )
        for one in known
    ]


def _criterion(runbook: Runbook, check_id: str) -> str | None:
    check = runbook.checks.get(check_id)
    return check.criterion if check else None


def _titles(runbook: Runbook) -> dict[str, tuple[str, str]]:
    return {check.id: (check.title, check.remedy) for check in runbook.checks.values()}
