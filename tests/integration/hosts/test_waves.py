"""A rollout in waves: what stops it, what is left alone when it is begun again, and that each host
has its word whatever happens."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster import Cluster
from tests.integration.support.targets import RUNBOOK
from tests.integration.support.verifier import assert_confirmed
from tools.fleet.breakages import BREAKAGES
from tools.fleet.lab import Fleet, Played

Make = Callable[[int], Fleet]
_KEYS = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"


@pytest.fixture
def make_fleet(cluster: Cluster, templates: Callable[[str], str], tmp_path: Path) -> Iterator[Make]:
    """Databases to be migrated to the second runbook."""
    made: list[Fleet] = []

    def make(size: int) -> Fleet:
        template = templates("as_deployed")
        made.append(Fleet.make(tmp_path, [cluster], [template], size=size, environment="sandbox"))
        return made[-1]

    yield make
    for fleet in made:
        fleet.drop()


def _roll_out(fleet: Fleet, waves: str, **more: Any) -> Played:
    given: dict[str, Any] = {"gonogo_runbook": str(RUNBOOK), "deploy_enabled": True}
    given |= {"twin_enabled": False}
    return fleet.play(forks=3, gonogo_waves=waves, **given, **more)


def _summary(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """The newest summary: as many hosts as the play has."""
    newest = max((fleet.directory / "runs").glob("*/fleets/*/fleet.json"))
    hosts = json.loads(newest.read_text())["hosts"]
    assert sorted(host["host"] for host in hosts) == sorted(fleet.hosts)
    return {host["host"]: host for host in hosts}


def _keys(fleet: Fleet) -> dict[str, int]:
    found = {}
    for host in fleet.hosts:
        with fleet.admin(host) as admin:
            row = admin.execute(_KEYS).fetchone()
            assert row is not None
            found[host] = row[0]
    return found


def _runs(fleet: Fleet) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {host: [] for host in fleet.hosts}
    for file in sorted((fleet.directory / "runs").glob("*/*Z-*/run.json")):
        found[json.loads(file.read_text())["target"]["inventory_host"]].append(file.parent)
    return found


def _deployed(runs: list[Path]) -> list[str]:
    """What each of these runs has done to its database."""
    files = [run / "deploy.json" for run in runs]
    return [json.loads(file.read_text())["action"] for file in files if file.is_file()]


def test_nothing_behind_a_wave_that_failed_is_begun(make_fleet: Make) -> None:
    fleet = make_fleet(3)
    BREAKAGES["typo"].made(fleet, "db01")
    before = _keys(fleet)
    played = _roll_out(fleet, "1,100%")
    assert played.status == 2, played.output
    assert "Traceback" not in played.output
    said = _summary(fleet)
    why = "not begun: every host before it has failed"
    assert {host: one["verdict"] for host, one in said.items()} == dict.fromkeys(
        fleet.hosts, "not judged"
    )
    assert [said[host]["reason"] for host in ("db02", "db03")] == [why, why], played.output
    assert _keys(fleet) == before
    assert not any(_runs(fleet).values())


@pytest.mark.attack
def test_twelve_hosts_in_waves_of_one_three_and_the_rest(make_fleet: Make) -> None:
    fleet = make_fleet(12)
    hosts = [*fleet.hosts]
    begun, rest = hosts[:4], hosts[4:]
    BREAKAGES["no-go"].made(fleet, "db03")
    before = _keys(fleet)

    first = _roll_out(fleet, "1,3,100%")
    assert first.status == 2, first.output
    assert "Traceback" not in first.output
    said = _summary(fleet)
    assert [said[host]["verdict"] for host in begun if host != "db03"] == ["GO"] * 3, first.output
    worst = said["db03"]["verdict"]
    assert worst in ("HOLD", "NO-GO")
    why = f"not begun: the wave before had {worst} on db03"
    assert {said[host]["reason"] for host in rest} == {why}, first.output
    now = _keys(fleet)
    assert [now[host] for host in rest] == [before[host] for host in rest]
    assert now["db01"] > before["db01"]

    # Mended, and begun again: what is done is left alone.
    with fleet.owner("db03") as owner:
        owner.execute("ALTER TABLE public.config_versions ADD COLUMN notes text")
    kept = _runs(fleet)
    second = _roll_out(fleet, "1,3,100%")
    said = _summary(fleet)
    assert {one["verdict"] for one in said.values()} == {"GO"}, second.output
    assert second.status == 0, second.output
    for host in ("db01", "db02", "db04"):
        (done,) = kept[host]
        assert said[host]["run_id"] == done.name
        assert said[host]["reason"] == f"done before, by run {done.name}"
        assert f"Done already: run {done.name}" in second.output
    after = _runs(fleet)
    assert [len(after[host]) for host in begun] == [1, 1, 2, 1]
    assert {len(after[host]) for host in rest} == {1}
    assert all(_deployed(runs).count("applied") == 1 for runs in after.values())

    # A database that somebody has changed since is judged again; the others are not touched.
    with fleet.owner("db06") as owner:
        owner.execute("ALTER TABLE public.config_versions ADD COLUMN since text")
    third = _roll_out(fleet, "1,3,100%")
    assert third.status == 0, third.output
    last = _runs(fleet)
    assert {host for host in hosts if last[host] != after[host]} == {"db06"}
    for verdict in (fleet.directory / "runs").glob("*/*/verdict.json"):
        assert_confirmed(verdict)


@pytest.mark.attack
def test_a_rollout_that_was_killed_comes_to_the_same(make_fleet: Make) -> None:
    """Killed while the second wave is at work: some of it deployed and not judged."""
    fleet = make_fleet(4)
    killed: list[int] = []

    def kill(process: int) -> None:
        at_work = [run for host in ("db02", "db03", "db04") for run in _runs(fleet)[host]]
        if not killed and any((run / "deploy.json").is_file() for run in at_work):
            killed.append(process)
            os.kill(process, signal.SIGKILL)

    _roll_out(fleet, "1,100%", watch=kill)
    assert killed
    # One may have been between two statements outside of a transaction.
    again = _roll_out(fleet, "1,100%", deploy_continue=True)
    said = _summary(fleet)
    assert {one["verdict"] for one in said.values()} == {"GO"}, again.output
    assert again.status == 0, again.output
    assert said["db01"]["reason"].startswith("done before, by run ")
    assert len({*_keys(fleet).values()}) == 1
    for host, runs in _runs(fleet).items():
        # Whatever the killed one had begun, no statement was applied twice.
        assert _deployed(runs).count("applied") <= 1, host
        verdicts = [run for run in runs if (run / "verdict.json").is_file()]
        assert len(verdicts) == 1, host
