"""The runs of one cell, as a user would start them, and what they leave in the database."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.cluster import Cluster
from tools import playbook
from tools.matrix import commands, contents, expect
from tools.matrix.commands import Done
from tools.matrix.controllers import Controller
from tools.project import PROJECT

_VALIDATE, _CLEANUP = "validate_staging.yml", "playbooks/cleanup.yml"


class TrialError(Exception):
    """A cell cannot go on. The text is the problem."""


@dataclass(frozen=True)
class Setup:
    """What a cell runs with.

    ``target`` is the target host's Python, None for the controller's own. ``directory`` gets the
    evidence and ``log.txt``, what every command said; it exists and is empty.
    """

    controller: Controller
    server_bin: Path
    directory: Path
    target: Path | None = None


@dataclass
class Report:
    """What was seen: ``problems`` is empty when all was as it should be.

    ``verdicts`` are in a few characters, by profile; ``versions`` has server, pg_dump, and the
    connection to the target host: SSH or local.
    """

    problems: list[str] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def run(setup: Setup) -> Report:
    """Every run of a cell, one after the other.

    A staging without a flaw: judged without a trace; judged with its test rows kept, which an
    approved cleanup removes. A hasty deployment: judged without a trace.
    Raises: TrialError when there is no sandbox to run on.
    """
    report = Report()
    with _Sandbox.started(setup, report, "target") as sandbox:
        sandbox.judge_without_a_trace()
        sandbox.judge_and_clean_up()
    with _Sandbox.started(setup, report, "as_deployed") as sandbox:
        sandbox.judge_without_a_trace()
    return report


def run_short(setup: Setup) -> Report:
    """Only what is needed to tell a version on which the product does not work."""
    report = Report()
    for profile in ("target", "as_deployed"):
        with _Sandbox.started(setup, report, profile) as sandbox:
            sandbox.judge_without_a_trace()
    return report


@dataclass(frozen=True)
class _Sandbox:
    """A running sandbox of one profile."""

    setup: Setup
    report: Report
    profile: str
    directory: Path

    @classmethod
    @contextmanager
    def started(cls, setup: Setup, report: Report, profile: str) -> Iterator[_Sandbox]:
        with tempfile.TemporaryDirectory(prefix="gonogo-matrix-") as name:
            # Another one than its parent, which the server's account may not enter.
            sandbox = cls(setup, report, profile, Path(name, "sandbox"))
            options = [f"--profile={profile}", f"--server-bin={setup.server_bin}"]
            try:
                done = sandbox._manage("start", *options)
                if done.status != 0:
                    raise TrialError(f"{profile}: {done.first_line().removeprefix('error: ')}")
                yield sandbox
            finally:
                sandbox._manage("stop")

    def judge_without_a_trace(self) -> None:
        """A run whose test rows are rolled back: its verdict, and a database as it was."""
        before = self._contents()
        self._judge("rollback")
        self._require_same(before, f"{self.profile}, rollback")

    def judge_and_clean_up(self) -> None:
        """A run whose test rows stay: its verdict, its rows, and a cleanup that removes them."""
        before = self._contents()
        runs = self._judge("keep")
        if not contents.differences(before, self._contents()):
            self._complain("target, keep: the run has left no rows, so nothing can be cleaned up")
            return
        self._play(_CLEANUP, runs)
        plans = list(runs.glob("*/*/cleanup_plan.json"))
        if not plans:
            self._complain("cleanup: no plan")
            return
        plan = json.loads(plans[0].read_text(encoding="utf-8"))
        approval = {
            "cleanup_run_id": plans[0].parent.name,
            "cleanup_token": plan["token"],
            "cleanup_approved_by": "matrix",
        }
        done = self._play(_CLEANUP, runs, approval)
        if done.status != 0:
            self._complain(f"cleanup: exit status {done.status}")
        self._require_same(before, f"{self.profile}, cleanup")

    def _judge(self, residue: str) -> Path:
        """Run the playbook and look at the verdict. Returns: the directory of the evidence."""
        runs = self.setup.directory / f"{self.profile}-{residue}"
        done = self._play(_VALIDATE, runs, {"gonogo_residue": residue, "verdict_fail_on": []})
        errors = re.findall(r"(?m)^\[ERROR\]: (.+)$", done.output)[:1]
        verdicts = list(runs.glob("*/*/verdict.json"))
        if len(verdicts) != 1:
            self._complain(f"{self.profile}, {residue}: {'; '.join(['no verdict', *errors])}")
            return runs
        verdict = json.loads(verdicts[0].read_text(encoding="utf-8"))
        self.report.verdicts[self.profile] = expect.shown(verdict)
        self.report.versions["connection"] = "SSH" if self._state().get("ssh") else "local"
        problems = expect.problems(self.profile, verdict)
        if problems:
            self._complain(f"{self.profile}, {residue}: {'; '.join(problems)}")
        if self.setup.target is not None and not list(self.directory.glob("target/lib/psycopg-*")):
            self._complain(f"{self.profile}, {residue}: psycopg was not sent to the target")
        backup = verdicts[0].with_name("backup.json")
        if backup.is_file():
            record = json.loads(backup.read_text(encoding="utf-8"))
            self.report.versions["server"] = record["server_version"]
            self.report.versions["pg_dump"] = record["pg_dump"]
        return runs

    def _play(self, file: str, runs: Path, variables: dict[str, Any] | None = None) -> Done:
        extra = {**(variables or {}), "gonogo_runs_dir": str(runs)}
        if self.setup.target is not None:
            extra["ansible_python_interpreter"] = str(self.setup.target)
        command = playbook.command(
            "--inventory=inventories/sandbox",
            f"--extra-vars={json.dumps(extra)}",
            file,
            programs=self.setup.controller.programs,
        )
        settings = {"ANSIBLE_NOCOLOR": "1", "GONOGO_SANDBOX_DIR": str(self.directory)}
        return self._logged(command, settings)

    def _manage(self, verb: str, *options: str) -> Done:
        python = str(self.setup.controller.python)
        where = f"--directory={self.directory}"
        return self._logged([python, "-m", "sandbox", verb, where, *options], {})

    def _logged(self, command: list[str], environment: dict[str, str]) -> Done:
        settings = playbook.settings(**environment)
        done = commands.run(command, cwd=PROJECT, environment=settings)
        with (self.setup.directory / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(command)}\n{done.output}\n[{done.status}]\n\n")
        return done

    def _contents(self) -> dict[str, str]:
        cluster = Cluster.find(self.directory)
        assert cluster is not None
        with cluster.connect(self._state()["database"]) as connection:
            return contents.of(connection)

    def _state(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "sandbox.json").read_text(encoding="utf-8")))

    def _require_same(self, before: dict[str, str], what: str) -> None:
        changed = contents.differences(before, self._contents())
        if changed:
            self._complain(f"{what}: left behind: {', '.join(changed[:5])}")

    def _complain(self, problem: str) -> None:
        self.report.problems.append(problem)
