"""Databases of one shape: rehearsed once, and whoever is not of it any more rehearses by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.run.test_migrations import FIRST, SECOND
from tests.integration.support.migrations import PRISMA_TABLE
from tests.integration.support.verifier import assert_confirmed
from tools.fleet.lab import Fleet

_NAMES = ("20260101000000_first", "20260201000000_second")
_KEPT = (
    "INSERT INTO public._prisma_migrations (id, checksum, finished_at, migration_name,"
    " applied_steps_count) VALUES (gen_random_uuid(), %s, now(), %s, 1)"
)
_ROWS = "INSERT INTO public.\"Customer\" (email) SELECT n || '@x' FROM generate_series(1, %s) AS n"


@pytest.fixture
def template(cluster: Cluster) -> Iterator[str]:
    """A small database in which the first of two migrations is applied."""
    name = "template_shapes"
    with cluster.connect() as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {logins.OWNER}".encode())
        admin.execute(f"ALTER DATABASE {name} SET gonogo.environment = 'sandbox'".encode())
    with cluster.connect(name, logins.SUPERUSER) as admin:
        admin.execute(f"GRANT ALL ON SCHEMA public TO {logins.OWNER}".encode())
    with cluster.connect(name, logins.OWNER) as owner:
        owner.execute("SET search_path = public")
        owner.execute(PRISMA_TABLE)
        owner.execute(FIRST)
        owner.execute(_KEPT, (hashlib.sha256(FIRST.encode()).hexdigest(), _NAMES[0]))
    yield name
    content.drop(cluster, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in zip(_NAMES, (FIRST, SECOND), strict=True):
        (tmp_path / "migrations" / name).mkdir(parents=True)
        (tmp_path / "migrations" / name / "migration.sql").write_text(text)
    lock = tmp_path / "migrations" / "migration_lock.toml"
    lock.write_text('provider = "postgresql"\n')
    return lock.parent


@pytest.fixture
def fleet(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[Fleet]:
    """Three of one shape, the second of them the largest, and one of another."""
    made = Fleet.make(tmp_path, [cluster], [template], size=4, environment="sandbox")
    for host, rows in zip(made.hosts, (10, 9000, 20, 30), strict=True):
        made.change(host, rehearsal_per_shape=True)
        with made.owner(host) as owner:
            owner.execute(_ROWS, (rows,))
    with made.owner("db04") as owner:
        owner.execute("CREATE TABLE public.importer (id integer)")
    yield made
    made.drop()


def _runs(fleet: Fleet) -> dict[str, Path]:
    found = {}
    for file in (fleet.directory / "runs").glob("*/*Z-*/run.json"):
        found[json.loads(file.read_text())["target"]["inventory_host"]] = file.parent
    return found


def _rehearsals(runs: dict[str, Path]) -> dict[str, dict[str, Any]]:
    return {host: json.loads((run / "rehearsal.json").read_text()) for host, run in runs.items()}


@pytest.mark.attack
def test_once_for_each_shape(fleet: Fleet, folder: Path) -> None:
    changed: list[str] = []

    def change(_process: int) -> None:
        """What db03 was measured for is not so any more once the others are behind it."""
        if not changed and (run := _runs(fleet).get("db02")) and (run / "verdict.json").is_file():
            with fleet.owner("db03") as owner:
                owner.execute('ALTER TABLE public."Customer" ADD COLUMN phone text')
            changed.append("db03")

    played = fleet.play(forks=2, watch=change, gonogo_migrations=str(folder), deploy_enabled=True)
    assert changed == ["db03"]
    decisions = {host: [one.decision for one in said] for host, said in played.verdicts.items()}
    assert decisions == {host: ["GO"] for host in fleet.hosts}, played.output
    runs = _runs(fleet)
    rehearsals = _rehearsals(runs)
    by = {host: (one.get("by") or {}).get("host") for host, one in rehearsals.items()}
    assert by == {"db01": "db02", "db02": None, "db03": None, "db04": None}
    gone_by = rehearsals["db01"]["by"]
    assert gone_by["run_id"] == runs["db02"].name
    assert gone_by["unproven"], "a unique index and a foreign key ask for rows"
    # What it is not of any more is named, and it was tried on its own copy.
    assert rehearsals["db03"]["itself"] == (
        'not of the shape of db02: column public."Customer".phone is here only'
    )
    assert rehearsals["db03"]["deployment"]["action"] == "applied"
    # Every backup was restored and proven.
    for run in runs.values():
        assert json.loads((run / "twin.json").read_text())["proven"] is True
        assert json.loads((run / "deploy.json").read_text())["action"] == "applied"
        assert_confirmed(run / "verdict.json")
    verdict = json.loads((runs["db01"] / "verdict.json").read_text())
    (told,) = (one["text"] for one in verdict["conditions"] if one["code"] == "rehearsed_on")
    assert told.startswith(f"rehearsed on db02 (same shape), run {runs['db02'].name}.")
    assert f"rehearsed on db02 (same shape), run {runs['db02'].name}" in (
        (runs["db01"] / "report.md").read_text().replace("\\", "")
    )
    (summary,) = (fleet.directory / "runs").glob("*/fleets/*/fleet.json")
    shapes = json.loads(summary.read_text())["shapes"]
    assert [(one["hosts"], one["rehearsed_on"]) for one in shapes] == [
        (["db01", "db02"], ["db02"]),
        (["db03"], ["db03"]),
        (["db04"], ["db04"]),
    ]
    assert [one["name"] for one in shapes[2]["differences"]] == ["table public.importer"]


@pytest.mark.attack
def test_behind_a_rehearsal_that_has_failed_nobody_goes_on(fleet: Fleet, folder: Path) -> None:
    """Rows of the largest database stand in the way of a unique index."""
    with fleet.owner("db02") as owner:
        owner.execute("INSERT INTO public.\"Customer\" (email) VALUES ('1@x')")
    played = fleet.play(forks=4, gonogo_migrations=str(folder), deploy_enabled=True)
    decisions = {host: [one.decision for one in said] for host, said in played.verdicts.items()}
    assert decisions == {"db01": ["HOLD"], "db02": ["NO-GO"], "db03": ["HOLD"], "db04": ["GO"]}
    runs = _runs(fleet)
    for host in ("db01", "db03"):
        assert json.loads((runs[host] / "twin.json").read_text())["proven"] is True
        assert not (runs[host] / "deploy.json").exists()
        (reason,) = (
            one
            for one in json.loads((runs[host] / "verdict.json").read_text())["reasons"]
            if one["code"] == "stage_failed"
        )
        assert reason["text"] == (
            f"stage failed: the rehearsal on db02 (same shape), run {runs['db02'].name}, is none "
            "to go by: nothing was deployed"
        )
        assert "tried on a copy" in reason["observed"]
    for run in runs.values():
        assert_confirmed(run / "verdict.json")
