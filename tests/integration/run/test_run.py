"""The whole run, as its users start it: ansible-playbook on the sandbox inventory."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gonogo.controller import evidence
from tests.integration.support.harness import PROJECT, RUN_SESSIONS, Controller, Database, Outcome

Make = Callable[..., Database]

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")
# A table lock holds the dump up for as long as a test needs.
PATIENT = (*SANDBOX, "-e", "backup_lock_wait=600000")


def test_target_profile_is_a_go(database: Database, controller: Controller) -> None:
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    assert outcome.status == 0, outcome.output
    verdict = outcome.verdict
    assert verdict["decision"] == "GO", verdict["reasons"]
    assert verdict["score"] == {"passed": 15, "of": 15}
    assert set(verdict["checks"].values()) == {"pass"}, verdict["checks"]
    assert f"GO  15/15  sandbox  {database.name}" in outcome.output
    _assert_private(outcome.evidence)
    _assert_backup(json.loads((outcome.evidence / "backup.json").read_text()))
    assert not _sessions(database)


def _assert_private(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def _assert_backup(record: dict[str, object]) -> None:
    archive = Path(str(record["file"]))
    files = {path.name: path for path in archive.iterdir()}
    assert stat.S_IMODE(archive.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert files.keys() == record["files"].keys()  # type: ignore[attr-defined]
    assert sum(path.stat().st_size for path in files.values()) == record["size"]
    assert record["read_back"] is True
    assert "public.config_versions" in record["tables"]  # type: ignore[operator]


def _sessions(database: Database) -> list[str]:
    with database.admin() as connection:
        rows = connection.execute(
            f"SELECT application_name FROM {RUN_SESSIONS}".encode()
        ).fetchall()
    return [row[0] for row in rows]


def test_as_deployed_profile_is_an_honest_no_go(
    make_database: Make, controller: Controller
) -> None:
    controller.aim(make_database("as_deployed"))
    outcome = controller.play(*SANDBOX)
    assert outcome.status != 0
    verdict = outcome.verdict
    assert verdict["decision"] == "NO-GO"
    for criterion in ("C1", "C2", "C3", "C4"):
        assert verdict["criteria"][criterion] == "pass"
    failed = {reason["subject"]: reason for reason in verdict["reasons"]}
    assert "accepted" in failed["V1.1"]["observed"]
    assert "orphan" in failed["C5.3"]["observed"]
    assert "atp_scope_master" in failed["C5.3"]["observed"]
    report = (outcome.evidence / "report.md").read_text()
    isolation = report.split("### C5.5")[1].split("###")[0]
    assert "workflow_instances" in isolation
    page = (outcome.evidence / "report.html").read_text()
    first = page[: page.index('id="run"')]
    assert "atp_scope_master" in first
    assert re.search(r"<code>\S*ansible-playbook -i \S+ \S*validate_staging.yml", first)
    # A failed check has the SQL that asked.
    isolation = page[page.index('id="check-C5.3"') :].partition("</article>")[0]
    assert "-- @check C5.3" in isolation


def test_verdict_follows_from_the_evidence_alone(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    evidence = controller.play(*SANDBOX).evidence
    recompute = ("playbooks/recompute.yml", "-e", f"verdict_recompute={evidence}")
    assert controller.play(*recompute).status == 0
    file = evidence / "verdict.json"
    file.write_text(file.read_text().replace('"passed": 15', '"passed": 14'))
    altered = controller.play(*recompute)
    assert altered.status != 0
    assert "verdict.json does not follow from the evidence" in altered.output


# --- the wrong place ----------------------------------------------------------------------------


def test_database_of_another_environment_is_refused(
    database: Database, controller: Controller
) -> None:
    before = database.rows()
    with database.admin() as connection:
        connection.execute(
            f"ALTER DATABASE \"{database.name}\" SET gonogo.environment = 'production'"
        )
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    _assert_stopped(outcome, f"database '{database.name}' is production, not sandbox")
    assert database.rows() == before


def test_unmarked_database_is_refused_with_the_command_that_marks_it(
    database: Database, controller: Controller
) -> None:
    with database.admin() as connection:
        connection.execute(f'ALTER DATABASE "{database.name}" RESET ALL')
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    _assert_stopped(outcome, "does not say which environment it is")
    assert f'ALTER DATABASE \\"{database.name}\\" SET gonogo.environment' in outcome.output


def test_service_that_leads_elsewhere_is_refused(
    make_database: Make, controller: Controller
) -> None:
    declared, elsewhere = make_database(), make_database()
    controller.aim(elsewhere)
    outcome = controller.play(
        *SANDBOX, "-e", json.dumps({"gonogo_refused_databases": [elsewhere.name]})
    )
    _assert_stopped(outcome, f"database '{elsewhere.name}' is refused as sandbox target")
    assert declared.name not in outcome.output


def _assert_stopped(outcome: Outcome, message: str) -> None:
    assert outcome.status != 0
    assert message in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    assert outcome.verdict["score"]["passed"] == 0
    assert not list(outcome.evidence.glob("sql/*"))


# --- two at once --------------------------------------------------------------------------------


def test_second_run_stops_and_names_the_first(database: Database, controller: Controller) -> None:
    controller.aim(database)
    with database.owner() as blocker:
        # The first run waits here, for as long as pg_dump waits for a table lock.
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.sites IN ACCESS EXCLUSIVE MODE")
        first = subprocess.Popen(
            controller.command(*PATIENT),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            _until(lambda: any(name.endswith(":backup") for name in _sessions(database)))
            (running,) = {name.split(":")[1] for name in _sessions(database)}
            second = controller.play(*SANDBOX)
            blocker.execute("ROLLBACK")
            output, _ = first.communicate()
        finally:
            first.kill()
            first.wait()
    assert second.status != 0
    assert f"another run works on this database: run {running}" in second.output
    assert first.returncode == 0, output
    assert _decision(controller, running) == "GO"


def test_run_after_a_killed_run_fences_it_and_judges(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with database.owner() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.sites IN ACCESS EXCLUSIVE MODE")
        first = subprocess.Popen(
            controller.command(*PATIENT),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _until(lambda: any(name.endswith(":backup") for name in _sessions(database)))
        (killed,) = {name.split(":")[1] for name in _sessions(database)}
        # The controller dies, what it started on the target host goes on.
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert any(name.endswith(":lock") for name in _sessions(database))
        blocker.execute("ROLLBACK")
        outcome = controller.play(*SANDBOX)
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert not (controller.runs_dir / "sandbox" / killed / "verdict.json").exists()
    _until(lambda: not _sessions(database))


def _decision(controller: Controller, run_id: str) -> str:
    file = controller.runs_dir / "sandbox" / run_id / "verdict.json"
    return str(json.loads(file.read_text())["decision"])


def _until(condition: Callable[[], bool], *, deadline: float = 60) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the awaited state was never seen"
        time.sleep(0.05)


# --- residue and cleanup ------------------------------------------------------------------------

CLEANUP = ("-i", "inventories/sandbox", "playbooks/cleanup.yml")


def test_rollback_mode_leaves_nothing(database: Database, controller: Controller) -> None:
    before = database.rows()
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "-e", "gonogo_residue=rollback")
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert database.rows() == before
    assert not (outcome.evidence / "ledger.jsonl").exists()


def test_cleanup_needs_approval_and_removes_exactly_the_ledger(
    database: Database, controller: Controller
) -> None:
    before = database.rows()
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    run_id = outcome.evidence.name
    kept = database.rows()
    assert kept != before

    shown = controller.play(*CLEANUP)
    assert "No answer: nothing was removed." in shown.output
    assert f"cleanup_run_id={run_id}" in shown.output
    assert database.rows() == kept

    token = shown.output.split("cleanup_token=")[1].split()[0]
    approval = {"cleanup_run_id": run_id, "cleanup_token": token, "cleanup_approved_by": "Dewi"}
    misspelt = controller.play(*CLEANUP, "-e", "cleanup_tokn=0123456789")
    assert "Did you mean 'cleanup_token'?" in misspelt.output
    for wrong, words in (
        ({"cleanup_token": "0123456789"}, "The token is not this plan's"),
        ({"cleanup_approved_by": ""}, "does not say who gives it"),
    ):
        refused = controller.play(*CLEANUP, "-e", json.dumps({**approval, **wrong}))
        assert words in refused.output
        # One clear error, and not the whole plan once more as JSON.
        assert '"holds"' not in refused.output
        assert refused.status != 0
        assert database.rows() == kept

    done = controller.play(*CLEANUP, "-e", json.dumps(approval))
    assert done.status == 0, done.output
    assert "0 left" in done.output
    assert database.rows() == before
    record = json.loads((outcome.evidence / "cleanup.json").read_text())
    assert record["approved_by"] == "Dewi"
    assert record["remaining"] == 0
    again = controller.play(*CLEANUP)
    assert "nothing to remove" in again.output
    # What happened after the run was closed does not change its verdict.
    recompute = ("playbooks/recompute.yml", "-e", f"verdict_recompute={outcome.evidence}")
    old, new = (_heads(said.output)[-1] for said in (outcome, done))
    assert new == evidence.load(outcome.evidence).head != old
    assert controller.play(*recompute, "-e", f"verdict_head={new}").status == 0
    older = controller.play(*recompute, "-e", f"verdict_head={old}")
    assert older.status == 0
    assert "This head does not prove: cleanup_plan.json, cleanup.json." in older.output
    lines = (outcome.evidence / "events.jsonl").read_bytes().splitlines(keepends=True)
    (outcome.evidence / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    (outcome.evidence / "cleanup.json").unlink()
    cut = controller.play(*recompute, "-e", f"verdict_head={new}")
    assert cut.status != 0
    assert "other evidence than was meant" in cut.output


def _heads(output: str) -> list[str]:
    return re.findall(r"Evidence: ([0-9a-f]{64})", output)


def test_cleanup_refuses_an_altered_ledger(database: Database, controller: Controller) -> None:
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    kept = database.rows()
    ledger = outcome.evidence / "ledger.jsonl"
    with database.owner() as connection:
        row = connection.execute("SELECT id FROM public.punchlist_items LIMIT 1").fetchone()
        assert row is not None
    first, *rest = ledger.read_text().splitlines(keepends=True)
    entry = json.loads(first)
    entry["key"]["id"] = row[0]
    ledger.write_text(json.dumps(entry) + "\n" + "".join(rest))
    shown = controller.play(*CLEANUP)
    assert "the evidence of this run is damaged; nothing was removed" in shown.output
    assert database.rows() == kept


def test_cleanup_refuses_when_it_would_touch_other_rows(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    controller.play(*SANDBOX)
    with database.owner() as connection:
        connection.execute(
            "CREATE TABLE public.app_notes (note text, version_id text"
            " REFERENCES public.config_versions (id) ON DELETE CASCADE)"
        )
        connection.execute(
            "INSERT INTO public.app_notes SELECT 'mine', id FROM public.config_versions"
            " WHERE source_file_name ~ '^[A-Z2-7]{8}-[0-9A-F]{8}[.]xlsx$' LIMIT 1"
        )
    kept = database.rows()
    shown = controller.play(*CLEANUP)
    assert "would change rows outside the run's ledger" in shown.output
    assert "public.app_notes: 1 rows before, 0 after" in shown.output
    assert database.rows() == kept


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-e", "gonogo_profile=tagret"), 'gonogo_profile is "tagret"'),
        (("-e", "gonogo_enviroment=staging"), "Did you mean 'gonogo_environment'?"),
        (("-e", "gonogo_group=nosuch"), "group 'nosuch' of the inventory has no hosts"),
        (("--tags", "nosuch"), "a run cannot be limited to some of its tasks"),
        (("--skip-tags", "verdict"), "a run cannot be limited to some of its tasks"),
        (("--start-at-task", "nosuch"), "nothing was judged"),
        (("--limit", "nosuch"), "leaves us with no hosts to target"),
        (("-e", "decision=GO"), "extra variables cannot set a result"),
        (("-e", '{"gonogo_parameters": {"workspace": "X"}}'), "no parameter 'workspace'"),
        (("-e", "gonogo_runbook=/nonexistent"), "there is no runbook folder"),
        (("--check",), "nothing was judged"),
    ],
)
def test_bad_input_is_one_clear_error_and_never_a_go(
    database: Database, controller: Controller, arguments: tuple[str, ...], message: str
) -> None:
    controller.aim(database)
    before = database.rows()
    outcome = controller.play(*SANDBOX, *arguments)
    assert message in outcome.output
    assert not outcome.has_verdict()
    assert "Traceback" not in outcome.output
    assert database.rows() == before


def test_missing_sandbox_says_how_to_start_it(controller: Controller) -> None:
    outcome = controller.play(*SANDBOX)
    assert outcome.status != 0
    assert "make sandbox" in outcome.output
    assert not outcome.runs_dir.exists() or outcome.verdict["decision"] == "HOLD"


# --- connection lost ----------------------------------------------------------------------------


def test_connection_lost_while_the_phases_run_is_no_go(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with database.owner() as blocker:
        blocker.execute("BEGIN")
        # Phase 02 waits for the key of the workspace it copies; the others read on.
        blocker.execute("SELECT FROM public.workspaces FOR UPDATE")
        blocker.execute("LOCK TABLE public.config_versions IN SHARE ROW EXCLUSIVE MODE")
        process = subprocess.Popen(
            controller.command(*SANDBOX),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            waiting = f"SELECT pid FROM {RUN_SESSIONS} WHERE wait_event_type = 'Lock'"
            with database.admin() as admin:
                _until(lambda: admin.execute(waiting).fetchone() is not None)
                admin.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS w")
            output, _ = process.communicate()
        finally:
            process.kill()
            process.wait()
        with pytest.raises(psycopg.Error):
            blocker.execute("SELECT 1/0")
    outcome = Outcome(process.returncode, output, controller.runs_dir)
    assert outcome.status != 0
    assert outcome.verdict["decision"] == "HOLD", output
    assert "57P01" in output
