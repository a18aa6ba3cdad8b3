"""Judges the last migrations of a history, each on what the ones before it leave, with rows.

The gate is that of a run: rehearsal on a copy, preflight, deployment and phases are its stages, and
the verdict is the one of the evidence they write. The database is copied by the server, not dumped,
so that a verdict costs seconds.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login, application_name
from gonogo.contract.options.deploy import DeployTask
from gonogo.contract.options.rehearsal import RehearsalTask
from gonogo.contract.options.scripts import PhasesTask, PreflightTask
from gonogo.contract.records.backup import BackupRecord, BackupSeconds
from gonogo.contract.records.deployment import Deployment
from gonogo.contract.records.run import (
    Declared,
    Digests,
    Identity,
    Migrations,
    RunRecord,
    Target,
    Versions,
)
from gonogo.contract.records.twin import KeptTwin, TwinRecord, TwinSeconds
from gonogo.controller import evidence, runbook
from gonogo.controller.evidence import judgement
from gonogo.controller.invocation import project
from gonogo.controller.runbook import pending, source
from gonogo.controller.runbook.derived import DERIVED, DERIVED_PROFILE, about
from gonogo.controller.stages.base import Stage
from gonogo.controller.stages.deploy import Deploy
from gonogo.controller.stages.rehearsal import Rehearsal
from gonogo.controller.stages.scripts import Phases, Preflight
from gonogo.host.migrate.deployment import deploy
from gonogo.host.session import lock
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from sandbox import rows
from sandbox.errors import SandboxError
from sandbox.logins import APPLICATION
from tools.direct import Here

if TYPE_CHECKING:
    from gonogo.controller.runbook.source import Source
    from gonogo.host.migrate.history import Migration
    from sandbox.cluster import Cluster
    from sandbox.rows import Filled

__all__ = ["Finding", "Gate", "Lab", "Verdict", "judge", "run_record"]

_BARE, _STATE, _TWIN, _REAL = "corpus_bare", "corpus_state", "corpus_twin", "corpus_real"
_ENVIRONMENT = "corpus"
_STAGES = ("target", "rehearsal", "preflight", "deploy", "phases")
_TIMEOUTS = {"lock": "5s", "statement": "2min", "idle_in_transaction": "1min"}
_PROCESS = evidence.controller_identity(os.getpid())
_TOKEN = "0a1b2c3d4e"  # noqa: S105 - names the rows of the run
# Of the archive that there is none of.
_COPY = "0" * 64
_APPLICATION = sql.Identifier(APPLICATION)
# What an application has that does not own its tables.
_RIGHTS = (
    sql.SQL("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}").format(
        _APPLICATION
    ),
    sql.SQL("ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {}").format(_APPLICATION),
)


@dataclass(frozen=True)
class Finding:
    """What stands against a GO: the check or stage, and what was found."""

    subject: str
    severity: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a migration; `decision` is empty where it came to none.

    `checks` are the statuses, `untried` what D3.2 names, `unfilled` the tables that got no rows.
    """

    file: str
    decision: str
    passed: int
    of: int
    seconds: float
    findings: Sequence[Finding]
    checks: Mapping[str, str] = field(default_factory=dict)
    examined: Mapping[str, int] = field(default_factory=dict)
    untried: str = ""
    unfilled: Mapping[str, str] = field(default_factory=dict)


class Gate:
    """The stages of a run about a folder of migrations, from the rehearsal on."""

    def __init__(self, folder: Source, *, parameters: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._book = runbook.load(
            DERIVED, profile=DERIVED_PROFILE, parameters=parameters or {}, templates=False
        )

    def judge(self, login: Login, twin: Login, until: Migration, directory: Path) -> Path:
        """Deploy what is pending up to a migration and judge it; returns where the evidence is.

        `twin` leads to a copy of the database of `login`, `directory` is for all that is written.
        """
        migrations = self._folder.migrations
        upto = replace(
            self._folder,
            migrations=migrations[: [one.file for one in migrations].index(until.file) + 1],
        )
        run = evidence.Run.create(
            directory / "runs", _ENVIRONMENT, evidence.new_run_id(datetime.now(UTC))
        )
        stage = "target"
        try:
            book = self._opened(run, login, twin, upto)
            with _locked(run, login), _locked(run, twin):
                for name, act in self._stages(run, book, login, directory):
                    stage = name
                    act()
        except GonogoError as error:
            run.append(stage, "stage_failed", error.data)
        run.append("verdict", "closed", {"fenced": []})
        return run.path

    def _opened(
        self, run: evidence.Run, login: Login, twin: Login, upto: Source
    ) -> runbook.Runbook:
        with connect(login, name="gonogo:corpus:history", read_only=True) as connection:
            observed = observe(connection)
            entries = upto.tool.entries(connection)
        listed = source.record(upto, entries)
        book = about(self._book, upto, listed.pending)
        run.keep(run_record(run, book, upto, login, observed), stage="target")
        run.keep(book.plan(stages=_STAGES), stage="target")
        run.keep(listed, stage="target")
        problem = source.problem(upto, entries)
        if problem:
            raise problem
        if not listed.pending:
            raise GonogoError("every migration is applied: there is none to judge")
        run.append("target", "stage_passed", {"fenced": [], "swept": []})
        run.keep(_backup(run, observed), stage="backup")
        run.keep(_twin(run, twin), stage="twin")
        return book

    @staticmethod
    def _stages(
        run: evidence.Run, book: runbook.Runbook, login: Login, directory: Path
    ) -> Iterator[tuple[str, Any]]:
        here = _Copied(
            _PROCESS,
            gonogo_runs_dir=str(directory / "runs"),
            gonogo_remote_dir=str(directory / "host"),
        )
        keywords, host = _keywords(login), str(directory / "host")
        rehearsing = RehearsalTask(
            keywords,
            _TIMEOUTS,
            required=False,
            sabotage=False,
            sabotage_tables=[],
            per_shape=False,
            resume=False,
            budgets={},
            jobs=1,
            directory=host,
        )
        deploying = DeployTask(
            keywords,
            _TIMEOUTS,
            approval_required=False,
            approval=None,
            approval_for="host",
            plan_only=False,
            plan_hours=24,
            budgets={},
            let_go={},
            resume=False,
        )
        scripts = (keywords, _TIMEOUTS, f"{host}/runs")
        tasks = (
            (Rehearsal, rehearsing),
            (Preflight, PreflightTask(*scripts, after_deploy=False)),
            (Deploy, deploying),
            (Phases, PhasesTask(*scripts, jobs=1)),
        )
        for logic, task in tasks:
            yield logic.stage, partial(_given(logic, run, book)(here).act, task)


@contextmanager
def _locked(run: evidence.Run, login: Login) -> Iterator[None]:
    """What the stage target begins: the lock of the run, which a session here holds."""
    name = application_name(run.run_id, "lock")
    with connect(login, name=name) as holder:
        held = lock.take(holder)
        if held:
            raise GonogoError("another run has the lock", detail=held.application_name)
        yield


def _given(logic: type[Stage[Any]], run: evidence.Run, book: runbook.Runbook) -> type[Stage[Any]]:
    """The stage, which is given its run and its runbook and does not look for them."""

    class Given(logic):  # type: ignore[misc, valid-type]
        def open_run(self) -> evidence.Run:
            return run

        def runbook_of(self, run: evidence.Run) -> runbook.Runbook:
            del run
            return book

    return Given


class _Copied(Here):
    """Where the twin is a copy that somebody else removes."""

    def ask(
        self, entry: str, arguments: Mapping[str, object], *, database: bool
    ) -> Mapping[str, object]:
        if entry == "twin":
            return {"changed": True}
        return super().ask(entry, arguments, database=database)


def judge(
    cluster: Cluster,
    folder: Source,
    *,
    role: str,
    last: int,
    tables: str,
    directory: Path,
    before: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> Iterator[Verdict]:
    """One verdict for each of the last migrations, as it comes."""
    lab = Lab(cluster, folder, role, directory, before, Gate(folder, parameters=parameters))
    lab.prepare(tables)
    for migration in folder.migrations[:-last]:
        lab.advance(migration)
    lab.renew()
    for migration in folder.migrations[-last:]:
        yield lab.verdict(migration)


@dataclass
class Lab:
    """Two databases: the history without a row, and what it makes of the rows it is given."""

    cluster: Cluster
    folder: Source
    role: str
    directory: Path
    before: str
    gate: Gate
    unfilled: Mapping[str, str] = field(default_factory=dict)

    def prepare(self, tables: str) -> None:
        """The empty database, in which the application has its rights."""
        with self.cluster.connect() as admin:
            making = sql.SQL("CREATE DATABASE {} OWNER {}")
            admin.execute(making.format(sql.Identifier(_BARE), sql.Identifier(self.role)))
        if self.before:
            self._at_login()
        with self.cluster.connect(_BARE, self.role) as own:
            for right in _RIGHTS:
                own.execute(right)
            own.execute(tables.encode())

    def _at_login(self) -> None:
        """What the application's own runner does first, in every session of these databases."""
        with self.cluster.connect(_BARE) as admin:
            admin.execute("CREATE SCHEMA corpus")
            body = f"BEGIN PERFORM {self.before.removeprefix('SELECT ')}; END"
            admin.execute(
                sql.SQL(
                    "CREATE FUNCTION corpus.at_login() RETURNS event_trigger LANGUAGE plpgsql AS {}"
                ).format(sql.Literal(body))
            )
            admin.execute(
                "CREATE EVENT TRIGGER corpus_at_login ON login EXECUTE FUNCTION corpus.at_login()"
            )

    def advance(self, migration: Migration) -> None:
        """Apply a migration to what has no rows: by the server alone, or as a run deploys it."""
        with self.cluster.connect(_BARE, self.role) as own:
            try:
                own.execute((migration.text or "").encode())
                self.folder.tool.record(own, migration)
            except psycopg.Error as error:
                refused = error
            else:
                return
        try:
            plan = pending.plan(self.folder.key, self.folder.tool, [migration])
            session = partial(connect, self.login(_BARE), name="gonogo:corpus:deploy")
            done = deploy(session, plan, budgets=budgets_of({}), confirm=lambda: None).record
        except GonogoError as error:
            raise SandboxError(error.primary, detail=error.detail, hint=error.hint) from error
        if done.action != "applied":
            problem = str(refused).splitlines()[0]
            raise SandboxError(f"{migration.file} cannot be applied: {problem}")

    def renew(self) -> None:
        """The history as it is, with rows made anew."""
        self.copy(_BARE, _STATE)
        self.unfilled = self._fill().unfilled

    def verdict(self, migration: Migration) -> Verdict:
        """Judge a migration; what it has made of the rows is there for the next one."""
        for name in (_TWIN, _REAL):
            self.copy(_STATE, name)
        started = time.monotonic()
        place = self.directory / f"{time.monotonic_ns()}"
        try:
            path = self.gate.judge(self.login(_REAL), self.login(_TWIN), migration, place)
            found = _verdict(path, migration.file, time.monotonic() - started, self.unfilled)
            applied = _applied(path)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        self.advance(migration)
        if applied:
            self.copy(_REAL, _STATE)
            self.unfilled = self._fill().unfilled
        else:
            self.renew()
        return found

    def _fill(self) -> Filled:
        own = [".".join(one) for one in self.folder.tool.tables]
        with self.cluster.connect(_STATE, self.role) as connection:
            return rows.fill(connection, besides=own)

    def copy(self, template: str, name: str) -> None:
        """A new copy of a database, by the server."""
        with self.cluster.connect() as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(
                    *map(sql.Identifier, (name, template, self.role))
                )
            )

    def login(self, database: str) -> Login:
        """As the engine takes it."""
        return Login(**self.cluster.login(database, self.role))


def _keywords(login: Login) -> dict[str, Any]:
    return {key: value for key, value in asdict(login).items() if value is not None}


def run_record(
    run: evidence.Run, book: runbook.Runbook, folder: Source, login: Login, observed: Identity
) -> RunRecord:
    """What a run about a folder says of itself."""
    declared = Declared(
        environment=_ENVIRONMENT,
        database=login.db,
        refused_databases=(),
        system_identifier=None,
        validated=None,
    )
    return RunRecord(
        run_id=run.run_id,
        token=_TOKEN,
        environment=_ENVIRONMENT,
        protected=False,
        target=Target(
            inventory_host="sandbox",
            login=_keywords(login),
            declared=declared,
            observed=observed,
        ),
        runbook=book.name,
        runbook_sha256=book.sha256,
        runbook_directory=str(book.directory),
        cleanup=book.declared.cleanup,
        profile=book.profile,
        residue="rollback",
        parameters=dict(book.parameters),
        promotion=None,
        started_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        operator="corpus",
        controller=_PROCESS,
        versions=Versions(
            ansible_core="none", python=sys.version.split()[0], project=project.version()
        ),
        project_directory=str(project.ROOT),
        ansible_config=None,
        digests=Digests(runbook=book.digests, project={}, elsewhere={}),
        migrations=Migrations(str(folder.directory), folder.key, folder.tool.schema),
    )


def _backup(run: evidence.Run, observed: Identity) -> BackupRecord:
    """The copy in its place: what is rehearsed says of which archive it is."""
    return BackupRecord(
        run_id=run.run_id,
        database=observed.database,
        environment=_ENVIRONMENT,
        system_identifier=observed.system_identifier,
        server_version=observed.server_version,
        pg_dump="none",
        file="none",
        files={},
        size=0,
        sha256=_COPY,
        tables=[],
        read_back=False,
        compress="none",
        jobs=1,
        seconds=BackupSeconds(0.0, 0.0, 0.0),
    )


def _twin(run: evidence.Run, login: Login) -> TwinRecord:
    """A copy that the server has made needs no proof."""
    return TwinRecord(
        run_id=run.run_id,
        proven=True,
        reason=None,
        hint=None,
        method="database",
        proof=None,
        seconds=TwinSeconds(start=0.0, restore=0.0, compare=0.0),
        confinement=None,
        required=False,
        backup_sha256=_COPY,
        kept=KeptTwin("", _keywords(login)),
    )


def _applied(path: Path) -> bool:
    run = evidence.Run.open(path)
    return run.has(Deployment) and run.read(Deployment).action == "applied"


def _verdict(path: Path, file: str, seconds: float, unfilled: Mapping[str, str]) -> Verdict:
    verdict = judgement.decided(path)
    results = evidence.load(path).checks
    return Verdict(
        file=file,
        decision=verdict.decision,
        passed=verdict.score.passed,
        of=verdict.score.of,
        seconds=round(seconds, 2),
        findings=[
            Finding(
                one.subject,
                one.severity,
                one.text + (f": {one.observed}" if one.observed else ""),
            )
            for one in verdict.reasons
            # Where a stage has failed, that is what there is to tell.
            if one.code not in {"check_not_run", "stage_not_run"}
        ],
        checks=dict(verdict.checks),
        examined={one.check_id: one.examined or 0 for one in results},
        untried=next(
            (
                str(one.observed)
                for one in results
                if one.check_id == "D3.2" and one.status != "pass"
            ),
            "",
        ),
        unfilled=dict(unfilled),
    )
