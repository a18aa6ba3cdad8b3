"""No command line and nobody who writes into an open run gets a GO that was not earned."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.integration.support.harness import (
    PROJECT,
    RUN_SESSIONS,
    RUNBOOK,
    Controller,
    Database,
    Outcome,
)
from tests.pages.forgery import ATTEMPTS, TAMPERING

Make = Callable[..., Database]

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")
# Locks hold a run up for as long as a test needs.
PATIENT = (
    *SANDBOX,
    "-e",
    json.dumps(
        {"backup_lock_wait": 600000, "gonogo_timeouts": {"lock": "10min", "statement": "10min"}}
    ),
)
_SECONDS = 120


def _assert_no_go_at_all(outcome: Outcome) -> None:
    """Neither a file nor a line of the terminal says GO."""
    for file in outcome.runs_dir.glob("*/*/verdict.json"):
        assert json.loads(file.read_text())["decision"] != "GO"
    said = [line for line in outcome.output.splitlines() if line.startswith("GO")]
    assert not said, said
    assert "Traceback" not in outcome.output


# --- command lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if attempt.sample else [pytest.mark.attack])
        for name, attempt in ATTEMPTS.items()
    ],
)
def test_a_command_line_earns_nothing(
    name: str, make_database: Make, controller: Controller
) -> None:
    attempt = ATTEMPTS[name]
    database = make_database("as_deployed")
    controller.environment.update(attempt.environment)
    controller.aim(database)
    done = subprocess.run(
        controller.command(*SANDBOX, *attempt.arguments),
        cwd=PROJECT,
        env=controller.variables(),
        input=attempt.answers or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outcome = Outcome(done.returncode, done.stdout, controller.runs_dir)
    assert attempt.says in outcome.output
    assert (outcome.status == 0) == attempt.succeeds, outcome.output
    _assert_no_go_at_all(outcome)


def test_an_expired_waiver_is_none(make_database: Make, controller: Controller) -> None:
    database = make_database()
    # A missing index would be a HOLD with any waiver: the engine asks for it itself.
    with database.owner() as connection:
        connection.execute(
            "DROP INDEX public.idx_workflow_stages_overdue;"
            "CREATE INDEX idx_workflow_stages_overdue"
            " ON public.workflow_stages (sla_due_at) WHERE status = 'PENDING'"
        )
    waiver = {"check": "I1.2", "owner": "Dewi", "reason": "later", "expires": "2026-01-31"}
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "-e", json.dumps({"gonogo_waivers": [waiver]}))
    assert outcome.verdict["decision"] == "HOLD"
    said = {one["subject"]: one["text"] for one in outcome.verdict["conditions"]}
    assert said["I1.2"] == "waiver not applied: it expired on 2026-01-31"
    _assert_no_go_at_all(outcome)


# --- an open run --------------------------------------------------------------------------------


@dataclass
class OpenRun:
    """A run that waits for a lock, and goes on when it is let go."""

    process: subprocess.Popen[str]
    controller: Controller
    release: Callable[[], object]

    @property
    def evidence(self) -> Path:
        return max(self.controller.runs_dir.glob("sandbox/*Z-*"), key=lambda path: path.name)

    def finish(self) -> Outcome:
        self.release()
        output, _ = self.process.communicate(timeout=_SECONDS)
        return Outcome(self.process.returncode, output, self.controller.runs_dir)


@contextmanager
def _waiting(
    database: Database, controller: Controller, *more: str, stage: str, lock: str
) -> Iterator[OpenRun]:
    """A run of which a session of `stage` waits for what the statement `lock` has locked."""
    with database.owner() as blocker, database.admin() as admin:
        blocker.execute("BEGIN")
        blocker.execute(lock.encode())
        process = subprocess.Popen(
            controller.command(*PATIENT, *more),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                _await(admin, stage)
                yield OpenRun(process, controller, lambda: blocker.execute("ROLLBACK"))
            finally:
                process.kill()


def _await(admin: psycopg.Connection, stage: str) -> None:
    waiting = (
        f"SELECT FROM {RUN_SESSIONS} WHERE datname = current_database()"
        f" AND application_name LIKE 'gonogo:%:{stage}' AND wait_event_type = 'Lock'"
    )
    end = time.monotonic() + _SECONDS
    while admin.execute(waiting.encode()).fetchone() is None:
        assert time.monotonic() < end, "the awaited state was never seen"
        time.sleep(0.05)


_BACKUP = {"stage": "backup", "lock": "LOCK TABLE public.sites IN ACCESS EXCLUSIVE MODE"}
# The first of the phases makes a version; preflight only reads.
_PHASES = {
    "stage": "phases",
    "lock": "LOCK TABLE public.config_versions IN SHARE ROW EXCLUSIVE MODE",
}


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def _plan(database: Database, controller: Controller) -> Outcome:
    with _waiting(database, controller, **_BACKUP) as run:
        _edit(run.evidence / "plan.json", '"effect": null', '"effect": "none"')
        outcome = run.finish()
    assert "plan.json changed after it was written" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    return outcome


def _planted_facts(database: Database, controller: Controller) -> Outcome:
    with _waiting(database, controller, **_BACKUP) as run:
        (run.evidence / "facts.json").write_text('{"users": []}\n')
        outcome = run.finish()
    assert "facts.json was written by no stage" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    return outcome


def _answers(database: Database, controller: Controller) -> Outcome:
    """0.5 has failed: without the edit this is a NO-GO."""
    with database.owner() as connection:
        connection.execute("DROP INDEX public.workspaces_code_key")
    with _waiting(database, controller, **_PHASES) as run:
        file = run.evidence / "checks.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        failed = [line for line in lines if line["status"] == "fail"]
        for line in failed:
            line["status"] = "pass"
        file.write_text(
            "".join(
                json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
                for line in lines
            )
        )
        outcome = run.finish()
    assert failed
    assert "checks.jsonl changed after it was written" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    return outcome


def _note(database: Database, controller: Controller) -> Outcome:
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    assert outcome.verdict["decision"] == "GO", outcome.output
    earned = outcome.evidence
    # Phases are the last stage before the verdict; what they write goes to the run they have begun.
    with database.owner() as connection:
        connection.execute("DROP INDEX public.idx_workflow_stages_overdue")
    with _waiting(database, controller, **_PHASES) as run:
        (note,) = (controller.runs_dir / ".open").iterdir()
        record = json.loads(note.read_text())
        record["run"] = f"sandbox/{earned.name}"
        note.write_text(json.dumps(record))
        before = (earned / "events.jsonl").read_bytes()
        outcome = run.finish()
    assert "the run this process works on is not the one it has opened" in outcome.output
    assert (earned / "events.jsonl").read_bytes().startswith(before)
    assert outcome.status != 0
    # The one that was earned before is not what this test is about.
    shutil.rmtree(earned)
    return outcome


def _planted_verdict(database: Database, controller: Controller) -> Outcome:
    with _waiting(database, controller, **_BACKUP) as run:
        planted = run.evidence / "verdict.json"
        planted.write_text('{"decision": "GO"}\n')
        run.process.send_signal(signal.SIGTERM)
        outcome = run.finish()
    assert outcome.status != 0
    assert outcome.output.count("\nHOLD  0/15") == 1
    planted.unlink()
    return outcome


def _runbook(database: Database, controller: Controller) -> Outcome:
    folder = controller.directory / RUNBOOK.name
    shutil.copytree(RUNBOOK, folder)
    more = ("-e", f"gonogo_runbook={folder}")
    with _waiting(database, controller, *more, **_BACKUP) as run:
        file = folder / "phases" / "04_invariants.sql.j2"
        file.write_text(file.read_text() + "\n")
        outcome = run.finish()
    assert "the runbook has changed since the run began" in outcome.output
    assert "not the same: phases/04_invariants.sql.j2" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    return outcome


_TAMPER = {
    "plan": _plan,
    "planted facts": _planted_facts,
    "answers": _answers,
    "note": _note,
    "planted verdict": _planted_verdict,
    "runbook": _runbook,
}
# The others are of the same kind.
_SAMPLE = {"answers", "planted verdict"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in _SAMPLE else [pytest.mark.attack])
        for name in TAMPERING
    ],
)
def test_tampering_with_an_open_run(name: str, database: Database, controller: Controller) -> None:
    controller.aim(database)
    _assert_no_go_at_all(_TAMPER[name](database, controller))
