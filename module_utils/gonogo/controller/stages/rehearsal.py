"""Tries migration, way back and phases on the twin, and records how they went."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

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
from ...contract.records.migration import Plan
from ...contract.records.phase import PhaseOutcome
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain
from ...contract.records.run import RunRecord
from ...contract.records.sabotage import Sabotage
from ...contract.records.twin import TwinRecord
from ...host.compare.schema_catalog import Difference
from .. import evidence
from ..outcome import rehearsal
from ..runbook import plans
from ..runbook.book import Runbook
from ..runbook.phase_scripts import of_run, prepare
from . import kept_scripts
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


@dataclass(frozen=True)
class _Trial:
    """What is tried, on the twin that `login` leads to."""

    run: evidence.Run
    runbook: Runbook
    login: Mapping[str, str | int | None]
    task: RehearsalTask


@dataclass(frozen=True)
class _Checked:
    """What every check of the runbook has said, in which scripts, and the facts."""

    results: Sequence[CheckResult]
    scripts: Mapping[str, str]
    facts: Mapping[str, object]


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
                trial = _Trial(run, self.runbook_of(run), twin.kept.login, task)
                self._try(tried, trial, deploying=deploying)
            except Exception:
                # What went wrong is to be told; the stage verdict tries again to remove it.
                with contextlib.suppress(GonogoError):
                    twins.remove(self, run.run_id, task.login, task.directory)
                raise
            twins.remove(self, run.run_id, task.login, task.directory)
        if tried.sabotage is not None:
            run.keep(tried.sabotage, stage=self.stage)
        if tried.schema is not None:
            run.write_json("schema.json", dict(tried.schema), stage=self.stage)
        record = tried.record
        run.write_json(records.Rehearsal.FILE, plain(record), stage=self.stage)
        problem = rehearsal.problem(record, run.read(PlanRecord), deploying=deploying)
        if problem:
            raise problem
        run.append(self.stage, "stage_passed")
        lines = rehearsal.lines(record, tried.sabotage)
        return Reported(changed=True, told={"rehearsal": plain(record)}, lines=lines)

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
        )
        found = self.call_with_database("rehearsal", asked, TrialAnswer).rehearsal
        tried.schema = found.schema
        tried.record = replace(
            rehearsal.tried(tried.record, found),
            unlike_promotion=self._unlike(trial, found.schema or {}),
        )
        if found.problem:
            return
        checked = self._checks(trial)
        tried.record = replace(tried.record, checks=tuple(checked.results), scripts=checked.scripts)
        if undo:
            reverting = replace(asked, part="try_revert")
            answer = self.call_with_database("rehearsal", reverting, TriedRevertAnswer)
            tried.record = replace(tried.record, back=answer.rehearsal)
        if trial.task.sabotage:
            tried.sabotage = self._sabotaged(trial, checked.facts)

    @staticmethod
    def _undo(runbook: Runbook, deploying: bool) -> Plan | None:
        try:
            return plans.undo(runbook)
        except InputError:
            if deploying:
                raise
            # Nothing tells whether such a migration is there, and this run does not apply it.
            return None

    def _sabotaged(self, trial: _Trial, facts: Mapping[str, object]) -> Sabotage:
        """Which checks can fail, and which changes none of them notices."""
        runbook, timeouts = trial.runbook, timeouts_of(trial.task.timeouts)
        record = of_run(trial.run.read(RunRecord), residue="rollback")
        phases = [*runbook.phases("preflight"), *runbook.phases("phases")]
        prepared = prepare(runbook, phases, record=record, facts=facts, timeouts=asdict(timeouts))
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

    def _checks(self, trial: _Trial) -> _Checked:
        """What every check of the runbook says there, with rows that stay."""
        run, runbook, timeouts = trial.run, trial.runbook, timeouts_of(trial.task.timeouts)
        record = of_run(run.read(RunRecord), residue="keep")
        facts: dict[str, object] = {}
        results: list[CheckResult] = []
        scripts: dict[str, str] = {}
        cleanup = runbook.declared.cleanup
        stopped = False
        for stage in ("preflight", "phases"):
            phases = runbook.phases(stage)
            outcomes: dict[str, PhaseOutcome] = {}
            if not stopped:
                prepared = prepare(
                    runbook, phases, record=record, facts=facts, timeouts=asdict(timeouts)
                )
                # The cleanup is for rows of the database itself; it does not run there.
                ran = {n: text for n, text in prepared.files.items() if n != cleanup}
                scripts |= kept_scripts.keep_rehearsed(run, ran, stage=self.stage)
                asked = ScriptsRequest(
                    login=trial.login,
                    run_id=run.run_id,
                    directory=f"{trial.task.directory}/runs/{run.run_id}/rehearsal",
                    scripts=prepared.scripts,
                    timeouts=timeouts,
                    application_name=application_name(runbook),
                    keep_lock=True,
                )
                outcomes = by_name(self._ran(stage, asked))
                for outcome in outcomes.values():
                    facts.update(outcome.facts)
            for phase in phases:
                results += answers(runbook, phase.name, outcomes.get(phase.name))
            stopped = stopped or problem_of(runbook, phases, outcomes, stage) is not None
        return _Checked(results, scripts, facts)

    def _ran(self, stage: str, asked: ScriptsRequest) -> Sequence[PhaseOutcome]:
        if stage == "preflight":
            return self.call_with_database(stage, asked, PreflightAnswer).phases
        return self.call_with_database(stage, asked, PhasesAnswer).phases
