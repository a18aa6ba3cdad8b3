"""The stage deploy inside of a whole run, as its users start it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration.support.harness import PROJECT, RUNBOOK, Controller, Database
from tests.integration.support.migrations import before, prisma_rows

Make = Callable[..., Database]

VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml")
DEPLOY = (*VALIDATE, "-e", "deploy_enabled=true")


def test_the_stage_says_that_it_is_skipped(database: Database, controller: Controller) -> None:
    controller.aim(database)
    outcome = controller.play(*VALIDATE)
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert "Nothing is deployed: deploy_enabled is not set for sandbox" in outcome.output
    assert "deploy" not in json.loads((outcome.evidence / "plan.json").read_text())["stages"]
    assert not (outcome.evidence / "deploy.json").exists()


def test_an_absent_migration_is_applied_and_judged(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with before(database) as owner:
        # What makes new tables usable to the application in the owner's databases.
        owner.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
            " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO apms_app"
        )
        outcome = controller.play(*DEPLOY)
        record = json.loads((outcome.evidence / "deploy.json").read_text())
        assert record["action"] == "applied", outcome.output
        assert record["before"]["state"] == "absent"
        assert record["after"]["state"] == "applied"
        assert record["watched"]["waiters"] == 50
        assert record["watched"]["looks"] > 0
        assert record["watched"]["unseen"] == []
        (row,) = prisma_rows(owner)
    # Nothing is wrong with what was made. New tables are empty, so some questions stay open.
    reasons = outcome.verdict["reasons"]
    assert {reason["code"] for reason in reasons} <= {"check_inconclusive"}, reasons
    assert outcome.verdict["decision"] == "HOLD"
    digest = hashlib.sha256((RUNBOOK / "migration.sql").read_bytes()).hexdigest()
    assert row["checksum"] == digest
    assert row["migration_name"] == RUNBOOK.name
    assert row["finished_at"]
    assert not row["rolled_back_at"]
    assert row["applied_steps_count"] == 1
    assert (outcome.evidence / "sql" / "deploy_guards.sql").read_bytes() == (
        RUNBOOK / "guards.sql"
    ).read_bytes()
    again = controller.play(*DEPLOY)
    assert json.loads((again.evidence / "deploy.json").read_text())["action"] == "none"
    assert "The migration is there already" in again.output


def test_a_run_after_one_that_was_killed_while_deploying(
    database: Database, controller: Controller
) -> None:
    """The killed run's transaction is ended, so nothing of it is there; the next applies it."""
    controller.aim(database)
    patient = ("-e", "deploy_lock_timeout=1h", "-e", "deploy_hold_timeout=1h")
    with before(database) as owner, database.owner() as blocker:
        # Lets everybody read, and keeps the foreign keys away.
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.workspaces IN SHARE ROW EXCLUSIVE MODE")
        first = subprocess.Popen(
            controller.command(*DEPLOY, *patient),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _until(lambda: _waits_for_a_lock(owner))
        finally:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        blocker.execute("ROLLBACK")
        outcome = controller.play(*DEPLOY, "-e", "gonogo_residue=rollback")
        rows = prisma_rows(owner)
    record = json.loads((outcome.evidence / "deploy.json").read_text())
    # Ended before it got its lock, or it got it first and was carried out as a whole.
    assert record["before"]["state"] in {"absent", "applied"}, outcome.output
    assert record["after"]["state"] == "applied"
    assert len(rows) == 1


def _waits_for_a_lock(owner: psycopg.Connection) -> bool:
    return bool(
        owner.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'gonogo:%:deploy' AND wait_event_type = 'Lock'"
        ).fetchall()
    )


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


# What gives up at once; whoever has been idle for longer is waited for in vain.
HASTY = ("-e", "deploy_attempts=1", "-e", "deploy_wait=1ms", "-e", "deploy_lock_timeout=100ms")


@contextmanager
def _forgotten(database: Database) -> Iterator[psycopg.Connection]:
    """A transaction that has written to a table of the migration, and does nothing more."""
    with database.owner() as other:
        other.execute("SET application_name = 'forgotten'")
        other.execute("BEGIN")
        other.execute("LOCK TABLE public.workspaces IN ROW EXCLUSIVE MODE")
        yield other


def test_a_deployment_that_would_wait_in_vain_is_held_and_nothing_is_tried(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with before(database) as owner, _forgotten(database) as other:
        outcome = controller.play(*DEPLOY, *HASTY)
        assert prisma_rows(owner) == []
        pid = other.info.backend_pid
    assert outcome.status != 0
    assert "would wait in vain for what others have; nothing was tried" in outcome.output
    assert f"pg_terminate_backend({pid})" in outcome.output
    record = json.loads((outcome.evidence / "deploy.json").read_text())
    assert (record["action"], record["statements"], record["changed"]) == ("blocked", [], [])
    (found,) = record["activity"]["occupants"]
    assert (found["kind"], found["effect"]) == ("transaction", "hold")
    assert not (outcome.evidence / "deploy_intent.json").exists()
    assert outcome.verdict["decision"] == "HOLD"
    report = (outcome.evidence / "report.md").read_text()
    assert "The server right before the deployment" in report
    assert "forgotten" in report


@pytest.mark.attack
def test_an_approval_is_not_used_up_by_a_deployment_that_would_wait_in_vain(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    asking = (*DEPLOY, *HASTY, "-e", "deploy_approval_required=true")
    with before(database) as owner:
        with _forgotten(database):
            shown = controller.play(*asking)
            assert "HOLD: a transaction (process" in shown.output
            assert "No answer: nothing was deployed" in shown.output
            first = shown.evidence
            token = json.loads((first / "deploy_plan.json").read_text())["token"]
            given = (
                f"deploy_run_id={first.name}",
                f"deploy_token={token}",
                "deploy_approved_by=Dewi",
            )
            approved = (*asking, *(word for one in given for word in ("-e", one)))
            held = controller.play(*approved)
            assert "nothing was tried" in held.output
            assert not (first / "deploy_used.json").exists()
            assert prisma_rows(owner) == []
        done = controller.play(*approved, "-e", "gonogo_residue=rollback")
        assert len(prisma_rows(owner)) == 1
    assert (first / "deploy_used.json").exists()
    record = json.loads((done.evidence / "deploy.json").read_text())
    assert (record["action"], record["approved"]["approved_by"]) == ("applied", "Dewi")


def test_our_own_record_is_compared_with_the_schema(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with before(database, prisma=False) as owner:
        controller.play(*DEPLOY, "-e", "gonogo_residue=rollback")
        owner.execute((RUNBOOK / "undo.sql").read_bytes())
        again = controller.play(*DEPLOY, "-e", "gonogo_residue=rollback")
    run_id = json.loads((again.evidence / "deploy.json").read_text())["own_record"]["run_id"]
    assert f"run {run_id} has applied the migration, but none of its objects" in again.output
    assert json.loads((again.evidence / "deploy.json").read_text())["action"] == "applied"


def test_a_budget_that_is_none_is_refused_before_anything(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    outcome = controller.play(*DEPLOY, "-e", "deploy_lock_timeout=soon")
    assert outcome.status != 0
    assert "'deploy_lock_timeout' is no duration" in outcome.output
    assert not any(controller.runs_dir.glob("*/*"))


def test_a_partial_migration_is_named_and_nothing_is_judged(
    make_database: Make, controller: Controller
) -> None:
    database = make_database("as_deployed")
    controller.aim(database, profile="target")
    outcome = controller.play(*DEPLOY)
    assert outcome.status != 0
    assert "the migration is there in part; nothing was applied" in outcome.output
    assert "fk_config_versions_imported_by on public.config_versions is missing" in outcome.output
    assert "playbooks/undo.yml" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    record = json.loads((outcome.evidence / "deploy.json").read_text())
    assert record["before"]["state"] == "partial"
    assert record["statements"] == []


@pytest.mark.attack
def test_a_crowd_behind_a_deployment_is_a_hold_that_names_it(
    database: Database, controller: Controller
) -> None:
    """Somebody writes for long, and whoever comes next waits for the deployment that waits."""
    controller.aim(database)
    few = ("-e", "deploy_let_go_waiters=2", "-e", "deploy_attempts=2", "-e", "deploy_wait=1ms")
    over = threading.Event()
    write = "UPDATE public.workspaces SET id = id"

    def write_behind_it() -> None:
        with database.owner() as writer:
            while not over.is_set():
                if _waits_for_a_lock(writer):
                    writer.execute(write.encode())

    crowd = [threading.Thread(target=write_behind_it) for _ in range(3)]
    with before(database) as owner, database.owner() as blocker, database.admin() as admin:
        # Nobody looks for a deadlock meanwhile, so a deployment waits for longer than a moment.
        admin.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '10min'".encode())
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.workspaces IN ROW EXCLUSIVE MODE")
        for one in crowd:
            one.start()
        outcome = controller.play(*DEPLOY, "-e", "deploy_lock_timeout=5min", *few)
        over.set()
        blocker.execute("ROLLBACK")
        for one in crowd:
            one.join()
        rows = prisma_rows(owner)
    record = json.loads((outcome.evidence / "deploy.json").read_text())
    assert outcome.verdict["decision"] == "HOLD", outcome.output
    assert record["action"] == "failed"
    assert record["error"]["let_go"]["cause"] == "waiters"
    assert record["error"]["let_go"]["waiting"] == 3
    assert record["error"]["let_go"]["tables"] == ["public.workspaces"]
    assert record["error"]["attempts"] == 2
    assert record["changed"] == []
    assert rows == []
    said = "failed after 2 attempts: let go for 3 sessions that waited behind it, the longest for"
    assert said in outcome.output
    assert "Everything is as it was" in outcome.output
    report = (outcome.evidence / "report.md").read_text()
    assert "let go for 3 sessions that waited behind it" in report
