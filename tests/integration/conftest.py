"""One server for all tests of a worker process, and a database of its own for every test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from gonogo.connection import Login
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster

PROJECT = Path(__file__).resolve().parents[2]
RUNBOOK = PROJECT / "runbooks" / "20251229010228_add_master_tables_final_v2"

_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A database to be mistreated: a copy of a freshly loaded one."""

    cluster: Cluster
    name: str
    profile: str

    def owner(self) -> psycopg.Connection:
        """Session of the role that owns the tables."""
        return self.cluster.connect(self.name, logins.OWNER)

    def admin(self) -> psycopg.Connection:
        """Session of a superuser."""
        return self.cluster.connect(self.name)

    def login(self) -> Login:
        """As the engine takes it."""
        keywords = self.cluster.conninfo(self.name, logins.OWNER)
        return Login(
            db=self.name,
            user=keywords["user"],
            host=keywords["host"],
            port=int(keywords["port"]),
            passfile=keywords["passfile"],
        )

    def rows(self) -> dict[str, int]:
        """Table → number of rows, of every table of the schema public."""
        with self.owner() as connection:
            names = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r' ORDER BY 1"
            ).fetchall()
            return {
                name: connection.execute(f'SELECT count(*) FROM public."{name}"').fetchone()[0]  # type: ignore[index,arg-type]  # noqa: S608 - names from the catalog
                for (name,) in names
            }


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def templates(cluster: Cluster) -> Callable[[str], str]:
    """Profile → name of a loaded database that nobody is connected to."""
    loaded: dict[str, str] = {}

    def template(profile: str) -> str:
        if profile not in loaded:
            name = f"template_{profile}"
            content.create(
                cluster, database=name, profile=profile, scale=1, environment="sandbox"
            )
            loaded[profile] = name
        return loaded[profile]

    return template


@pytest.fixture
def make_database(
    cluster: Cluster, templates: Callable[[str], str]
) -> Iterator[Callable[..., Database]]:
    made: list[str] = []

    def make(profile: str = "target") -> Database:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        content.clone(cluster, templates(profile), name)
        made.append(name)
        return Database(cluster, name, profile)

    yield make
    for name in made:
        content.drop(cluster, name)


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    return make_database()


@dataclass
class Outcome:
    """What an ansible-playbook process did."""

    status: int
    output: str
    runs_dir: Path

    @property
    def evidence(self) -> Path:
        """The newest run's directory."""
        return max(self.runs_dir.glob("*/*Z-*"), key=lambda path: path.name)

    @property
    def verdict(self) -> dict[str, Any]:
        return dict(json.loads((self.evidence / "verdict.json").read_text()))

    def has_verdict(self) -> bool:
        return any(self.runs_dir.glob("*/*/verdict.json"))


@dataclass
class Controller:
    """Runs playbooks as a user would, from the project's root, without a terminal."""

    directory: Path
    runs_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def aim(self, database: Database, **changes: object) -> None:
        """Make the sandbox inventory speak of this database."""
        keywords = database.cluster.conninfo(database.name, logins.OWNER)
        lines = [f"{key}={keywords[key]}" for key in ("host", "port", "dbname", "user", "passfile")]
        service = self.directory / "pg_service.conf"
        service.write_text("\n".join(["[test]", *lines, ""]))
        state = {
            "database": database.name,
            "service": "test",
            "bin": str(database.cluster.bin),
            "profile": database.profile,
            "application_role": "apms_app",
            **changes,
        }
        (self.directory / "sandbox.json").write_text(json.dumps(state))

    def command(self, *arguments: str) -> list[str]:
        return [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "--extra-vars",
            json.dumps({"gonogo_runs_dir": str(self.runs_dir)}),
            *arguments,
        ]

    def variables(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_NOCOLOR": "1",
            "GONOGO_SANDBOX_DIR": str(self.directory),
            **self.environment,
        }

    def play(self, *arguments: str, cwd: Path = PROJECT) -> Outcome:
        done = subprocess.run(
            self.command(*arguments),
            cwd=cwd,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, self.runs_dir)


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    directory = tmp_path / "sandbox"
    directory.mkdir()
    return Controller(directory, tmp_path / "runs")
