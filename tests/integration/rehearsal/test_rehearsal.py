"""Everything is tried on the twin first: what is found there stops the run before the database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.login import Login
from gonogo.host.compare import reprint, schema_catalog
from gonogo.host.session.connection import connect
from tests.integration.support.harness import PROJECT, Controller, Database
from tests.integration.support.harness import RUNBOOK as BASE
from tests.integration.support.migrations import before
from tests.integration.support.targets import ROLL_OUT, RUNBOOK, VALIDATE, Make, Target, make_target

pytestmark = pytest.mark.usefixtures("with_twin")


@pytest.fixture
def staging(make_database: Make, controller: Controller) -> Target:
    return make_target(make_database, controller, "staging")


@pytest.fixture
def runbook(tmp_path: Path) -> Path:
    """A copy of the second runbook, beside the one it extends, to be changed."""
    copy = shutil.copytree(RUNBOOK.parent, tmp_path / "runbooks")
    return copy / RUNBOOK.name


def add(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def record_of(target: Target) -> dict[str, Any]:
    return dict(json.loads((target.run() / "rehearsal.json").read_text()))


def test_a_migration_is_tried_taken_back_and_tried_again(staging: Target) -> None:
    done = staging.play(*VALIDATE)
    assert done.verdict["decision"] == "GO", done.output
    record = record_of(staging)
    assert record["done"] is True
    assert record["state"] == "absent"
    assert record["deployment"]["action"] == "applied"
    assert record["deployment"]["budgets"] == {"hold": 10.0, "statement": 600.0}
    assert record["undone"]["seconds"] > 0
    assert record["again"]["seconds"] > 0
    assert not record["rows_changed"]
    assert {check["status"] for check in record["checks"]} == {"pass"}
    # With the rows of the phases it could be taken back, too.
    assert record["back"]["undone"]
    assert "applied again, all was there" in done.output
    # What was rehearsed is what there is.
    seen = json.loads((staging.run() / "schema.json").read_text())
    now = staging.schema()
    with staging.database.admin() as connection:
        same = reprint.same(connection, schema_catalog.compare(seen, now))
    assert not schema_catalog.compare(seen, now, same=same)
    # The files that ran there are kept, once where they are the same here, and none of its rows is
    # in the ledger of this database.
    script = staging.run() / "sql" / "02_foreign_keys.sql"
    assert record["scripts"]["02_foreign_keys"] == sha256(script.read_bytes()).hexdigest()
    assert not [*script.parent.glob("rehearsal_*")]
    assert not (staging.run() / "ledger.jsonl").exists()
    report = (staging.run() / "report.md").read_text()
    assert "<summary>Rehearsal on the twin</summary>" in report
    assert not [*staging.controller.directory.rglob("twins/*")]


def test_a_migration_that_the_data_refuse_is_found_on_the_twin(
    staging: Target, runbook: Path
) -> None:
    add(
        runbook / "migration.sql",
        "\nALTER TABLE public.vendor_master ADD CONSTRAINT nobody CHECK (id IS NULL);\n",
    )
    before = staging.schema()
    refused = staging.play(*VALIDATE, gonogo_runbook=str(runbook))
    assert refused.verdict["decision"] == "NO-GO"
    (reason,) = [r for r in refused.verdict["reasons"] if r["code"] == "rehearsal_failed"]
    assert "23514" in reason["text"]
    assert "migration.sql:" in reason["text"]
    assert record_of(staging)["problem"]["step"] == "apply"
    assert staging.schema() == before
    assert not (staging.run() / "deploy.json").exists()


def test_an_undo_that_does_not_lead_back_is_found_on_the_twin(
    staging: Target, runbook: Path
) -> None:
    add(runbook / "migration.sql", "\nUPDATE public.vendor_master SET contact_email = 'x';\n")
    before = staging.schema()
    refused = staging.play(*VALIDATE, gonogo_runbook=str(runbook))
    assert refused.verdict["decision"] == "NO-GO", refused.output
    record = record_of(staging)
    assert record["problem"]["step"] == "undo"
    assert record["problem"]["detail"] == "public.vendor_master: other values in its 60 rows"
    assert list(record["rows_changed"]) == ["public.vendor_master"]
    assert staging.schema() == before


def test_a_rewrite_is_seen_before_the_database_is_touched(staging: Target, runbook: Path) -> None:
    add(runbook / "migration.sql", "\nALTER TABLE public.users ALTER email TYPE varchar(319);\n")
    add(runbook / "undo.sql", "\nALTER TABLE public.users ALTER email TYPE text;\n")
    before = staging.schema()
    shown = staging.play(*VALIDATE, gonogo_runbook=str(runbook), deploy_approval_required=True)
    assert "rewritten: public.users" in shown.output, shown.output
    assert "reads and writes of public.users would wait" in shown.output
    (line,) = [
        line
        for line in record_of(staging)["deployment"]["statements"]
        if "varchar(319)" in line["statement"]
    ]
    assert "public.users" in line["rewritten"]
    assert staging.schema() == before


@pytest.mark.attack
def test_what_is_over_its_budget_on_the_twin_is_not_deployed(staging: Target) -> None:
    """Whatever the reason: the database would end it, too."""
    before = staging.schema()
    refused = staging.play(*VALIDATE, deploy_hold_timeout="1ms")
    assert refused.verdict["decision"] == "HOLD", refused.output
    slow = [r for r in refused.verdict["reasons"] if r["code"] == "rehearsal_slow"]
    assert slow
    assert all("waiting too long" in r["text"] and " s and " in r["observed"] for r in slow)
    assert {check["status"] for check in record_of(staging)["checks"]} == {"pass"}
    assert "deploy_hold_timeout" in refused.output
    assert staging.schema() == before


def test_a_check_that_fails_there_stops_the_deployment(staging: Target, runbook: Path) -> None:
    """A guard that refuses nothing: the phases find it where nothing is lost."""
    add(
        runbook / "migration.sql",
        """
CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
    LANGUAGE plpgsql AS $body$BEGIN RETURN coalesce(NEW, OLD); END$body$;
""",
    )
    before = staging.schema()
    refused = staging.play(*VALIDATE, gonogo_runbook=str(runbook))
    assert refused.verdict["decision"] == "NO-GO"
    codes = {(r["code"], r["subject"]) for r in refused.verdict["reasons"]}
    assert ("rehearsal_check_fail", "K3.2") in codes, refused.output
    assert staging.schema() == before


def test_production_must_be_what_staging_was(make_database: Make, controller: Controller) -> None:
    staging = make_target(make_database, controller, "staging")
    production = make_target(make_database, controller, "production")
    with production.database.owner() as owner:
        owner.execute("CREATE INDEX only_here ON public.vendor_master (id)")
    validated = staging.play(*VALIDATE)
    assert validated.verdict["decision"] == "GO", validated.output
    promoted = {
        "gonogo_promotion_from": "staging",
        "gonogo_promotion_evidence": str(staging.run()),
    }
    before = production.schema()
    refused = production.play(*ROLL_OUT, **promoted)
    assert "would not be the one that was validated" in refused.output, refused.output
    assert record_of(production)["unlike_promotion"] == ["index public.only_here is here only"]
    assert production.schema() == before
    # Without a twin there is no rehearsal, and without that no deployment.
    off = production.play(*ROLL_OUT, **promoted, rehearsal_enabled=False)
    assert "nothing is deployed that was not rehearsed" in off.output
    off = production.play(*ROLL_OUT, **promoted, twin_space_factor=1e9, twin_scratch=False)
    assert "the migration was not rehearsed: nothing is deployed" in off.output, off.output
    assert production.schema() == before


def test_a_migration_that_leaves_no_object_stops_no_run_that_does_not_deploy_it(
    make_database: Make, controller: Controller, runbook: Path
) -> None:
    """Nothing tells whether it is there: there is no taking it back to be tried, and no GO."""
    for file in ("migration.sql", "validate.sql", "undo.sql"):
        (runbook / file).write_text("UPDATE public.users SET email = email;\n")
    staging = Target(make_database("target"), controller, "sandbox")
    given = {"gonogo_runbook": str(runbook), "deploy_enabled": False}
    done = staging.play(*VALIDATE, **given)
    assert done.verdict["decision"] == "HOLD", done.output
    (reason,) = done.verdict["reasons"]
    assert "nothing tells whether this migration has been applied" in reason["text"]
    assert "back" not in record_of(staging)
    refused = staging.play(*VALIDATE, **{**given, "deploy_enabled": True})
    assert "nothing tells whether this migration has been applied" in refused.output
    assert refused.verdict["decision"] == "HOLD"


def test_a_run_that_has_deployed_and_is_no_go_says_the_ways_back(
    database: Database, controller: Controller
) -> None:
    """New tables are empty: that stops no deployment, and is no GO."""
    controller.aim(database)
    with before(database) as owner:
        owner.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
            " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO apms_app"
        )
    done = controller.play(*VALIDATE, "-e", "deploy_enabled=true")
    assert done.verdict["decision"] == "HOLD", done.output
    assert {reason["code"] for reason in done.verdict["reasons"]} == {"check_inconclusive"}
    record = json.loads((done.evidence / "rehearsal.json").read_text())
    twin = json.loads((done.evidence / "twin.json").read_text())
    run_id = done.evidence.name
    assert f"{record['undone']['seconds']:.1f} s on the twin" in done.output
    assert f"playbooks/undo.yml -e undo_run_id={run_id}" in done.output
    assert f"the restore took {twin['seconds']['restore']:.1f} s" in done.output
    assert f"playbooks/restore.yml -e restore_run_id={run_id}" in done.output


@pytest.mark.attack
def test_a_run_that_is_killed_on_its_twin_leaves_nothing_to_the_next(
    staging: Target, runbook: Path
) -> None:
    slow = runbook.parent / "slow"
    shutil.copytree(runbook, slow / runbook.name)
    shutil.copytree(runbook.parent / BASE.name, slow / BASE.name)
    add(slow / runbook.name / "migration.sql", "\nSELECT pg_catalog.pg_sleep(600);\n")
    staging.controller.aim(staging.database)
    arguments = staging.arguments(*VALIDATE, gonogo_runbook=str(slow / runbook.name))
    first = subprocess.Popen(
        staging.controller.command(*arguments),
        cwd=PROJECT,
        env=staging.controller.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: sleeps_on_its_twin(staging.controller))
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    killed = staging.run()
    assert not (killed / "verdict.json").exists()
    done = staging.play(*VALIDATE)
    assert done.verdict["decision"] == "GO", done.output
    assert staging.run() != killed
    until(lambda: not [*staging.controller.directory.rglob("twins/*")])


def sleeps_on_its_twin(controller: Controller) -> bool:
    for file in controller.directory.rglob("twins/*/kept.json"):
        kept = json.loads(file.read_text())
        login = Login(
            **{k: kept[k] for k in ("host", "port")}, db=kept["database"], user=kept["user"]
        )
        with connect(login, name="a test") as connection:
            return bool(
                connection.execute(
                    "SELECT FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'"
                ).fetchall()
            )
    return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@pytest.mark.attack
def test_what_is_printed_in_another_way_stops_nobody(
    make_database: Make, controller: Controller, runbook: Path
) -> None:
    """Of two databases one was restored, or both, or only the other: the texts are not the same."""
    nested = "CHECK (length(contact_email) BETWEEN 0 AND 999 AND contact_email <> '~');"
    table = "ALTER TABLE public.vendor_master"
    add(runbook / "migration.sql", f"\n{table} ADD CONSTRAINT few {nested}\n")
    add(runbook / "undo.sql", f"\n{table} DROP CONSTRAINT few;\n")
    staging = make_target(make_database, controller, "staging")
    production = make_target(make_database, controller, "production")
    for target in (staging, production):
        with target.database.owner() as owner:
            owner.execute(f"{table} ADD CONSTRAINT kept {nested}".encode())
    given = {"gonogo_runbook": str(runbook)}
    deployed = staging.play(*VALIDATE, **given)
    assert deployed.verdict["decision"] == "GO", deployed.output
    # The database against its twin, which was restored.
    done = json.loads((staging.run() / "deploy.json").read_text())
    assert (done["action"], done["unlike_rehearsal"]) == ("applied", [])
    # A twin with the migration in it against one that the migration is applied to.
    validated = staging.play(*VALIDATE, **given)
    assert validated.verdict["decision"] == "GO", validated.output
    twin = json.loads((staging.run() / "twin.json").read_text())
    again = set(twin["proof"]["schema"]["printed_again"])
    assert {f"constraint public.vendor_master.{name}" for name in ("few", "kept")} <= again
    promoted = {
        "gonogo_promotion_from": "staging",
        "gonogo_promotion_evidence": str(staging.run()),
    }
    asked = production.play(*ROLL_OUT, **given, **promoted)
    assert record_of(production)["unlike_promotion"] == [], asked.output
