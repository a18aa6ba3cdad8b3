"""Opens a run: checks the request, then the target, then takes the lock."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from ...contract.errors import GonogoError
from ...contract.login import Timeouts, storable
from ...contract.options.every import RUN
from ...contract.options.target import TARGET, HistoryRequest, TargetRequest, TargetTask
from ...contract.records.answers import HistoryAnswer, TargetAnswer
from ...contract.records.deployment import HistoryEntry
from ...contract.records.reading import plain
from ...contract.records.run import (
    Declared,
    Digests,
    Migrations,
    RunRecord,
    Versions,
)
from ...contract.records.run import Target as TargetOfRun
from ...contract.records.swept import Swept
from ...host.migrate.history import Entry
from .. import evidence, request
from ..invocation import loaded, person, project
from ..invocation.paths import path_of
from ..outcome import intents
from ..render.rendering import compiling
from ..request import host_request, promotion, waivers, waves
from ..request.protection import ONLY_INVENTORY, Protection, protection
from ..request.remembered import Remembered
from ..request.requested import Asked, Folder
from ..runbook import queries, source
from ..runbook.book import Runbook
from ..runbook.source import Source
from . import concurrent_runs, continued, recovery
from .base import Stage
from .reported import Reported

__all__ = ["Target"]


class Target(Stage[TargetTask]):
    """The stage `target`, see library/gonogo_target.py."""

    stage = "target"
    declared = TARGET
    task = TargetTask

    def act(self, task: TargetTask) -> Reported:
        extra = self.site.extra
        request.check_command_line(self.site.variables, extra=extra)
        said = self.site.said(self.host)
        play = self.site.play
        remembered = Remembered()
        # Where the stage input has looked at the host, it has parsed the templates, too.
        host_request.check(
            self.host,
            variables=self.site.variables["hostvars"][self.host],
            extra=extra,
            said=said,
            play=play,
            templates=self.site.input_left_out,
            remembered=remembered,
        )
        held_back = self.site.held_back()
        if held_back:
            raise held_back
        given = self.site.variables
        effective = {name: self.variable(name) for name in ONLY_INVENTORY if name in given}
        effective["gonogo_environment"] = task.environment
        protected = protection(said, play=play, effective=effective)
        if task.take_over:
            request.check_run_id("target_take_over", task.take_over)
        # The stage input has parsed the templates; rendering stops at whatever is undefined.
        asked = Asked(
            runbook=task.runbook,
            environment=task.environment,
            profile=task.profile,
            residue=task.residue,
            parameters=task.parameters,
            waivers=task.waivers,
            waivers_file=task.waivers_file,
            host=self.host,
            groups=self._groups,
            migrations=_folder(task),
        )
        runbook = request.load_runbook(
            asked, protection=protected, templates=False, remembered=remembered
        )
        # The stage input has asked the same, for every host; this is what is kept.
        admitted = promotion.admitted(
            promotion.wanted(
                protected,
                evidence=task.promotion.evidence,
                evidence_store=task.evidence_store,
                ssh_args=task.evidence_ssh_args,
            ),
            protection=protected,
            environment=task.environment,
            runbook=runbook,
            now=datetime.now(UTC),
        )
        declared = Declared(
            environment=task.environment,
            database=str(storable(task.login)["db"]),
            refused_databases=task.refused_databases,
            system_identifier=task.system_identifier,
            validated=admitted.promotion.target if admitted else None,
        )
        if self.checking:
            probed = self._probe(task, declared, run_id=evidence.new_run_id(datetime.now(UTC)))
            return Reported(told=plain(probed))
        done = self._done(task, runbook, protected)
        if done:
            return done
        run = self._open(task, declared, runbook, admitted, protected)
        with compiling(runbook.template_folders):
            first = self._probe(task, declared, run_id=run.run_id)
        result = concurrent_runs.fence_dead_runs(
            lambda dead: self._probe(task, declared, run_id=run.run_id, fence=dead),
            first,
            runs_dir=self.runs_dir,
            identity=self.identity,
            end=lambda run_id: self.caller.again(f"target_take_over={run_id}"),
        )
        self._complete(run, result)
        if runbook.source:
            self._pending(run, runbook.source, task)
        answers = [first] if result is first else [first, result]
        fenced = [name for answer in answers for name in answer.fenced]
        swept = [left for answer in answers for left in answer.swept]
        after = {"fenced": fenced, "swept": plain(swept)}
        run.append(self.stage, "stage_passed", after)
        return Reported(
            told={
                **plain(result),
                **after,
                "run_id": run.run_id,
                "evidence": str(run.path),
            },
            lines=[
                *_lines(fenced, swept),
                *_passed_over(admitted),
                *self._find_out(run, task),
                *self._left_out(run),
            ],
        )

    def _done(self, task: TargetTask, runbook: Runbook, protected: Protection) -> Reported | None:
        """Where a rollout in waves is begun again: what has been done here already, None where
        nothing has."""
        if not (self.variable(waves.KEY) and self.site.flag("deploy_enabled")):
            return None
        login = storable(task.login)
        content = continued.Content(task.environment, login, runbook, protected.protected)
        asking = evidence.new_run_id(datetime.now(UTC))
        run = continued.done_by(self, content, run_id=asking)
        if run is None:
            self._require_earlier_waves(content)
            return None
        lines = [
            f"Done already: run {run.run_id} is a GO of the same, and the database is as it has "
            "left it. Nothing is touched.",
        ]
        told = {"done": True, "run_id": run.run_id, "evidence": str(run.path)}
        return Reported(changed=False, lines=lines, told=told)

    def _require_earlier_waves(self, content: continued.Content) -> None:
        """Those of their hosts that this play has go their way before this one."""
        left_out = self.site.left_out()
        if not left_out:
            return
        said = {name: self.variable(name) for name in (waves.STOPS, waves.MAX_FAIL)}
        limits = waves.limits(said)

        def came(host: str) -> waves.Came:
            verdict = continued.came_to(self.runs_dir, content, host)
            return waves.Came(host, verdict or "", limits)

        waves.require([came(host) for host in wave] for wave in left_out)

    def _open(
        self,
        task: TargetTask,
        declared: Declared,
        runbook: Runbook,
        admitted: promotion.Admitted | None,
        protected: Protection,
    ) -> evidence.Run:
        # Before anything is made: it may be a name that cannot be shown.
        now, operator = datetime.now(UTC), person.account()
        run = evidence.Run.create(self.runs_dir, task.environment, evidence.new_run_id(now))
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        record = RunRecord(
            run_id=run.run_id,
            token=evidence.new_token(),
            environment=task.environment,
            protected=protected.protected,
            target=TargetOfRun(
                inventory_host=self.host, login=storable(task.login), declared=declared
            ),
            runbook=runbook.name,
            runbook_sha256=runbook.sha256,
            runbook_directory=str(runbook.directory),
            cleanup=runbook.declared.cleanup,
            profile=runbook.profile,
            residue=task.residue,
            parameters=dict(runbook.parameters),
            promotion=admitted.promotion if admitted else None,
            started_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            operator=operator,
            controller=self.identity,
            versions=Versions(
                ansible_core=version("ansible-core"),
                python=sys.version.split()[0],
                project=project.version(),
            ),
            project_directory=str(project.ROOT),
            ansible_config=loaded.configuration(),
            digests=Digests(
                runbook=runbook.digests,
                project=project.digests(),
                elsewhere=loaded.elsewhere(),
            ),
            migrations=_kept(runbook.source, task),
            customer=protected.customer,
        )
        run.keep(record, stage=self.stage)
        if admitted and admitted.schema:
            run.write_json("promotion_schema.json", admitted.schema, stage=self.stage)
        plan = runbook.plan(stages=self._stages(), waivers=self._waivers(task))
        run.keep(plan, stage=self.stage)
        return run

    def _pending(self, run: evidence.Run, folder: Source, task: TargetTask) -> None:
        """Find out what of the folder is to be judged. Raises GonogoError where nothing can be."""
        asked = HistoryRequest(
            login=task.login,
            run_id=run.run_id,
            tool=folder.key,
            schema=folder.tool.schema,
            queries=True,
        )
        answer = self.call_with_database("history", asked, HistoryAnswer)
        entries = None if answer.entries is None else [*map(_entry, answer.entries)]
        if answer.queries is not None:
            run.keep(queries.cleaned(answer.queries), stage=self.stage)
        if task.migrate_command:
            # What it would apply is not known before it has run on a copy.
            return
        run.keep(source.record(folder, entries), stage=self.stage)
        problem = source.problem(folder, entries)
        if problem:
            raise problem
        if not folder.pending(entries):
            self._plan_nothing(run, task)

    def _plan_nothing(self, run: evidence.Run, task: TargetTask) -> None:
        """There is no migration to be deployed and judged: what is there is."""
        stages = [stage for stage in self._stages() if stage != "deploy"]
        plan = self.runbook_of(run).plan(stages=stages, waivers=self._waivers(task))
        run.keep(replace(plan, nothing_pending=True), stage=self.stage)

    def _complete(self, run: evidence.Run, result: TargetAnswer) -> None:
        """Put on record what the host has said."""
        record = run.read(RunRecord)
        completed = replace(
            record,
            target=replace(record.target, observed=result.observed),
            versions=replace(record.versions, clients=result.clients),
            # Plugins that speak with the host have been loaded by now.
            digests=replace(record.digests, elsewhere=loaded.elsewhere()),
        )
        run.keep(completed, stage=self.stage)

    def _find_out(self, run: evidence.Run, task: TargetTask) -> list[str]:
        """What has become of what other runs have begun and not ended: none is at work."""
        asking = recovery.Asking(task.login, Timeouts(), by=run.run_id)
        said = recovery.find_out_restores(self, run.environment, asking)
        said += recovery.find_out_undos(self, run.environment, asking)
        for other in intents.open_runs(self.runs_dir, run.environment, task.login):
            if other.path == run.path:
                continue
            try:
                said += recovery.find_out(self, other, asking)
            except GonogoError as error:
                said.append(
                    f"Run {other.run_id} began to deploy and did not end; what it has left cannot "
                    f"be found out: {error.primary}"
                )
        return said

    def _left_out(self, run: evidence.Run) -> list[str]:
        if self.deploys(run):
            return []
        return [f"Nothing is deployed: deploy_enabled is not set for {run.environment}."]

    @property
    def _groups(self) -> list[str]:
        return [str(group) for group in self.site.variables.get("group_names") or ()]

    def _waivers(self, task: TargetTask) -> list[Mapping[str, str]]:
        """Those that are for this host."""
        known = waivers.listed(task.waivers, task.waivers_file)
        return [one.words for one in waivers.of_host(known, self.host, self._groups)]

    def _stages(self) -> list[str]:
        """What the inventory does not ask for is no part of the plan."""
        return [stage.role for stage in RUN if all(map(self.site.flag, stage.asked_for_by))]

    def _probe(
        self,
        task: TargetTask,
        declared: Declared,
        *,
        run_id: str,
        fence: Sequence[str] = (),
    ) -> TargetAnswer:
        taken = [task.take_over] if task.take_over else []
        asked = TargetRequest(
            **TARGET.passed(vars(task)),
            run_id=run_id,
            declared=declared,
            fence=fence or taken,
        )
        return self.call_with_database("target", asked, TargetAnswer)


def _entry(kept: HistoryEntry) -> Entry:
    return Entry(kept.name, kept.state, kept.checksum, kept.details)


def _folder(task: TargetTask) -> Folder | None:
    if task.migrations is None:
        return None
    return Folder(
        task.migrations,
        task.migration_tool,
        task.migration_schema,
        task.irreversible,
        baseline=task.baseline,
        baseline_version=task.baseline_version,
        queries=task.queries,
        checks=task.own_checks,
        criteria=task.criteria or {},
        command=tuple(task.migrate_command),
    )


def _kept(folder: Source | None, task: TargetTask) -> Migrations | None:
    if folder is None:
        return None
    start = folder.baseline
    return Migrations(
        str(folder.directory),
        folder.key,
        task.migration_schema,
        folder.irreversible,
        baseline=str(start.file) if start and start.file else None,
        baseline_version=start.version if start else None,
        queries=_path(task.queries, key="gonogo_queries"),
        checks=_path(task.own_checks, key="gonogo_own_checks"),
        criteria=_levels(task),
        command=tuple(task.migrate_command),
    )


def _levels(task: TargetTask) -> dict[str, str] | None:
    given = task.criteria or {}
    return {str(name): str(level) for name, level in given.items()} or None


def _path(value: str | None, *, key: str) -> str | None:
    return None if value is None else str(path_of(value, key=key))


def _lines(fenced: Sequence[str], swept: Sequence[Swept]) -> list[str]:
    """What an earlier run has left, for the terminal."""
    lines = [f"Ended what a cut run had left: {', '.join(sorted(fenced))}"] if fenced else []
    lines += [f"Removed what a cut run had left: {left.file} ({left.size} bytes)" for left in swept]
    return lines


def _passed_over(admitted: promotion.Admitted | None) -> list[str]:
    """What a store has that is newer than the run that admits this one."""
    record = admitted.promotion if admitted else None
    if record is None or not record.passed_over:
        return []
    return [
        f"Let in by run {record.run_id} on {record.environment}. The store has newer ones:",
        *(f"  {one}" for one in record.passed_over),
    ]
