"""The controller's part of a stage: what it does, whoever runs it.

A stage is one file here, and one of the same name in `host/stages`: it renders what its entry
needs, has the entry answer on the target host, and writes what came back into the evidence. It
knows nothing of Ansible. What it needs of whoever runs it is a `Site`: an action plugin
(`controller/ansible/plugin.py`), a tool, or a test.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ...contract.errors import GonogoError
from ...contract.login import Timeouts
from ...contract.options.option import StageOptions
from ...contract.options.shared import SIGNING
from ...contract.options.target import HistoryRequest
from ...contract.records.answers import HistoryAnswer
from ...contract.records.captured import CapturedRecord
from ...contract.records.history import HistoryRecord
from ...contract.records.plan import PlanRecord
from ...contract.records.queries import QueriesRecord
from ...contract.records.reading import plain, read
from ...contract.records.run import Migrations, Process, RunRecord
from ...verdict import is_protected
from .. import evidence, runbook
from ..invocation import project
from ..invocation.commands import Caller
from ..invocation.native import Variables
from ..invocation.paths import path_of
from ..request import signing
from ..runbook import seen, source
from ..runbook.derived import about, beside
from .reported import Reported

__all__ = ["Site", "Stage"]

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")

_ANSWER = "the answer of the target host"


class Site(Protocol):
    """What a stage needs of whoever runs it."""

    @property
    def checking(self) -> bool:
        """Whether this is a dry run (`--check`)."""

    @property
    def host(self) -> str:
        """Name of the host in the inventory."""

    @property
    def identity(self) -> Process:
        """The process that all stages of a run belong to, see `evidence.controller_identity`."""

    @property
    def caller(self) -> Caller:
        """Who is told the next command."""

    @property
    def variables(self) -> Variables:
        """All variables of the host, not rendered; `hostvars` and `groups` among them."""

    @property
    def extra(self) -> Variables:
        """Variables of the command line."""

    @property
    def play(self) -> Variables:
        """Variables of the play."""

    @property
    def input_left_out(self) -> bool:
        """Whether the command line leaves out the play that checks the input of all hosts."""

    @property
    def planning(self) -> bool:
        """Whether this start only shows what would be deployed, on every host."""

    def variable(self, name: str) -> Any:
        """A variable of the host, rendered, without Ansible's tags; None when it is not set."""

    def flag(self, name: str) -> bool:
        """A variable of the host that is true or false; false when it is not set."""

    def said(self, host: str) -> Variables:
        """What the inventory says of a host."""

    def ask(
        self, entry: str, arguments: Mapping[str, object], *, database: bool
    ) -> Mapping[str, object]:
        """Have the target host do what an entry of `gonogo.host.stages` does; both as JSON.

        For one that works on a `database`, psycopg is provided there. Raises GonogoError when it
        fails.
        """

    def require_controller(self) -> None:
        """Raise GonogoError when the process of `identity` is gone."""

    def explained(self, error: Exception) -> GonogoError:
        """The error in the words that a person is told, whatever it is."""

    def held_back(self) -> GonogoError | None:
        """Why this host is not begun yet, None where it is; see `request.waves`."""

    def left_out(self) -> Sequence[Sequence[str]]:
        """Of each wave before that of this host, the hosts that the play leaves out."""

    def rehearses_for_it(self) -> tuple[str, Path | None] | None:
        """The host that was chosen to rehearse for this one, and the directory of its run, None
        where it has opened none; None where this host rehearses by itself."""

    def warn(self, text: str) -> None:
        """Show a warning at once."""

    def show(self, text: str) -> None:
        """Show a line at once."""


class Stage(ABC, Generic[_Task]):
    """Base of the stages. Subclasses say their `stage`, what their task takes, and `act`."""

    stage: ClassVar[str] = ""
    # The options of the task, and the record that holds them.
    declared: ClassVar[StageOptions]
    task: ClassVar[type[Any]]
    # What helps where the files of the runbook are not those of the run any more.
    runbook_changed: ClassVar[str] = "Run the playbook again."

    def __init__(self, site: Site) -> None:
        self.site = site

    @abstractmethod
    def act(self, task: _Task) -> Reported:
        """Do the stage's work; return what the task reports. Raises GonogoError."""

    # --- what subclasses use ---------------------------------------------------------------

    @property
    def checking(self) -> bool:
        return self.site.checking

    @property
    def host(self) -> str:
        return self.site.host

    @property
    def identity(self) -> Process:
        return self.site.identity

    @property
    def caller(self) -> Caller:
        return self.site.caller

    def variable(self, name: str) -> Any:
        return self.site.variable(name)

    @property
    def remote_dir(self) -> str:
        directory = self.variable("gonogo_remote_dir")
        if not directory:
            raise GonogoError("gonogo_remote_dir is not set", hint="Set it in the inventory.")
        return str(directory)

    @property
    def runs_dir(self) -> Path:
        directory = self.variable("gonogo_runs_dir")
        if not directory:
            raise GonogoError("gonogo_runs_dir is not set", hint="Set it in the inventory.")
        return path_of(str(directory), key="gonogo_runs_dir")

    def signing(self) -> signing.Rules:
        """What the inventory asks of approvals that are signed. Raises InputError."""
        variables = self.site.variables
        names = [one.name for one in SIGNING if one.name in variables]
        return signing.rules(
            self.site.said(self.host),
            effective={name: self.variable(name) for name in names},
            extra=self.site.extra,
        )

    def find_run(self) -> evidence.Run | None:
        """The run this very process has opened for this host, if any."""
        if not self.site.variables.get("gonogo_runs_dir"):
            return None
        path = evidence.find_open(self.runs_dir, identity=self.identity, inventory_host=self.host)
        return evidence.Run.open(path) if path else None

    def open_run(self) -> evidence.Run:
        """As `find_run`. Raises GonogoError when the stage `target` has not opened one."""
        run = self.find_run()
        if run is None:
            raise GonogoError(
                f"stage {self.stage} has no run to belong to",
                detail="The stage target opens one; it did not run in this playbook.",
                hint="Run the whole playbook, without --start-at-task.",
            )
        changed = self.changed_since(run)
        if changed:
            raise GonogoError(
                "this project has changed since the run began",
                detail=", ".join(changed[:5]),
                hint="Run the playbook again.",
            )
        return run

    @staticmethod
    def changed_since(run: evidence.Run) -> list[str]:
        """Files of the project that are not what they were when the run was opened."""
        return project.changed(run.read(RunRecord).digests.project)

    @staticmethod
    def deploys(run: evidence.Run) -> bool:
        """Whether a deployment is a part of the run."""
        return "deploy" in run.read(PlanRecord).stages

    @staticmethod
    def proven_login(run: evidence.Run) -> Mapping[str, str | int | None]:
        """The login whose database the stage target has proven."""
        return run.read(RunRecord).target.login

    @staticmethod
    def is_protected(run: evidence.Run) -> bool:
        """Whether the run's target is protected: some things hold there whatever is asked for."""
        return is_protected(run.read(RunRecord))

    def same_login(self, run: evidence.Run, given: Mapping[str, str | int | None]) -> None:
        """Refuse a stage that would work on another database than the one that was proven."""
        proven = self.proven_login(run)
        differing = sorted(key for key in {*proven, *given} if proven.get(key) != given.get(key))
        if differing:
            raise GonogoError(
                f"stage {self.stage} was given another login than stage target",
                detail=f"Not the same: {', '.join(f'login.{key}' for key in differing)}.",
                hint="gonogo_login must be the same for the whole run.",
            )

    def runbook_of(self, run: evidence.Run) -> runbook.Runbook:
        """The run's runbook. Raises GonogoError when its files have changed since it was opened."""
        record = run.read(RunRecord)
        loaded = runbook.load(
            Path(record.runbook_directory),
            profile=record.profile,
            parameters=record.parameters,
            templates=False,
        )
        if record.migrations:
            loaded = self._about_migrations(run, loaded, record.migrations)
        if loaded.sha256 != record.runbook_sha256:
            then, now = record.digests.runbook, loaded.digests
            changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
            raise GonogoError(
                "the runbook has changed since the run began",
                detail=f"{loaded.directory}: not the same: {', '.join(changed[:10])}.",
                hint=self.runbook_changed,
            )
        return loaded

    @staticmethod
    def _about_migrations(
        run: evidence.Run, loaded: runbook.Runbook, folder: Migrations
    ) -> runbook.Runbook:
        directory = Path(folder.directory)
        file = Path(folder.baseline) if folder.baseline else None
        start = source.Baseline(file, folder.baseline_version)
        found = source.read(
            directory,
            tool=folder.tool,
            schema=folder.schema,
            irreversible=folder.irreversible,
            baseline=start if file or start.version else None,
            command=folder.command,
        )
        if folder.command and run.has(CapturedRecord):
            found = source.heard(found, run.read(CapturedRecord))
        pending = run.read(HistoryRecord).pending if run.has(HistoryRecord) else None
        return about(
            loaded,
            found,
            pending,
            beside=beside(
                queries_file=Path(folder.queries) if folder.queries else None,
                checks=Path(folder.checks) if folder.checks else None,
                criteria=folder.criteria or {},
            ),
            served=run.read(QueriesRecord) if run.has(QueriesRecord) else None,
        )

    def recorded(
        self,
        run: evidence.Run,
        loaded: runbook.Runbook,
        login: Mapping[str, str | int | None],
        timeouts: Timeouts,
    ) -> Mapping[str, object]:
        """What the record of a folder's tool says in the database that `login` leads to; see
        `seen.history`."""
        folder = loaded.source
        if folder is None or not run.has(HistoryRecord):
            return seen.history(loaded, None, None)
        asked = HistoryRequest(
            login,
            run.run_id,
            tool=folder.key,
            schema=folder.tool.schema,
            timeouts=timeouts,
            expected=source.expected(folder),
        )
        answer = self.call_with_database("history", asked, HistoryAnswer)
        return seen.history(loaded, run.read(HistoryRecord), answer)

    def call(self, entry: str, request: object, answer: type[_Answer]) -> _Answer:
        """Have the target host do what an entry of `gonogo.host.stages` does.

        Request and answer are the records of that entry. Raises GonogoError when it fails.
        """
        return read(answer, self.site.ask(entry, plain(request), database=False), file=_ANSWER)

    def call_with_database(self, entry: str, request: object, answer: type[_Answer]) -> _Answer:
        """As `call`, for an entry that needs psycopg: it is sent where the host has none."""
        return read(answer, self.site.ask(entry, plain(request), database=True), file=_ANSWER)
