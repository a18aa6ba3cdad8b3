"""Many databases in one run: as many verdicts as hosts, whatever is wrong with some of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.cluster import Cluster
from tests.integration.support.verifier import assert_confirmed
from tools.fleet.breakages import BREAKAGES
from tools.fleet.lab import Fleet, Played

# More hosts than forks, and the broken ones first: the others wait for them.
_FORKS = 2
_SAMPLE = ("typo", "worker", "unreachable", "no-go", "others")


@pytest.fixture
def make_fleet(
    cluster: Cluster, templates: Callable[[str], str], tmp_path: Path
) -> Iterator[Callable[[int], Fleet]]:
    made: list[Fleet] = []

    def make(size: int) -> Fleet:
        template = templates("target")
        made.append(Fleet.make(tmp_path, [cluster], [template], size=size, environment="sandbox"))
        return made[-1]

    yield make
    for fleet in made:
        fleet.drop()


def _broken(fleet: Fleet, *kinds: str) -> dict[str, str]:
    broken = dict(zip(fleet.hosts, kinds, strict=False))
    for host, kind in broken.items():
        BREAKAGES[kind].made(fleet, host)
    return broken


def _judged(fleet: Fleet, played: Played, broken: Mapping[str, str]) -> None:
    """One verdict a host: the right one, for its own reason."""
    assert "Traceback" not in played.output
    for host, verdicts in played.verdicts.items():
        assert len(verdicts) == 1, (host, verdicts, played.output)
        breakage = BREAKAGES.get(broken.get(host, ""))
        assert verdicts[0].decision == (breakage.decision if breakage else "GO"), played.output
        assert not breakage or breakage.cause in verdicts[0].why
    assert played.status != 0
    for verdict in (fleet.directory / "runs").glob("*/*/verdict.json"):
        assert_confirmed(verdict)


def test_as_many_verdicts_as_hosts(make_fleet: Callable[[int], Fleet]) -> None:
    fleet = make_fleet(len(_SAMPLE) + 1)
    broken = _broken(fleet, *_SAMPLE)
    played = fleet.play(forks=_FORKS, twin_enabled=False)
    _judged(fleet, played, broken)
    # Said before the first connection, with the host that it is about.
    beginning = played.output.partition("PLAY [Judge the migration]")[0]
    assert "db01:\n      unknown variable 'gonogo_profil'" in beginning
    assert "db02" not in beginning


@pytest.mark.attack
def test_every_kind_of_breakage_at_once(make_fleet: Callable[[int], Fleet]) -> None:
    fleet = make_fleet(len(BREAKAGES) + 4)
    broken = _broken(fleet, *BREAKAGES)
    _judged(fleet, fleet.play(forks=5, twin_enabled=False), broken)


@pytest.mark.attack
def test_all_faults_of_all_hosts_are_said_at_once(make_fleet: Callable[[int], Fleet]) -> None:
    """No host is left that could be judged, and each has its word."""
    fleet = make_fleet(3)
    for number, host in enumerate(fleet.hosts):
        fleet.change(
            host, gonogo_zzz=1, backup_jobs="many", gonogo_residue="keep" if number == 0 else "kept"
        )
    played = fleet.play(forks=2)
    assert {host: len(said) for host, said in played.verdicts.items()} == dict.fromkeys(
        fleet.hosts, 1
    )
    beginning = played.output.partition("PLAY [Judge the migration]")[0]
    # What is wrong in the same way is said once, with every host.
    assert "    db02, db03:\n" in beginning
    assert "    db01:\n" in beginning
    assert beginning.count("unknown variable 'gonogo_zzz'") == 2
    assert beginning.count("must be a whole number") == 2
    assert beginning.count("test rows are kept or rolled back") == 1


@pytest.mark.attack
def test_twins_take_turns(make_fleet: Callable[[int], Fleet]) -> None:
    """Of all hosts at work one has a twin, until its rehearsal is over."""
    fleet = make_fleet(3)
    twins = fleet.directory / "server1" / "twins"
    seen: list[int] = []

    def look(_process: int) -> None:
        seen.append(len([*twins.iterdir()]) if twins.is_dir() else 0)

    played = fleet.play(forks=3, watch=look, twin_at_once=1, backup_at_once=1)
    assert {said[0].decision for said in played.verdicts.values()} == {"GO"}, played.output
    assert max(seen) == 1
    assert "for its turn on this host (twin_at_once)" in played.output
    for run in (fleet.directory / "runs").glob("*/*/twin.json"):
        assert json.loads(run.read_text())["proven"] is True
