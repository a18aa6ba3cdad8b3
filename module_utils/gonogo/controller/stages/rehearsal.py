"""Tries migration, way back and phases on the twin, and records how they went."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ...contract.budgets import budgets_of
from ...contract.errors import GonogoError, InputError
from ...contract.login import timeouts_of
from ...contract.options.rehearsal import (
    REHEARSAL,
    RehearsalRequest,
    RehearsalTask,
    ReprintRequest,
    SabotageRequest,
)
from ...contract.options.scripts import ScriptsRequest
from ...contract.records import rehearsal as records
from ...contract.records.answers import (
    PhasesAnswer,
    PreflightAnswer,
    ReprintAnswer,
    SabotageAnswer,
    TrialAnswer,
    TriedRevertAnswer,
)
from ...contract.records.check_result import CheckResult
from ...contract.records.drift import ReplayPlan
from ...contract.records.history import HistoryRecord
from ...contract.records.migration import Plan
from ...contract.records.phase import PhaseOutcome
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain
from ...contract.records.run import RunRecord
from ...contract.records.sabotage import Sabotage
from ...contract.records.twin import TwinRecord
from ...host.compare.schema_catalog import Difference
from .. import evidence
from ..declared.runbook import Phase
from ..outcome import deployment, rehearsal, same_shape
from ..outcome.same_shape import Other
from ..runbook import plans, replays
from ..runbook.book import Runbook
from ..runbook.phase_scripts import of_run, prepare
from ..runbook.seen import Seen, rehearsed
from . import capture, kept_scripts
from . import twin as twins
from .base import Stage
from .reported import Reported, skipped
from .scripts import answers, application_name, by_name, problem_of

__all__ = ["Rehearsal"]


@dataclass
class _Tried:
    """What was tried so far; the schema with the migration, and what came of the sabotage."""

    record: records.Rehearsal
    schema: Mapping[str, str] | None = None
    sabotage: Sabotage | None = None
    only: Mapping[str, Sequence[CheckResult]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Trial:
    """What is tried, on the twin that `login` leads to, and which is in `home`."""

    run: evidence.Run
    runbook: Runbook
    login: Mapping[str, str | int | None]
    home: str
    task: RehearsalTask


@dataclass
class _Checked:
    """What the checks of the runbook have said so far, in which scripts, and the facts. Those that
    are asked of the copy alone, by phase, are the run's own answers."""

    results: list[CheckResult] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    only: dict[str, list[CheckResult]] = field(default_factory=dict)
    stopped: bool = False
    seen: Seen = field(default_factory=Seen)


class Rehearsal(Stage[RehearsalTask]):
    """The stage `rehearsal`, see library/gonogo_rehearsal.py."""

    stage = "rehearsal"
    declared = REHEARSAL
    task = RehearsalTask

    def act(self, task: RehearsalTask) -> Reported:
        if self.checking:
            return skipped("stage rehearsal does not run in check mode")
        run = self.open_run()
        self.same_login(run, task.login)
        budgets_of(task.budgets)
        twin = run.read(TwinRecord)
        deploying = self.deploys(run)
        tried = _Tried(
            rehearsal.nothing(
                run.read(RunRecord),
                required=bool(task.required) or (deploying and self.is_protected(run)),
                twin=twin,
            )
        )
        if twin.kept:
            try:
                trial = _Trial(
                    run, self.runbook_of(run), twin.kept.login, twin.kept.directory, task
                )
                self._go_by_or_try(tried, trial, deploying=deploying)
            except Exception:
                # What went wrong is to be told; the stage verdict tries again to remove it.
                with contextlib.suppress(GonogoError):
                    twins.remove(self, run.run_id, task.login, task.directory)
                raise
            twins.remove(self, run.run_id, task.login, task.directory)
        else:
            tried.only = _untried(self.runbook_of(run), tried.record)
        if tried.sabotage is not None:
            run.keep(tried.sabotage, stage=self.stage)
        if tried.schema is not None:
            run.write_json("schema.json", dict(tried.schema), stage=self.stage)
        self._keep_answers(run, tried.only)
        record = tried.record
        run.write_json(records.Rehearsal.FILE, plain(record), stage=self.stage)
        problem = rehearsal.problem(record, run.read(PlanRecord), deploying=deploying)
        if problem:
            raise problem
        run.append(self.stage, "stage_passed")
        lines = rehearsal.lines(record, tried.sabotage)
        return Reported(changed=True, told={"rehearsal": plain(record)}, lines=lines)

    def _go_by_or_try(self, tried: _Tried, trial: _Trial, *, deploying: bool) -> None:
        """Add what another database of the same shape has shown, or what this one does."""
        chosen = self.site.rehearses_for_it() if trial.task.per_shape else None
        found = self._other(trial, *chosen, deploying=deploying) if chosen else None
        if not isinstance(found, Other):
            self._try(tried, trial, deploying=deploying)
            tried.record = replace(tried.record, itself=found)
            return
        own = tried.record
        tried.schema, tried.only = found.schema, self._of_the_copy(trial.runbook, found.only)
        tried.record = replace(
            found.record,
            promoted=own.promoted,
            required=own.required,
            backup_sha256=own.backup_sha256,
            unlike_promotion=self._unlike(trial, found.schema),
        )

    @staticmethod
    def _other(trial: _Trial, host: str, directory: Path | None, *, deploying: bool) -> Other | str:
        """What to go by; why there is nothing, in words."""
        if not deploying:
            return "the run applies nothing"
        if trial.task.sabotage or trial.task.resume:
            return "what is tried is about this database alone"
        plan = plans.plan(trial.runbook)
        why = same_shape.only_by_itself(trial.run, plan)
        if why:
            return why
        if directory is None:
            return f"{host} has no run to go by"
        limits = deployment.limits(trial.task.budgets)
        work = same_shape.Work(trial.run, plan, plans.undo(trial.runbook), limits)
        return same_shape.other(work, host, evidence.Run(directory))

    @staticmethod
    def _of_the_copy(
        runbook: Runbook, answered: Mapping[str, Sequence[CheckResult]]
    ) -> dict[str, Sequence[CheckResult]]:
        phases = [*runbook.phases("preflight", twin=True), *runbook.phases("phases", twin=True)]
        return {one.name: answered.get(one.name, ()) for one in phases if one.only}

    def _keep_answers(self, run: evidence.Run, only: Mapping[str, Sequence[CheckResult]]) -> None:
        """Nobody else is asked what is asked of the copy alone."""
        for phase, results in only.items():
            run.append_lines(CheckResult.FILE, results, stage=self.stage)
            ids = [result.check_id for result in results]
            run.append(self.stage, "checks", {"phase": phase, "ids": ids})

    def _try(self, tried: _Tried, trial: _Trial, *, deploying: bool) -> None:
        """Add to what was tried, step by step."""
        plan = plans.plan(trial.runbook) if deploying else None
        undo = self._undo(trial.runbook, deploying)
        asked = RehearsalRequest(
            login=trial.login,
            run_id=trial.run.run_id,
            part="apply_revert_reapply" if deploying else "inspect",
            plan=plan or undo,
            undo=undo,
            untold=plans.untold(trial.runbook),
            timeouts=timeouts_of(trial.task.timeouts),
            resume=bool(trial.task.resume),
            budgets=trial.task.budgets,
            replay=self._replay(trial),
        )
        checked = _Checked()
        preflight = trial.runbook.phases("preflight", twin=True)
        # As on the database itself: before the migration what is not about the migrated schema.
        before = [phase for phase in preflight if deploying and phase.after is None]
        self._check(trial, checked, "preflight", before)
        found = self.call_with_database("rehearsal", asked, TrialAnswer).rehearsal
        tried.schema = found.schema
        drift = capture.drift_of(trial.run) or found.drift
        found = replace(found, drift=replays.attributed(drift, trial.runbook))
        if found.deployment:
            allowed = deployment.limits(trial.task.budgets)
            found = replace(found, deployment=replace(found.deployment, budgets=allowed))
        tried.record = replace(
            rehearsal.tried(tried.record, found),
            unlike_promotion=self._unlike(trial, found.schema or {}),
        )
        checked.seen = self._seen(trial, tried.record)
        phases = trial.runbook.phases("phases", twin=True)
        if found.problem:
            # Nothing else can be asked of what it has left.
            about = [phase for phase in phases if phase.only == "rehearsal"]
            self._check(trial, checked, "phases", about)
            tried.only = {phase.name: checked.only[phase.name] for phase in about}
            tried.record = replace(tried.record, scripts=checked.scripts)
            return
        done = found.deployment
        if done and done.action == "applied":
            capture.require_same(trial.run, done.changed or (), found.schema or {})
        late = [phase for phase in preflight if phase not in before]
        self._check(trial, checked, "preflight", late)
        recorded = self.recorded(
            trial.run, trial.runbook, trial.login, timeouts_of(trial.task.timeouts)
        )
        checked.seen = replace(checked.seen, history=recorded)
        self._check(trial, checked, "phases", phases)
        tried.only = checked.only
        tried.record = replace(tried.record, checks=tuple(checked.results), scripts=checked.scripts)
        if undo:
            reverting = replace(asked, part="try_revert", replay=None)
            answer = self.call_with_database("rehearsal", reverting, TriedRevertAnswer)
            tried.record = replace(tried.record, back=answer.rehearsal)
        if trial.task.sabotage:
            tried.sabotage = self._sabotaged(trial, checked)

    @staticmethod
    def _undo(runbook: Runbook, deploying: bool) -> Plan | None:
        try:
            return plans.undo(runbook)
        except InputError:
            if deploying:
                raise
            # Nothing tells whether such a migration is there, and this run does not apply it.
            return None

    @staticmethod
    def _seen(trial: _Trial, record: records.Rehearsal) -> Seen:
        twin = trial.run.read(TwinRecord)
        return rehearsed(trial.runbook, record, twin, budgets_of(trial.task.budgets))

    @staticmethod
    def _replay(trial: _Trial) -> ReplayPlan | None:
        if trial.runbook.source is None:
            return None
        return replays.plan(
            trial.runbook, trial.runbook.source, trial.run.read(HistoryRecord), home=trial.home
        )

    def _sabotaged(self, trial: _Trial, checked: _Checked) -> Sabotage:
        """Which checks can fail, and which changes none of them notices."""
        runbook, timeouts = trial.runbook, timeouts_of(trial.task.timeouts)
        record = of_run(trial.run.read(RunRecord), residue="rollback")
        phases = [*runbook.phases("preflight", twin=True), *runbook.phases("phases", twin=True)]
        prepared = prepare(
            runbook,
            phases,
            record=record,
            facts=checked.facts,
            timeouts=asdict(timeouts),
            seen=checked.seen,
        )
        asked = SabotageRequest(
            login=trial.login,
            run_id=trial.run.run_id,
            scripts=prepared.scripts,
            schema=runbook.manifest.schema,
            tables=rehearsal.to_break(runbook.manifest, trial.task.sabotage_tables),
            timeouts=timeouts,
        )
        answer = self.call_with_database("sabotage", asked, SabotageAnswer).sabotage
        raced = {race["check"] for script in prepared.scripts for race in script.races}
        blind = [
            check for check in runbook.checks if check not in answer.noticed and check not in raced
        ]
        return replace(answer, never_failed=blind)

    def _unlike(self, trial: _Trial, schema: Mapping[str, str]) -> tuple[str, ...] | None:
        """Names that differ from the schema of the run that admits this one; None if unknown."""
        run = trial.run
        if not (run.path / "promotion_schema.json").is_file():
            return None
        validated = run.read_json("promotion_schema.json")

        def same(found: Sequence[Difference]) -> Mapping[str, Sequence[str | None]]:
            pairs = [(one.name, one.first, one.second) for one in found if one.kind == "different"]
            if not pairs:
                return {}
            timeouts = timeouts_of(trial.task.timeouts)
            asked = ReprintRequest(trial.login, run.run_id, definitions=pairs, timeouts=timeouts)
            return self.call_with_database("reprint", asked, ReprintAnswer).same

        return tuple(rehearsal.unlike(validated, schema, trial.runbook.manifest, same=same))

    def _check(self, trial: _Trial, checked: _Checked, stage: str, phases: Sequence[Phase]) -> None:
        """Add what the checks of these phases say there, with rows that stay."""
        if not phases:
            return
        runbook = trial.runbook
        outcomes = {} if checked.stopped else self._outcomes(trial, checked, stage, phases)
        for outcome in outcomes.values():
            checked.facts.update(outcome.facts)
        for phase in phases:
            said = answers(runbook, phase.name, outcomes.get(phase.name))
            checked.results += said
            if phase.only:
                checked.only[phase.name] = said
        stopped = problem_of(runbook, phases, outcomes, stage) is not None
        checked.stopped = checked.stopped or stopped

    def _outcomes(
        self, trial: _Trial, checked: _Checked, stage: str, phases: Sequence[Phase]
    ) -> dict[str, PhaseOutcome]:
        run, runbook, timeouts = trial.run, trial.runbook, timeouts_of(trial.task.timeouts)
        record = of_run(run.read(RunRecord), residue="keep")
        prepared = prepare(
            runbook,
            phases,
            record=record,
            facts=checked.facts,
            timeouts=asdict(timeouts),
            seen=checked.seen,
        )
        # The cleanup is for rows of the database itself; it does not run there.
        cleanup = runbook.declared.cleanup
        ran = {n: text for n, text in prepared.files.items() if n != cleanup}
        checked.scripts |= kept_scripts.keep_rehearsed(run, ran, stage=self.stage)
        asked = ScriptsRequest(
            login=trial.login,
            run_id=run.run_id,
            directory=f"{trial.task.directory}/runs/{run.run_id}/rehearsal",
            scripts=prepared.scripts,
            timeouts=timeouts,
            jobs=trial.task.jobs or 0,
            application_name=application_name(runbook),
            keep_lock=True,
        )
        return by_name(self._ran(stage, asked))

    def _ran(self, stage: str, asked: ScriptsRequest) -> Sequence[PhaseOutcome]:
        if stage == "preflight":
            return self.call_with_database(stage, asked, PreflightAnswer).phases
        return self.call_with_database(stage, asked, PhasesAnswer).phases


def _untried(runbook: Runbook, record: records.Rehearsal) -> dict[str, list[CheckResult]]:
    """Why what is asked of the copy alone did not run, by phase."""
    why = f"there was no copy to ask: {record.reason}"
    return {
        phase.name: [replace(one, observed=why) for one in answers(runbook, phase.name, None)]
        for phase in runbook.phases("phases", twin=True)
        if phase.only
    }
