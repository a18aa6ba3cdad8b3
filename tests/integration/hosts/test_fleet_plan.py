"""Many databases with one approval: all plans first, then the waves, and what has changed since is
one host's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.support.targets import RUNBOOK
from tests.integration.support.verifier import assert_confirmed, verify
from tools.fleet.breakages import BREAKAGES
from tools.fleet.lab import Fleet, Played

Make = Callable[[int], Fleet]


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


def _roll_out(fleet: Fleet, **more: Any) -> Played:
    given: dict[str, Any] = {"gonogo_runbook": str(RUNBOOK), "deploy_enabled": True}
    given |= {"twin_enabled": False, "deploy_approval_required": True, "gonogo_waves": "1,100%"}
    return fleet.play(forks=3, **given, **more)


def _newest(fleet: Fleet) -> Path:
    return max((fleet.directory / "runs").glob("*/fleets/*"))


def _said(fleet: Fleet) -> dict[str, tuple[str, str | None]]:
    hosts = json.loads((_newest(fleet) / "fleet.json").read_text())["hosts"]
    return {host["host"]: (host["verdict"], host["reason"]) for host in hosts}


def _applied(fleet: Fleet) -> dict[str, Path]:
    """The run of each host that has applied the migration."""
    found: dict[str, Path] = {}
    for file in (fleet.directory / "runs").glob("*/*Z-*/deploy.json"):
        if json.loads(file.read_text())["action"] == "applied":
            run = json.loads(file.with_name("run.json").read_text())
            assert run["target"]["inventory_host"] not in found
            found[run["target"]["inventory_host"]] = file.parent
    return found


def _approval(shown: Played) -> dict[str, str]:
    """What the command gives that is printed at the end, with a name in it."""
    (command,) = (line for line in shown.output.splitlines() if "To approve it: " in line)
    assert "--limit" not in command
    given = dict(re.findall(r"-e (deploy_\w+|gonogo_approval_\w+)=(\S+)", command))
    return {name: "Dewi" if value == "NAME" else value for name, value in given.items()}


def _signers(directory: Path) -> Path:
    """The file of those who may sign, and a key beside it."""
    words = ("-q", "-t", "ed25519", "-N", "", "-f", str(directory / "key"))
    subprocess.run(["ssh-keygen", *words], check=True)
    listed = directory / "allowed_signers"
    listed.write_text(f"dewi@example.com {(directory / 'key.pub').read_text()}")
    listed.chmod(0o600)
    return listed


def _sign(shown: Played, directory: Path) -> None:
    """With the command that is printed."""
    (command,) = (line for line in shown.output.splitlines() if "ssh-keygen -Y sign" in line)
    signing = command.strip().replace("KEY", "key")
    subprocess.run(["sh", "-c", signing], cwd=directory, check=True, capture_output=True)


def _planned(fleet: Fleet) -> list[str]:
    plan = json.loads((_newest(fleet) / "plan.json").read_text())
    assert len(plan["statements"]) == 1
    return [host["host"] for host in plan["hosts"]]


@pytest.mark.attack
@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_one_approval_for_three_databases(
    make_fleet: Make, cluster: Cluster, templates: Callable[[str], str], tmp_path: Path
) -> None:
    fleet = make_fleet(3)
    hosts = [*fleet.hosts]
    # All of them show their plans, whatever wave they belong to; nothing is changed.
    asked = _roll_out(fleet)
    assert asked.status == 2
    assert {verdict for verdict, _ in _said(fleet).values()} == {"HOLD"}, asked.output
    assert _planned(fleet) == hosts
    assert not _applied(fleet)
    given = _approval(asked)

    # Somebody replaces one of them; and the rollout stops at its first wave.
    name = fleet.databases["db03"]
    content.drop(cluster, name)
    content.clone(cluster, templates("as_deployed"), name)
    BREAKAGES["typo"].made(fleet, "db01")
    stopped = _roll_out(fleet, **given)
    assert {verdict for verdict, _ in _said(fleet).values()} == {"not judged"}, stopped.output
    assert not _applied(fleet)
    (typo,) = {*fleet.hosts["db01"]} - {*fleet.hosts["db02"]}
    fleet.forget("db01", typo)

    # Of that one an approval has to be signed from now on.
    signers = _signers(tmp_path)
    fleet.change("db03", gonogo_approval_signers=str(signers))

    # The next start goes on with the same approval. What has changed is that host's alone.
    done = _roll_out(fleet, **given)
    assert "Traceback" not in done.output
    said = _said(fleet)
    assert [said[host][0] for host in hosts] == ["GO", "GO", "HOLD"], done.output
    changed = "has changed since the fleet's plan was shown: nothing was deployed"
    assert changed in str(said["db03"][1])
    assert "the database: not the same as in the plan" in done.output
    assert _planned(fleet) == ["db03"]
    runs = _applied(fleet)
    assert sorted(runs) == ["db01", "db02"]
    for run in runs.values():
        approved = json.loads((run / "deploy.json").read_text())["approved"]
        assert (approved["fleet"], approved["approved_by"]) == (given["deploy_fleet_id"], "Dewi")
        assert_confirmed(run / "verdict.json")
        assert verify(run)[0] == 0

    # What is left is approved, and what is done is left alone.
    _sign(done, tmp_path)
    given = _approval(done)
    assert given.pop("gonogo_approval_signatures") == "NAME.sig"
    assert "deploy_approved_by" not in given
    given["gonogo_approval_signatures"] = str(tmp_path / "NAME.sig")
    last = _roll_out(fleet, **given)
    said = _said(fleet)
    assert {verdict for verdict, _ in said.values()} == {"GO"}, last.output
    assert last.status == 0, last.output
    assert all(str(said[host][1]).startswith("done before") for host in ("db01", "db02"))
    assert sorted(_applied(fleet)) == hosts
    signed = _applied(fleet)["db03"]
    assert verify(signed, "--allowed-signers", str(signers))[0] == 0
    signers.write_text(signers.read_text().replace("dewi", "tom"))
    status, problems = verify(signed, "--allowed-signers", str(signers))
    assert status == 1
    assert "dewi@example.com has not signed it" in problems
