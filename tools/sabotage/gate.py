"""The gate, as the playbook has it: its own stages and its own verdict, one call each.

What a playbook adds is Ansible and the way to the target host; here the controller's part of a
stage calls the target's part directly. The stages that judge the schema take part: the proof of
the target, preflight, the phases. Those about the archive and the files do not.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login, Timeouts, application_name
from gonogo.contract.options.scripts import PhasesTask, PreflightTask, ScriptsTask
from gonogo.contract.records.phase import PhaseScript
from gonogo.contract.records.run import Declared, Digests, RunRecord, Target, Versions
from gonogo.controller import evidence, runbook
from gonogo.controller.declared.manifest import Function, Manifest
from gonogo.controller.declared.runbook import Phase
from gonogo.controller.evidence import judgement
from gonogo.controller.invocation import project
from gonogo.controller.stages.scripts import Phases, PhaseStage, Preflight
from gonogo.host.session import identity, lock
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from tools.direct import Here
from tools.project import RUNBOOK

__all__ = ["Gate", "Judged"]

_PROCESS = evidence.controller_identity(os.getpid())
_STAGES = ["target", "preflight", "phases"]
_ENVIRONMENT = "sandbox"
# Each copy has evidence of its own, so that all runs can have one name, and the same SQL.
_RUN_ID = "20260131T120000Z-0a1b2c"
_TOKEN = "0a1b2c3d4e"  # noqa: S105 - names the rows of the run
_TIMEOUTS = {"lock": "5s", "statement": "2min", "idle_in_transaction": "1min"}


@dataclass(frozen=True)
class Judged:
    """What the gate says: `statuses` has every declared check, `observed` those that did not
    pass, `failed` the stages that did not do their work and why."""

    decision: str
    statuses: dict[str, str]
    observed: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Gate:
    """One runbook's gate. What it has rendered it keeps: the same facts give the same SQL."""

    def __init__(
        self,
        directory: Path = RUNBOOK,
        *,
        profile: str,
        parameters: Mapping[str, Any],
        declares: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        """`declares`: what the manifest says of functions besides: name → key → texts."""
        loaded = runbook.load(directory, profile=profile, parameters=parameters, templates=False)
        self.runbook = replace(loaded, manifest=_with(loaded.manifest, declares or {}))
        self._rendered: dict[str, Sequence[PhaseScript]] = {}

    def judge(
        self, login: Login, directory: Path, *, between: Callable[[], object] = lambda: None
    ) -> Judged:
        """Run all stages on the database of `login` and decide.

        `directory` is for the evidence and does not exist; it is removed afterwards. `between` is
        called after preflight.
        """
        run = evidence.Run.create(directory, _ENVIRONMENT, _RUN_ID)
        try:
            self._open(run, login)
            with ExitStack() as stack:
                self._run_stages(run, login, directory / "host", between, stack)
            run.append("verdict", "closed", {"fenced": []})
            return _judged(run.path)
        finally:
            shutil.rmtree(directory)

    def _open(self, run: evidence.Run, login: Login) -> None:
        record = RunRecord(
            run_id=_RUN_ID,
            token=_TOKEN,
            environment=_ENVIRONMENT,
            protected=False,
            target=Target(
                inventory_host="sandbox", login=_keywords(login), declared=_declared(login)
            ),
            runbook=self.runbook.name,
            runbook_sha256=self.runbook.sha256,
            runbook_directory=str(self.runbook.directory),
            cleanup=self.runbook.declared.cleanup,
            profile=self.runbook.profile,
            residue="rollback",
            parameters=dict(self.runbook.parameters),
            promotion=None,
            started_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            operator="sabotage",
            controller=_PROCESS,
            versions=Versions(
                ansible_core="none", python=sys.version.split()[0], project=project.version()
            ),
            project_directory=str(project.ROOT),
            ansible_config=None,
            digests=Digests(runbook=self.runbook.digests, project={}, elsewhere={}),
        )
        run.keep(record, stage="target")
        run.keep(self.runbook.plan(stages=_STAGES), stage="target")

    def _run_stages(
        self,
        run: evidence.Run,
        login: Login,
        host: Path,
        between: Callable[[], object],
        stack: ExitStack,
    ) -> None:
        """As the playbook: a stage that fails is the last."""
        stage = "target"
        try:
            _prove(run, login, stack)
            given = (_keywords(login), _TIMEOUTS, str(host))
            stage = "preflight"
            looking = PreflightTask(*given, after_deploy=None)
            _Preflight(run, self.runbook, self._rendered).act(looking)
            between()
            stage = "phases"
            _Phases(run, self.runbook, self._rendered).act(PhasesTask(*given, jobs=1))
        except GonogoError as error:
            run.append(stage, "stage_failed", error.data)


def _with(manifest: Manifest, declares: Mapping[str, Mapping[str, Sequence[str]]]) -> Manifest:
    def more(function: Function) -> dict[str, Any]:
        said = declares.get(function.name, {})
        return {key: [*(getattr(function, key) or ()), *texts] for key, texts in said.items()}

    functions = [replace(one, **more(one)) for one in manifest.functions]
    return replace(manifest, functions=functions)


def _keywords(login: Login) -> dict[str, Any]:
    return {key: value for key, value in asdict(login).items() if value is not None}


def _declared(login: Login) -> Declared:
    return Declared(
        environment=_ENVIRONMENT,
        database=login.db,
        refused_databases=(),
        system_identifier=None,
        validated=None,
    )


def _prove(run: evidence.Run, login: Login, stack: ExitStack) -> None:
    """The stage target: whose database it is, and the lock, which a session here holds."""
    name = application_name(_RUN_ID, "target")
    with connect(login, name=name, read_only=True) as connection:
        observed = observe(connection)
    problems = identity.problems(_declared(login), observed)
    if problems:
        raise problems[0]
    holder = stack.enter_context(connect(login, name=application_name(_RUN_ID, "lock")))
    held = lock.take(holder)
    if held:
        raise GonogoError("another run has the lock", detail=held.application_name)
    run.append("target", "stage_passed", {"fenced": [], "swept": []})


_Task = TypeVar("_Task", bound=ScriptsTask)


class _Direct(PhaseStage[_Task]):
    """A stage that is given its run and its runbook, and keeps what it has rendered."""

    def __init__(
        self, run: evidence.Run, book: runbook.Runbook, rendered: dict[str, Sequence[PhaseScript]]
    ) -> None:
        super().__init__(Here(_PROCESS))
        self._run_at_work = run
        self._book = book
        self._rendered = rendered

    def open_run(self) -> evidence.Run:
        return self._run_at_work

    def runbook_of(self, run: evidence.Run) -> runbook.Runbook:
        del run  # It is the one that was loaded.
        return self._book

    def _scripts(
        self,
        run: evidence.Run,
        runbook: runbook.Runbook,
        phases: Sequence[Phase],
        timeouts: Timeouts,
    ) -> Sequence[PhaseScript]:
        """Where nothing was renamed, the facts are the same, and with them the SQL."""
        facts = run.read_json("facts.json") if self.stage != "preflight" else {}
        key = canonical.line([self.stage, facts])
        if key not in self._rendered:
            self._rendered[key] = super()._scripts(run, runbook, phases, timeouts)
        return self._rendered[key]


class _Preflight(_Direct[PreflightTask], Preflight):
    pass


class _Phases(_Direct[PhasesTask], Phases):
    pass


def _judged(path: Path) -> Judged:
    verdict = judgement.decided(path)
    results = evidence.load(path).checks
    return Judged(
        decision=verdict.decision,
        statuses=dict(verdict.checks),
        observed={
            result.check_id: str(result.observed) for result in results if result.status != "pass"
        },
        failed={
            reason.subject: reason.text
            for reason in verdict.reasons
            if reason.code not in {"check_fail", "check_inconclusive", "check_not_run"}
            and not reason.code.startswith("important")
        },
    )
