"""Tries migration, way back and phases on the twin, and records how they went."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from ...contract.budgets import budgets_of
from ...contract.errors import GonogoError, InputError
from ...contract.options.rehearsal import REHEARSAL
from ...contract.records import rehearsal as records
from ...contract.records.check_result import CheckResult
from ...contract.records.migration import Plan
from ...contract.records.phase import PhaseOutcome
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain, read
from ...contract.records.rehearsal import Trial, TriedRevert
from ...contract.records.run import RunRecord
from ...contract.records.sabotage import Sabotage
from ...contract.records.twin import TwinRecord
from ...host.compare.schema_catalog import Difference
from .. import evidence
from ..outcome import rehearsal
from ..runbook import migration
from ..runbook.book import Runbook
from ..runbook.phase_scripts import of_run, prepare
from . import kept_scripts
from . import twin as twins
from .base import Stage
from .scripts import answers, outcomes_of, problem_of

__all__ = ["Rehearsal"]

_Answer = TypeVar("_Answer")


@dataclass
class _Tried:
    """What was tried so far; the schema with the migration, and what came of the sabotage."""

    record: records.Rehearsal
    schema: Mapping[str, str] | None = None
    sabotage: Sabotage | None = None


class Rehearsal(Stage):
    """The stage `rehearsal`, see library/gonogo_rehearsal.py."""

    stage = "rehearsal"
    spec: ClassVar[Mapping[str, Any]] = REHEARSAL.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return {"skipped": True, "msg": "stage rehearsal does not run in check mode"}
        run = self.open_run()
        self.same_login(run, arguments)
        budgets_of(arguments["budgets"])
        twin = run.read(TwinRecord)
        deploying = self.deploys(run)
        tried = _Tried(
            rehearsal.nothing(
                run.read(RunRecord),
                required=arguments["required"] or (deploying and self.is_protected(run)),
                twin=twin,
            )
        )
        if twin.kept:
            try:
                self._try(tried, run, twin.kept.login, arguments, deploying)
            except Exception:
                # What went wrong is to be told; the stage verdict tries again to remove it.
                with contextlib.suppress(GonogoError):
                    twins.remove(self, run.run_id, arguments["login"], arguments["directory"])
                raise
            twins.remove(self, run.run_id, arguments["login"], arguments["directory"])
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
        return {"changed": True, "rehearsal": plain(record), "lines": lines}

    def _try(
        self,
        tried: _Tried,
        run: evidence.Run,
        login: Mapping[str, Any],
        arguments: Mapping[str, Any],
        deploying: bool,
    ) -> None:
        """Add to what was tried, step by step."""
        runbook = self.runbook_of(run)
        plan = migration.plan(runbook, "migration") if deploying else None
        undo = self._undo(runbook, deploying)
        asked = {
            **REHEARSAL.passed(arguments),
            "login": login,
            "run_id": run.run_id,
            "plan": plain(plan or undo),
            "undo": plain(undo),
            "untold": plain(migration.untold(runbook)),
        }
        trial = self._asked(Trial, asked, "apply_revert_reapply" if deploying else "inspect")
        tried.schema = trial.schema
        tried.record = replace(
            rehearsal.tried(tried.record, trial),
            unlike_promotion=self._unlike(run, runbook, trial.schema or {}, asked),
        )
        if trial.problem:
            return
        checks, scripts, facts = self._checks(run, runbook, login, arguments)
        tried.record = replace(tried.record, checks=tuple(checks), scripts=scripts)
        if undo:
            back = self._asked(TriedRevert, asked, "try_revert")
            tried.record = replace(tried.record, back=back)
        if arguments["sabotage"]:
            tried.sabotage = self._sabotaged(run, runbook, login, arguments, facts)

    @staticmethod
    def _undo(runbook: Runbook, deploying: bool) -> Plan | None:
        if not runbook.sql_files("undo"):
            return None
        try:
            return migration.plan(runbook, "undo")
        except InputError:
            if deploying:
                raise
            # Nothing tells whether such a migration is there, and this run does not apply it.
            return None

    def _sabotaged(
        self,
        run: evidence.Run,
        runbook: Runbook,
        login: Mapping[str, Any],
        arguments: Mapping[str, Any],
        facts: Mapping[str, Any],
    ) -> Sabotage:
        """Which checks can fail, and which changes none of them notices."""
        record = of_run(run.read(RunRecord), residue="rollback")
        phases = [*runbook.phases("preflight"), *runbook.phases("phases")]
        prepared = prepare(
            runbook, phases, record=record, facts=facts, timeouts=arguments["timeouts"]
        )
        asked = {
            "login": login,
            "run_id": run.run_id,
            "scripts": plain(prepared.scripts),
            "schema": runbook.manifest.schema,
            "tables": rehearsal.to_break(runbook.manifest, arguments["sabotage_tables"]),
            "timeouts": arguments["timeouts"],
        }
        answer = self.call_with_database("sabotage", asked)["sabotage"]
        found = read(Sabotage, answer, file="the sabotage")
        raced = {race["check"] for script in prepared.scripts for race in script.races}
        blind = [check for check in runbook.checks if check not in {*found.noticed, *raced}]
        return replace(found, never_failed=blind)

    def _asked(self, record: type[_Answer], asked: Mapping[str, Any], part: str) -> _Answer:
        answer = self.call_with_database("rehearsal", {**asked, "part": part})
        return read(record, answer["rehearsal"], file="the rehearsal")

    def _unlike(
        self,
        run: evidence.Run,
        runbook: Runbook,
        schema: Mapping[str, str],
        asked: Mapping[str, Any],
    ) -> tuple[str, ...] | None:
        """Names that differ from the schema of the run that let this one in; None if unknown."""
        if not (run.path / "promotion_schema.json").is_file():
            return None
        validated = run.read_json("promotion_schema.json")

        def same(found: Sequence[Difference]) -> dict[str, list[str]]:
            question = {key: asked[key] for key in ("login", "run_id", "timeouts")}
            pairs = [[one.name, one.first, one.second] for one in found if one.kind == "different"]
            if not pairs:
                return {}
            answer = self.call_with_database("reprint", {**question, "definitions": pairs})
            return dict(answer["same"])

        return tuple(rehearsal.unlike(validated, schema, runbook.manifest, same=same))

    def _checks(
        self,
        run: evidence.Run,
        runbook: Runbook,
        login: Mapping[str, Any],
        arguments: Mapping[str, Any],
    ) -> tuple[list[CheckResult], dict[str, str], dict[str, Any]]:
        """What every check of the runbook says there, with rows that stay, and in which scripts;
        and the facts."""
        record = of_run(run.read(RunRecord), residue="keep")
        facts: dict[str, Any] = {}
        results: list[CheckResult] = []
        scripts: dict[str, str] = {}
        cleanup = runbook.declared.cleanup
        stopped = False
        for stage in ("preflight", "phases"):
            phases = runbook.phases(stage)
            outcomes: dict[str, PhaseOutcome] = {}
            if not stopped:
                prepared = prepare(
                    runbook, phases, record=record, facts=facts, timeouts=arguments["timeouts"]
                )
                # The cleanup is for rows of the database itself; it does not run there.
                ran = {n: text for n, text in prepared.files.items() if n != cleanup}
                scripts |= kept_scripts.keep_rehearsed(run, ran, stage=self.stage)
                asked = {
                    "login": login,
                    "run_id": run.run_id,
                    "directory": f"{arguments['directory']}/runs/{run.run_id}/rehearsal",
                    "scripts": plain(prepared.scripts),
                    "timeouts": arguments["timeouts"],
                    "application_name": runbook.parameters.get("application_name", ""),
                    "keep_lock": True,
                }
                outcomes = outcomes_of(self.call_with_database(stage, asked))
                for outcome in outcomes.values():
                    facts.update(outcome.facts)
            for phase in phases:
                results += answers(runbook, phase.name, outcomes.get(phase.name))
            stopped = stopped or problem_of(runbook, phases, outcomes, stage) is not None
        return results, scripts, facts
