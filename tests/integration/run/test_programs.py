"""Migrations that are programs: what their tool's own command says to copies of the database is
judged and applied, and the tool is content with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox import logins
from tests import migration_tools
from tests.integration.support import applications
from tests.integration.support.harness import Controller, Database, Outcome

pytestmark = pytest.mark.usefixtures("with_twin")


class Application:
    """An application in a folder, whose tool runs here and in runs of this project."""

    def __init__(self, database: Database, controller: Controller, folder: Path) -> None:
        self.database = database
        self.controller = controller
        self.folder = folder
        self.packages = migration_tools.programs()
        controller.aim(database)
        with database.owner() as owner:
            for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"):
                owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT {what} TO {logins.APPLICATION}")

    def play(self, command: Sequence[str], environment: Mapping[str, str], *more: str) -> Outcome:
        said = {
            "gonogo_migrations": str(self.folder),
            "gonogo_migrate_command": [*command],
            "gonogo_migrate_environment": {"PYTHONPATH": str(self.packages), **environment},
            "deploy_enabled": True,
        }
        return self.controller.play(
            *("-i", "inventories/sandbox", "validate_staging.yml", "-e", json.dumps(said), *more)
        )

    def ask(self, command: Sequence[str]) -> str:
        """What the tool itself says about the database."""
        login = self.database.login()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.packages),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PGPASSFILE": str(login.passfile),
                "PGHOST": str(login.host),
                "PGPORT": str(login.port),
                "PGUSER": str(login.user),
                "PGDATABASE": login.db,
                "DATABASE_URL": f"postgresql:///{login.db}",
                "APP_DATABASE": f"postgresql+psycopg://{login.user}@/{login.db}"
                f"?host={login.host}&port={login.port}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def application(database: Database, controller: Controller, tmp_path: Path) -> Application:
    if migration_tools.programs() is None:
        pytest.skip("Alembic and Django are not here: python -m tests.migration_tools")
    return Application(database, controller, tmp_path / "application")


Read = Callable[[str], Any]
_URL = {"APP_DATABASE": "postgresql+psycopg://{address}"}


def reading(outcome: Outcome) -> Read:
    return lambda name: json.loads((outcome.evidence / name).read_text())


def test_alembic_is_content(application: Application) -> None:
    applications.alembic(application.folder)
    ask = (sys.executable, "-m", "alembic")
    application.ask([*ask, "upgrade", "head"])
    applications.revision(application.folder, "0002", applications.WEIGHT, down="0001")
    done = application.play(applications.ALEMBIC, _URL)
    assert done.has_verdict(), done.output
    assert done.verdict["decision"] == "GO", done.output
    found = reading(done)
    assert found("captured.json")["own"] == []
    assert found("deploy.json")["action"] == "applied"
    assert "0002 (head)" in application.ask([*ask, "current"])
    again = application.play(applications.ALEMBIC, _URL)
    assert again.verdict["decision"] == "UP-TO-DATE", again.output
    assert again.status == 0, again.output
    assert reading(again)("captured.json")["statements"] == 0
    assert reading(again)("rehearsal.json")["drift"]["compared"] > 0


def test_a_command_that_fails_is_a_hold(application: Application) -> None:
    applications.alembic(application.folder)
    applications.revision(application.folder, "0002", 'raise ValueError("so")', down="0001")
    done = application.play(applications.ALEMBIC, _URL)
    assert done.verdict["decision"] == "HOLD", done.output
    assert "the command of the migration tool failed with status 1" in done.output
    assert "ValueError: so" in done.output
    assert not (done.evidence / "captured.json").exists()
    with application.database.owner() as owner:
        assert owner.execute("SELECT to_regclass('public.parcel')").fetchone() == (None,)


def test_django_is_content(application: Application) -> None:
    applications.django(application.folder)
    done = application.play(applications.DJANGO, {})
    assert done.has_verdict(), done.output
    found = reading(done)
    captured = found("captured.json")
    assert len(captured["own"]) == 2
    assert "now()::timestamptz" in captured["text"]
    assert found("deploy.json")["action"] == "applied", done.output
    assert done.verdict["decision"] == "GO", done.output
    ask = (sys.executable, "manage.py")
    assert "[ ]" not in application.ask([*ask, "showmigrations"])
    application.ask([*ask, "migrate", "--check"])
    with application.database.owner() as owner:
        rows = owner.execute("SELECT label, weight FROM shop_parcel ORDER BY label").fetchall()
    assert rows == [("it's 0 \\ $1", None), ("it's 1 \\ $1", 7), ("it's 2 \\ $1", None)]


@pytest.mark.attack
def test_rails_is_content(database: Database, controller: Controller, tmp_path: Path) -> None:
    if migration_tools.active_record() is None:
        pytest.skip("ActiveRecord is not here: python -m tests.migration_tools")
    application = Application(database, controller, tmp_path / "application")
    applications.rails(application.folder)
    done = application.play(applications.RAILS, {})
    assert done.has_verdict(), done.output
    assert done.verdict["decision"] == "GO", done.output
    found = reading(done)
    assert found("deploy.json")["action"] == "applied", done.output
    assert "CREATE INDEX CONCURRENTLY" in found("captured.json")["text"]
    said = application.ask([*applications.RAILS[:-1], "status"])
    assert said.count("up 2026010") == 2
    with database.owner() as owner:
        rows = owner.execute("SELECT label, details FROM crates").fetchall()
        index = owner.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'index_crates_on_weight'::regclass"
        ).fetchone()
    assert rows == [("it's \\ $1", {"weight": 1, "of": None})]
    assert index == (True,)
