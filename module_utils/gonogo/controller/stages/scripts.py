"""What the stages preflight and phases share: render scripts, run them, record the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

from ...contract.errors import CheckError, GonogoError
from ...contract.login import Timeouts, timeouts_of
from ...contract.options.scripts import (
    PHASES,
    PREFLIGHT,
    PhasesTask,
    PreflightTask,
    ScriptsRequest,
    ScriptsTask,
)
from ...contract.records.answers import PhasesAnswer, PreflightAnswer
from ...contract.records.check_result import CheckResult, came_to
from ...contract.records.ledger import LedgerRow
from ...contract.records.phase import PhaseOutcome, PhaseScript, ScriptError
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain
from ...contract.records.run import RunRecord
from ...contract.records.standing import JudgedObjects, Standing
from ...verdict import WORDS, read_plan
from ..declared.runbook import Phase
from ..evidence import Run
from ..outcome import deployment, rehearsal, standing
from ..runbook.book import Runbook
from ..runbook.phase_scripts import of_run, prepare, tried
from ..runbook.seen import Seen
from . import kept_scripts
from .base import Stage
from .reported import Reported, skipped

__all__ = [
    "PhaseStage",
    "Phases",
    "Preflight",
    "answers",
    "application_name",
    "by_name",
    "judged_objects",
    "problem_of",
    "summary",
]

_Task = TypeVar("_Task", bound=ScriptsTask)


class PhaseStage(Stage[_Task]):
    """Base of the stages that run phase scripts; `seen` is what the run has seen of a folder of
    migrations, where the scripts ask about it."""

    seen: Seen = Seen()

    def _scripts(
        self, run: Run, runbook: Runbook, phases: Sequence[Phase], timeouts: Timeouts
    ) -> Sequence[PhaseScript]:
        """Render every phase; write SQL and ledger into the evidence before anything runs."""
        facts = run.read_json("facts.json") if self.stage != "preflight" else {}
        prepared = prepare(
            runbook,
            phases,
            record=of_run(run.read(RunRecord)),
            facts=facts,
            timeouts=asdict(timeouts),
            seen=self.seen,
        )
        kept_scripts.keep(run, prepared.files, stage=self.stage)
        if prepared.rows:
            run.append_lines(LedgerRow.FILE, prepared.rows, stage=self.stage)
        return prepared.scripts

    def _asked(
        self, run: Run, runbook: Runbook, phases: Sequence[Phase], task: ScriptsTask
    ) -> ScriptsRequest:
        """What is asked of the target host, with the scripts in the evidence."""
        timeouts = timeouts_of(task.timeouts)
        return ScriptsRequest(
            login=task.login,
            run_id=run.run_id,
            directory=f"{task.directory}/{run.run_id}",
            scripts=self._scripts(run, runbook, phases, timeouts),
            timeouts=timeouts,
            application_name=application_name(runbook),
        )

    def _record(
        self,
        run: Run,
        runbook: Runbook,
        phases: Sequence[Phase],
        outcomes: Mapping[str, PhaseOutcome],
    ) -> None:
        """Write what was answered; then say whether all of it was."""
        for phase in phases:
            records = answers(runbook, phase.name, outcomes.get(phase.name))
            run.append_lines(CheckResult.FILE, records, stage=self.stage)
            ids = [record.check_id for record in records]
            run.append(self.stage, "checks", {"phase": phase.name, "ids": ids})
        problem = problem_of(runbook, phases, outcomes, self.stage)
        if problem:
            raise problem


class Preflight(PhaseStage[PreflightTask]):
    """The stage `preflight`, see library/gonogo_preflight.py."""

    stage = "preflight"
    declared = PREFLIGHT
    task = PreflightTask

    def act(self, task: PreflightTask) -> Reported:
        if self.checking:
            return skipped("stage preflight does not run in check mode")
        run = self.open_run()
        self.same_login(run, task.login)
        runbook = self.runbook_of(run)
        late = bool(task.after_deploy)
        phases = self._due(run, runbook, late=late)
        if not phases:
            if not late:
                # A runbook that looks nothing up has no facts, and its phases ask for none.
                run.write_json("facts.json", {}, stage=self.stage)
                run.append(self.stage, "stage_passed")
            return skipped("stage preflight has nothing to do here")
        asked = self._asked(run, runbook, phases, task)
        answer = self.call_with_database(self.stage, asked, PreflightAnswer)
        outcomes = by_name(answer.phases)
        self._keep_facts(run, answer.phases)
        self._record(run, runbook, phases, outcomes)
        self._refuse_unrenderable(run, runbook)
        run.append(self.stage, "stage_passed")
        return Reported(told=plain(answer), lines=summary(outcomes))

    def _due(self, run: Run, runbook: Runbook, *, late: bool) -> Sequence[Phase]:
        """The phases that are due now: some can only be asked of the migrated schema."""
        phases = runbook.phases(self.stage)
        if not self.deploys(run):
            return [] if late else phases
        return [phase for phase in phases if (phase.after == "deploy") == late]

    def _keep_facts(self, run: Run, outcomes: Sequence[PhaseOutcome]) -> None:
        facts = {key: value for one in outcomes for key, value in one.facts.items()}
        if (run.path / "facts.json").is_file():
            facts = {**run.read_json("facts.json"), **facts}
        run.write_json("facts.json", facts, stage=self.stage)

    def _refuse_unrenderable(self, run: Run, runbook: Runbook) -> None:
        """Before anything is deployed: what the phases need of the facts is there."""
        waiting = any(phase.after == "deploy" for phase in runbook.phases("preflight"))
        if not waiting and self.deploys(run):
            tried(runbook, facts=run.read_json("facts.json"))


class Phases(PhaseStage[PhasesTask]):
    """The stage `phases`, see library/gonogo_phases.py."""

    stage = "phases"
    declared = PHASES
    task = PhasesTask

    def act(self, task: PhasesTask) -> Reported:
        if self.checking:
            return skipped("stage phases does not run in check mode")
        run = self.open_run()
        self.same_login(run, task.login)
        runbook = self.runbook_of(run)
        # What has to be there at the end is asked even where no script asks anything.
        phases = runbook.phases(self.stage)
        recorded = self.recorded(run, runbook, task.login, timeouts_of(task.timeouts))
        self.seen = Seen(history=recorded)
        asked = replace(
            self._asked(run, runbook, phases, task),
            jobs=task.jobs or 0,
            objects=judged_objects(runbook),
            expected=standing.objects(runbook),
        )
        answer = self.call_with_database(self.stage, asked, PhasesAnswer)
        if answer.judged:
            run.write_json("judged.json", answer.judged, stage=self.stage)
        outcomes = by_name(answer.phases)
        self._record(run, runbook, phases, outcomes)
        run.append(self.stage, "stage_passed")
        self._look_back(run, runbook, answer.standing)
        alone = [f"one session has asked everything: {answer.alone}"] if answer.alone else []
        return Reported(told=plain(answer), lines=[*summary(outcomes), *alone])

    def _look_back(self, run: Run, runbook: Runbook, seen: Standing | None) -> None:
        """Whether the migration is there, written down as a stage's failure where it is not."""
        found = standing.problem(
            runbook,
            seen,
            rehearsal=rehearsal.read_record(run),
            deploy=deployment.read_record(run),
            caller=self.caller,
            told=_important_failed(run),
        )
        if found:
            run.append("migration", "stage_failed", found.data)


def _important_failed(run: Run) -> bool:
    """Whether a check has failed whose failure a person may accept."""
    checks = read_plan(run.read(PlanRecord)).checks
    return any(
        result.status == "fail" and checks[result.check_id].effect == "important"
        for result in run.read_all(CheckResult)
        if result.check_id in checks
    )


def judged_objects(runbook: Runbook) -> JudgedObjects:
    """What the checks judge, as `judged.read` takes it."""
    manifest, role = runbook.manifest, runbook.parameters.get("application_role")
    return JudgedObjects(
        schema=manifest.schema,
        tables=[table.name for table in manifest.tables],
        functions=[function.name for function in manifest.functions],
        role=str(role) if role else None,
    )


def application_name(runbook: Runbook) -> str:
    """What the sessions are called in which code of the application runs."""
    return str(runbook.parameters.get("application_name") or "")


def by_name(outcomes: Sequence[PhaseOutcome]) -> dict[str, PhaseOutcome]:
    """What each script has answered, by its name."""
    return {outcome.name: outcome for outcome in outcomes}


def answers(runbook: Runbook, phase: str, outcome: PhaseOutcome | None) -> list[CheckResult]:
    """One record for every check of the phase, in the runbook's order; none is left out."""
    answered = {result.check_id: result for result in outcome.results} if outcome else {}
    declared = [check.id for check in runbook.checks.values() if check.phase == phase]
    undeclared = [check_id for check_id in answered if check_id not in declared]
    missing = _why_missing(outcome)
    return [
        answered.get(check_id)
        or CheckResult(
            check_id=check_id,
            status="not_run",
            examined=0,
            expected=None,
            observed=missing,
            samples=(),
            seconds=0.0,
            phase=phase,
        )
        for check_id in (*declared, *undeclared)
    ]


def _why_missing(outcome: PhaseOutcome | None) -> str:
    if outcome is None:
        return "the phase did not run"
    if not outcome.ran:
        return f"the phase did not run: {outcome.why}"
    if outcome.error:
        return _told(outcome.error)
    return "the script gave no answer"


def _told(error: ScriptError) -> str:
    where = f" at {error.block}" if error.block else ""
    state = f"{error.sqlstate}: " if error.sqlstate else ""
    return f"the script ended early{where}: {state}{error.message}"


def problem_of(
    runbook: Runbook,
    phases: Sequence[Phase],
    outcomes: Mapping[str, PhaseOutcome],
    stage: str,
) -> GonogoError | None:
    """Why the stage did not do its work; of the failed checks only those that stop are a reason."""
    for phase in phases:
        outcome = outcomes.get(phase.name)
        if outcome is None:
            return GonogoError(f"phase {phase.name} did not run")
        if outcome.error:
            at = f"-- @{outcome.error.block} in " if outcome.error.block else ""
            return GonogoError(
                f"{phase.name}: {_told(outcome.error)}",
                detail=outcome.error.detail,
                hint=f"See {at}sql/{phase.name}.sql, or in what it includes, in the evidence.",
            )
        if stage == "preflight":
            for result in outcome.checks:
                check = runbook.checks[result.check_id]
                if check.stop and result.status != "pass":
                    return CheckError(
                        f"check {check.id} {WORDS[result.status]}: {check.title}",
                        check=check.id,
                        detail=f"It found: {result.observed}. It wants: {result.expected}.",
                        hint=check.remedy
                        if result.status == "fail"
                        else f"It has not seen enough to judge (-- @check {check.id} in "
                        f"sql/{phase.name}.sql). {check.remedy}",
                    )
        if not outcome.ran:
            return GonogoError(f"phase {phase.name} did not run: {outcome.why}")
    return None


def summary(outcomes: Mapping[str, PhaseOutcome]) -> list[str]:
    """One line a phase, for the terminal."""
    return [
        f"{outcome.name}: {came_to(outcome.results)}, {outcome.seconds:.1f} s"
        for outcome in outcomes.values()
    ]
