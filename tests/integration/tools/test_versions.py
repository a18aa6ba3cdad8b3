"""The gate on other servers than the embedded one; `make matrix` does more of the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.matrix import servers, trial
from tools.matrix.cache import Cache
from tools.matrix.controllers import Controller


@pytest.mark.parametrize(
    "major",
    [
        pytest.param(one, marks=() if one == max(servers.TESTED) else pytest.mark.attack)
        for one in servers.TESTED
    ],
)
def test_the_gate_judges_alike(major: int, tmp_path: Path) -> None:
    server_bin = servers.find(major, Cache())
    if server_bin is None:
        pytest.skip(f"no PostgreSQL {major} here; get it with: make servers")
    controller = Controller.of(Path(sys.executable))
    report = trial.run_short(trial.Setup(controller, server_bin, tmp_path))
    assert report.problems == [], (tmp_path / "log.txt").read_text()
    assert report.verdicts == {"target": "GO 15/15", "as_deployed": "NO-GO 9/15"}
    assert report.versions["server"].startswith(f"{major}.")
