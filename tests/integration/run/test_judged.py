"""A GO is about what is there when it is given, not about what was there a moment before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo.controller.outcome import since
from gonogo.host.compare import schema_catalog
from gonogo.host.compare.judged import differences, read
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.run.test_run import SANDBOX
from tests.integration.support.harness import PROJECT, Controller, Database

Make = Callable[..., Database]

_TABLES = ["config_versions", "punchlists", "workflow_instances"]
_DROPPED = "DROP TRIGGER config_versions_active_guard ON public.config_versions"

# Change → what it is called.
_CHANGES = {
    _DROPPED: "trigger public.config_versions.config_versions_active_guard is gone",
    "ALTER TABLE public.config_versions DISABLE TRIGGER config_versions_active_guard": "trigger"
    " public.config_versions.config_versions_active_guard was changed",
    # Nobody knows what was done in between.
    "ALTER TABLE public.config_versions DISABLE TRIGGER config_versions_active_guard;"
    "ALTER TABLE public.config_versions ENABLE TRIGGER config_versions_active_guard": "trigger"
    " public.config_versions.config_versions_active_guard was changed",
    "ALTER FUNCTION public.config_versions_active_guard() SECURITY DEFINER": "function"
    " public.config_versions_active_guard() was changed",
    "ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status": "constraint"
    " public.punchlists.ck_punchlists_status is gone",
    "ALTER TABLE public.punchlists ALTER COLUMN status DROP DEFAULT": "column"
    " public.punchlists.status was changed",
    "CREATE UNIQUE INDEX more ON public.punchlists (status, id)": "unique index public.more is new",
    "CREATE RULE more AS ON DELETE TO public.punchlists DO INSTEAD NOTHING": "rule"
    " public.punchlists.more is new",
    "ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY": "table public.punchlists"
    " was changed",
    f"GRANT SELECT ON public.punchlists TO {logins.APPLICATION} WITH GRANT OPTION": "table"
    " public.punchlists was changed",
}
_ELSEWHERE = """
CREATE TABLE public.more (id text PRIMARY KEY, punchlist_id text REFERENCES public.punchlists (id));
CREATE INDEX ON public.punchlists (updated_at);
CREATE FUNCTION public.more() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER TABLE public.sites ADD COLUMN more text;
ANALYZE public.punchlists;
"""


def _read(database: Database) -> dict[str, str]:
    with connect(database.login(), name="test", read_only=True) as session:
        return read(
            session,
            schema="public",
            tables=_TABLES,
            functions=["config_versions_active_guard"],
            role=logins.APPLICATION,
        )


@pytest.mark.parametrize("change", _CHANGES)
def test_a_change_is_named(change: str, database: Database) -> None:
    before = _read(database)
    with database.owner() as owner:
        owner.execute(change.encode())
    assert _CHANGES[change] in differences(before, _read(database))


def test_what_is_gone_has_the_command_that_makes_it_again(database: Database) -> None:
    """By the schema that a rehearsal keeps, whose names are those of what was judged."""
    before = _read(database)
    with connect(database.login(), name="test", read_only=True) as session:
        kept = schema_catalog.read(session)
    gone = (_DROPPED, "ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status")
    with database.owner() as owner:
        for change in gone:
            owner.execute(change.encode())
    changed = differences(before, _read(database))
    assert len(changed) == len(gone), changed
    problem = since.problem(changed, events=[], kept=kept, now="2026-01-31T12:00:09Z")
    mend = str(problem.hint).split("\n", 1)[1]
    assert "CREATE TRIGGER config_versions_active_guard " in mend
    with database.owner() as owner:
        owner.execute(mend.encode())
    # They are there, and others than those that were judged.
    assert all(one.endswith(" was changed") for one in differences(before, _read(database)))


def test_a_setting_is_named(database: Database) -> None:
    before = _read(database)
    where = f"ROLE {logins.APPLICATION} IN DATABASE {database.name}"
    with database.admin() as admin:
        admin.execute(f"ALTER {where} SET session_replication_role = replica".encode())
        try:
            assert differences(before, _read(database)) == [
                f"settings of role {logins.APPLICATION} in this database is new"
            ]
        finally:
            admin.execute(f"ALTER {where} RESET ALL".encode())


def test_what_happens_elsewhere_is_nobodys_fault(database: Database) -> None:
    before = _read(database)
    with database.owner() as owner:
        owner.execute(_ELSEWHERE.encode())
    assert differences(before, _read(database)) == []


def test_a_guard_dropped_before_the_run_is_closed(
    database: Database, controller: Controller
) -> None:
    controller.aim(database)
    with subprocess.Popen(
        controller.command(*SANDBOX),
        cwd=PROJECT,
        env=controller.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            # All phases have passed; nothing goes on until the guard is gone.
            directory = _until_judged(controller.runs_dir)
            os.killpg(running.pid, signal.SIGSTOP)
            with database.owner() as owner:
                owner.execute(_DROPPED.encode())
            os.killpg(running.pid, signal.SIGCONT)
            output, _ = running.communicate()
        finally:
            running.kill()
    verdict = json.loads((directory / "verdict.json").read_text())
    assert verdict["decision"] == "HOLD", output
    (reason,) = verdict["reasons"]
    assert reason["text"].startswith("stage failed: what was judged has changed since 20")
    assert (
        "trigger public.config_versions.config_versions_active_guard is gone"
        in (reason["observed"])
    )


def _until_judged(runs: Path) -> Path:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for chain in runs.glob("*/*/events.jsonl"):
            events = [json.loads(line) for line in chain.read_text().splitlines() if line]
            if any((e["stage"], e["event"]) == ("phases", "stage_passed") for e in events):
                return chain.parent
        time.sleep(0.005)
    raise AssertionError("the phases never passed")
