"""A database to mistreat, and a controller as a user has it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from gonogo.contract.login import Login
from gonogo.host.session import catalog
from sandbox import logins
from sandbox.cluster import Cluster
from sandbox.ssh.endpoint import Endpoint
from tests.integration.support.verifier import assert_confirmed
from tools import playbook
from tools.project import PROJECT, RUNBOOK

__all__ = ["EVERY_KIND", "PROJECT", "RUNBOOK", "RUN_SESSIONS", "Controller", "Database", "Outcome"]

# SQL that makes an object of every kind.
EVERY_KIND = Path(__file__).with_name("every_kind.sql")
_VERDICTS = "*/*/verdict.json"

# As pg_stat_activity, of the sessions of runs only; those called like the application's have the
# name of their stage.
RUN_SESSIONS = f"""(
    SELECT a.pid, a.datname, a.wait_event_type,
        CASE WHEN a.application_name LIKE 'gonogo:%%' THEN a.application_name
             ELSE 'gonogo:' || s.run_id || ':phases' END AS application_name
    FROM ({catalog.BACKENDS}) AS s JOIN pg_stat_activity AS a ON a.pid = s.pid
) AS run_session"""


def login_of(cluster: Cluster, database: str, user: str = logins.SUPERUSER) -> Login:
    """As the engine takes it."""
    return Login(**cluster.login(database, user))


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
        return login_of(self.cluster, self.name, logins.OWNER)

    def rows(self) -> dict[str, int]:
        """Table → number of rows, of every table of the schema public."""
        with self.owner() as connection:
            names = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r' ORDER BY 1"
            ).fetchall()
            return {
                name: connection.execute(f'SELECT count(*) FROM public."{name}"').fetchone()[0]  # type: ignore[index]
                for (name,) in names
            }


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
    # Whether a run restores the backup it takes. It costs a server each, and most tests are about
    # something else.
    twin: bool = False

    def aim(
        self, database: Database, *, endpoint: Endpoint | None = None, **changes: object
    ) -> None:
        """Make the sandbox inventory speak of this database, reached over SSH at ``endpoint``."""
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
            "ssh": None if endpoint is None else {"variables": endpoint.inventory()},
            **changes,
        }
        (self.directory / "sandbox.json").write_text(json.dumps(state))

    def inventory(self, **variables: object) -> tuple[str, str]:
        """Arguments: another source of the inventory, which says this of the host."""
        text = json.dumps({"gonogo": {"hosts": {"sandbox": variables}}})
        file = self.directory / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
        file.write_text(text)
        return ("-i", str(file))

    def command(self, *arguments: str) -> list[str]:
        ours = {"gonogo_runs_dir": str(self.runs_dir), "twin_enabled": self.twin}
        return playbook.command("--extra-vars", json.dumps(ours), *arguments)

    def variables(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_NOCOLOR": "1",
            "GONOGO_SANDBOX_DIR": str(self.directory),
            **self.environment,
        }

    def play(self, *arguments: str, cwd: Path = PROJECT) -> Outcome:
        """Every verdict that comes of it is confirmed by the program of its own."""
        before = set(self.runs_dir.glob(_VERDICTS))
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
        for verdict in set(self.runs_dir.glob(_VERDICTS)) - before:
            assert_confirmed(verdict)
        return Outcome(done.returncode, done.stdout, self.runs_dir)
