"""Runs beside each other on one host: none is judged by what the others make of that host."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.harness import Controller
from tests.integration.support.targets import RUNBOOK, VALIDATE, Make, Target, make_target

pytestmark = pytest.mark.attack

RUNS = 3
HOLD = 4
# While the first application is measured on the twin the host is busy, and not at the second one:
# what a sequence has given is not taken back.
ONCE = "CREATE SEQUENCE public.gonogo_once"
BUSY_ONCE = f"""
DO $$ BEGIN
    IF pg_catalog.current_setting('application_name') LIKE '%:rehearsal'
        AND pg_catalog.nextval('public.gonogo_once') = 1
    THEN
        PERFORM pg_catalog.pg_sleep({HOLD + 1});
    END IF;
END $$;
"""


@pytest.fixture
def runbook(tmp_path: Path) -> Path:
    copy = shutil.copytree(RUNBOOK.parent, tmp_path / "runbooks") / RUNBOOK.name
    migration = copy / "migration.sql"
    migration.write_text(migration.read_text() + BUSY_ONCE)
    return copy


@pytest.fixture
def beside(make_database: Make, tmp_path: Path) -> list[Target]:
    """Databases of one server, each validated by somebody else; host and evidence are shared."""
    targets = []
    for number in range(RUNS):
        directory = tmp_path / f"person_{number}"
        directory.mkdir()
        controller = Controller(directory, tmp_path / "runs", twin=True)
        targets.append(make_target(make_database, controller, "staging"))
        with targets[-1].database.owner() as owner:
            owner.execute(ONCE)
    return targets


def _record(run: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((run / name).read_text()))


@pytest.mark.parametrize("busy", [False, True], ids=["as it is", "over a budget"])
def test_runs_beside_each_other_are_all_a_go(
    beside: list[Target], runbook: Path, tmp_path: Path, busy: bool
) -> None:
    given: dict[str, Any] = {"gonogo_remote_dir": str(tmp_path / "host")}
    if busy:
        given |= {"gonogo_runbook": str(runbook), "deploy_hold_timeout": f"{HOLD}s"}
    with ThreadPoolExecutor(RUNS) as pool:
        playing = [pool.submit(target.play, *VALIDATE, **given) for target in beside]
        outcomes = [one.result() for one in playing]
    said = "\n".join(one.output for one in outcomes)
    runs = list((tmp_path / "runs" / "staging").glob("*Z-*"))
    assert len(runs) == RUNS, said
    assert [_record(run, "verdict.json")["decision"] for run in runs] == ["GO"] * RUNS, said
    assert {_record(run, "twin.json")["proven"] for run in runs} == {True}
    databases = {_record(run, "run.json")["target"]["declared"]["database"] for run in runs}
    assert databases == {target.database.name for target in beside}
    for run in runs:
        record = _record(run, "rehearsal.json")
        assert record["again"]["seconds"] > 0
        if busy:
            (slow,) = [one for one in record["slow"] if one["seconds"][0] > HOLD]
            assert slow["severity"] is None
            assert slow["seconds"][1] < HOLD
    assert list((tmp_path / "host" / "twins").iterdir()) == []
