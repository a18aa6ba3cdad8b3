"""Whole runs about folders of migrations: the way back, and the record of the tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.host.migrate import history
from sandbox import logins
from tests.folders import NAMES, migrations
from tests.integration.deploy.test_undo import approve
from tests.integration.run.test_migrations import SECOND, Application
from tests.integration.support.harness import Controller, Database, Outcome
from tools.record_tables import TABLES

pytestmark = pytest.mark.usefixtures("with_twin")

UNDO = ("-i", "inventories/sandbox", "playbooks/undo.yml")
UP = f"""CREATE TABLE own_{{}} (n serial PRIMARY KEY, said text);
GRANT SELECT, INSERT, UPDATE, DELETE ON own_{{}} TO {logins.APPLICATION};
GRANT USAGE ON SEQUENCE own_{{}}_n_seq TO {logins.APPLICATION};
"""
DOWN = "DROP TABLE own_{};\n"


class Kept:
    """A database in which the first migration of a tool's folder is applied."""

    def __init__(self, key: str, database: Database, controller: Controller, folder: Path) -> None:
        self.key = key
        self.database = database
        self.controller = controller
        self.folder = folder
        controller.aim(database)
        self.tool = history.find(key, schema="public")
        self.write(NAMES[:1])

    def write(self, names: Any, up: str = UP, down: str = DOWN) -> None:
        migrations(self.key, self.folder, names, up, down)

    def begin(self, *, table: bool = True) -> None:
        (first,) = self.tool.files(self.folder)
        with self.database.owner() as owner:
            owner.execute("SET search_path = public")
            owner.execute((first.text or "").encode())
            owner.execute("INSERT INTO own_a (said) SELECT 'x' FROM generate_series(1, 9)")
            if table:
                owner.execute(TABLES[self.key].replace("{s}", "public").encode())
                self.tool.record(owner, first)

    def play(self, **more: Any) -> Outcome:
        folder = {"gonogo_migrations": str(self.folder), "gonogo_migration_tool": self.key}
        said = {**folder, "deploy_enabled": True, **more}
        return self.controller.play(
            *("-i", "inventories/sandbox", "validate_staging.yml"), *("-e", json.dumps(said))
        )

    def applied(self) -> list[str]:
        with self.database.owner() as owner:
            return self.tool.applied(self.tool.files(self.folder), self.tool.entries(owner) or [])


@pytest.fixture
def kept(database: Database, controller: Controller, tmp_path: Path) -> Callable[[str], Kept]:
    return lambda key: Kept(key, database, controller, tmp_path / "migrations")


def answer(outcome: Outcome, check: str) -> dict[str, Any]:
    lines = (outcome.evidence / "checks.jsonl").read_text().splitlines()
    (found,) = (one for one in map(json.loads, lines) if one["check_id"] == check)
    return dict(found)


@pytest.mark.parametrize("key", ["goose", pytest.param("golang_migrate", marks=pytest.mark.attack)])
def test_a_deployment_is_taken_back_by_the_files_of_its_tool(
    kept: Callable[[str], Kept], key: str
) -> None:
    folder = kept(key)
    folder.begin()
    folder.write(NAMES)
    done = folder.play()
    assert done.has_verdict(), done.output
    assert done.verdict["decision"] == "GO", done.output
    # The application's own tables stand beside the folder.
    wrong = {name for name, status in done.verdict["checks"].items() if status != "pass"}
    # What squawk says of it is not on every controller.
    assert wrong <= {"D1.3", "D8.4"}, done.verdict["checks"]
    back = answer(done, "D9.1")
    assert back["observed"].startswith("taken back in ")
    assert f"{NAMES[2]}.{'down.sql' if key == 'golang_migrate' else 'sql'}" in back["observed"]
    assert answer(done, "D10.2")["observed"] == f"{folder.tool.name}'s record is so, of 3 files"
    assert len(folder.applied()) == 3
    shown = folder.controller.play(*UNDO)
    assert "table public.own_c" in shown.output, shown.output
    taken = folder.controller.play(*UNDO, *approve(shown))
    assert taken.status == 0, taken.output
    assert "Took back the migration" in taken.output
    assert len(folder.applied()) == 1
    with folder.database.owner() as owner:
        left = owner.execute("SELECT to_regclass('public.own_b'), count(*) FROM public.own_a")
        assert left.fetchone() == (None, 9)
    assert "nothing to take back" in folder.controller.play(*UNDO).output


def test_a_way_back_that_loses_rows_is_a_no_go_unless_the_backup_is_it(
    kept: Callable[[str], Kept],
) -> None:
    folder = kept("goose")
    folder.begin()
    up, down = "ALTER TABLE own_a DROP COLUMN said;", "ALTER TABLE own_a ADD COLUMN said text;"
    folder.write(NAMES[1:2], up, down)
    done = folder.play()
    assert done.verdict["decision"] == "NO-GO", done.output
    assert done.verdict["criteria"]["D9"] == "fail"
    back = answer(done, "D9.1")
    said = "do not leave the rows as they were: public.own_a.said: 9 values before, 0 now; "
    assert f"{said}all of it is in the backup, which was restored in " in back["observed"]
    assert back["samples"] == [f"{NAMES[1]}.sql"]
    assert not (done.evidence / "deploy.json").exists()
    assert len(folder.applied()) == 1
    declared = folder.play(gonogo_irreversible=[NAMES[1][:14]])
    back = answer(declared, "D9.1")
    assert (declared.verdict["criteria"]["D9"], back["status"]) == ("pass", "pass"), back
    assert "it is declared irreversible; the way back is the backup" in back["observed"]
    assert len(folder.applied()) == 2
    refused = folder.controller.play(*UNDO)
    assert f"the migration {NAMES[1]}.sql has no undo" in refused.output


def test_a_tool_that_keeps_no_record_would_apply_all_of_it_again(
    kept: Callable[[str], Kept],
) -> None:
    folder = kept("goose")
    done = folder.play()
    assert done.verdict["decision"] == "HOLD", done.output
    assert "D10.2" in {reason["subject"] for reason in done.verdict["reasons"]}
    assert not (done.evidence / "deploy.json").exists()


def test_prisma_s_way_back_is_the_backup(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    application = Application(database, controller, tmp_path / "migrations")
    application.write("20260201000000_second", SECOND)
    done = application.play()
    assert done.verdict["decision"] == "GO", done.output
    back = answer(done, "D9.1")
    assert back["status"] == "pass"
    said = "20260201000000_second/migration.sql: no file takes it back; the way back is the backup"
    assert back["observed"].startswith(said), back
    criteria = done.verdict["criteria"]
    assert (criteria["D8"], criteria["D9"], criteria["D10"]) == ("pass", "pass", "pass")
    assert done.verdict["score"]["passed"] == done.verdict["score"]["of"]


def test_without_a_twin_it_is_said_why_nothing_is_known(kept: Callable[[str], Kept]) -> None:
    folder = kept("goose")
    folder.begin()
    folder.write(NAMES)
    done = folder.play(twin_space_factor=1e9, twin_scratch=False)
    assert done.verdict["decision"] == "HOLD", done.output
    back = answer(done, "D9.1")
    assert back["status"] == "not_run"
    assert back["observed"].startswith("there was no copy to ask: "), back
