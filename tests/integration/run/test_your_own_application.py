"""docs/your-own-application.md is followed from its first line to its last."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.login import Login
from gonogo.controller.runbook import pending
from gonogo.host.migrate.deployment import deploy
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from sandbox.logins import OWNER
from tests.applications import NAMES, TOOLS, application
from tools import trial
from tools.corpus.histories import read
from tools.project import PROJECT

_TEXT = (PROJECT / "docs" / "your-own-application.md").read_text(encoding="utf-8")
# A block, and the last file that is named in the line before it.
_BLOCK = re.compile(
    r"^(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)(?=^```$)", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"`(\.\./[^`]+)`")
_LEFT_OUT = (".*", "runs", "__pycache__")
_DATABASES = ("app_staging", "app_production")


def prepared(cluster: Cluster, name: str, folder: Path) -> None:
    """A database in which all but the last migration is applied, with rows."""
    with cluster.connect() as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    history = read(folder)
    with cluster.connect(name, OWNER) as owner:
        owner.execute(history.tables.encode())
    for migration in history.migrations[:-1]:
        plan = pending.plan(history.key, history.tool, [migration])
        session = partial(connect, Login(**cluster.login(name, OWNER)), name="gonogo:test:deploy")
        deploy(session, plan, budgets=budgets_of({}), confirm=lambda: None)
    with cluster.connect(name, OWNER) as owner:
        owner.execute("INSERT INTO customers (email) SELECT n || '@a' FROM generate_series(1, 9) n")
        owner.execute("INSERT INTO orders (customer_id, total) SELECT id, 1 FROM customers")


@dataclass
class Reader:
    """Does what the page says, in a fresh copy of the project beside the application."""

    cluster: Cluster
    project: Path
    said: list[str] = field(default_factory=list)

    def follow(self) -> None:
        for block in _BLOCK.finditer(_TEXT):
            if block["kind"] == "console":
                for line in block["text"].splitlines():
                    self.run(line.removeprefix("$ "))
            elif named := _FILE.search(block["before"]):
                self.append(self.project / named[1], block["text"])
            else:
                with self.cluster.connect() as admin:
                    admin.execute(block["text"].encode())

    @staticmethod
    def append(file: Path, text: str) -> None:
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as opened:
            opened.write(text)

    def run(self, command: str) -> None:
        self.said.append(self.done(self.here(command)))

    def here(self, command: str) -> str:
        """With this machine's server, and what is installed here already."""
        if command.startswith("make "):
            return command.replace("make ", "make --old-file=.venv/sandbox.stamp ", 1)
        if "init.yml" in command:
            command += f" -e init_db_port={self.cluster.port} -e init_pg_bin={self.cluster.bin}"
        for old, new in (
            ("init_db_user=app ", f"init_db_user={OWNER} "),
            ("init_db_host=localhost", f"init_db_host={self.cluster.host}"),
            ("~/.pgpass", str(self.cluster.passfile)),
            ("RUN_ID", self.newest("staging").name if "RUN_ID" in command else ""),
        ):
            command = command.replace(old, new)
        return command

    def done(self, command: str) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.project,
            env={**kept, "HOME": str(self.project.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        sys.stdout.write(f"$ {command}\n{done.stdout}")
        return f"{command}\n{done.stdout}"

    def newest(self, environment: str) -> Path:
        return max(self.project.glob(f"runs/{environment}/*Z-*"), key=lambda path: path.name)

    def decision(self, environment: str) -> str:
        verdict = json.loads((self.newest(environment) / "verdict.json").read_text())
        return str(verdict["decision"])


@pytest.fixture
def reader(cluster: Cluster, tmp_path: Path) -> Iterator[Reader]:
    project = tmp_path / "pg-gonogo"
    left_out = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(PROJECT, project, symlinks=True, ignore=left_out)
    (project / ".venv").symlink_to((PROJECT / ".venv").resolve())
    folder = application("prisma", tmp_path / "app")
    for name in _DATABASES:
        prepared(cluster, name, folder)
    dump = [str(cluster.bin / "pg_dump"), "--format=custom"]
    where = " ".join(f"{k}={v}" for k, v in cluster.conninfo(_DATABASES[0]).items())
    subprocess.run([*dump, f"--file={tmp_path / 'app' / 'before.dump'}", where], check=True)
    yield Reader(cluster, project)
    with cluster.connect() as admin:
        for name in _DATABASES:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(name)))


# It takes as long as ten other runs.
@pytest.mark.attack
def test_the_page_is_followed(reader: Reader) -> None:
    reader.follow()
    made, dumped, drafted, own, again, mine, staging, live, asked = reader.said
    assert " in 2 tables. They are not like yours" in made
    assert "Rows: those of the dump." in dumped
    for said in (made, dumped, own):
        assert f"Judging: {NAMES[-1]}\n" in said
        assert re.search(r"^GO ", said, re.MULTILINE), said
    trials = sorted(reader.project.glob("runs/trial/*"))
    checks = [set(json.loads((run / "verdict.json").read_text())["checks"]) for run in trials]
    assert checks[0] == checks[1] == checks[2] - {"A1.1"} != checks[2]
    assert "derived/ is what is derived, runbook.yml is yours" in drafted
    assert "Nothing has changed" in again
    for said, name in ((mine, "staging"), (live, "production")):
        assert f"ALTER DATABASE \"app_{name}\" SET gonogo.environment = '{name}';" in said
    assert reader.decision("staging") == "GO", staging
    assert reader.decision("production") == "HOLD", asked
    assert "No answer: nothing was deployed" in asked
    told = re.search(r"deploy_token=(\w+)", asked)
    assert told, asked
    approval = {"deploy_run_id": reader.newest("production").name, "deploy_token": told[1]}
    command = asked.splitlines()[0] + f" -e '{json.dumps({**approval, 'deploy_approved_by': 'D'})}'"
    done = reader.done(command)
    assert reader.decision("production") == "GO", done
    for name in _DATABASES:
        with reader.cluster.connect(name) as admin:
            (state,) = admin.execute("SELECT DISTINCT state FROM public.orders").fetchall()
        assert state == ("open",)


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(tool, marks=() if tool in ("flyway", "sqitch") else pytest.mark.attack)
        for tool in TOOLS
    ],
)
def test_an_application_of_each_tool(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "RUNS", tmp_path / "runs")
    assert trial.main([str(application(tool, tmp_path / "app"))]) == 0
    said = capfd.readouterr().out
    (verdict,) = (tmp_path / "runs").glob("*/*/verdict.json")
    assert json.loads(verdict.read_text())["decision"] == "GO", said
    assert " in 2 tables. They are not like yours" in said
