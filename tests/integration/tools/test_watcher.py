"""Servers of a pytest end with it, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from sandbox.cluster import Cluster
from tests.integration.support.cut.gate import until
from tests.integration.support.harness import PROJECT

_HANGS = """
import time

pytest_plugins = ["tests.integration.conftest"]

def test_hangs(cluster):
    print("READY", flush=True)
    time.sleep(3600)
"""


def test_the_servers_of_a_pytest_that_is_killed_end_with_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "test_hangs.py").write_text(_HANGS)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.conftest"]\n')
    own = tmp_path / "own"
    words = ("-p", "no:cacheprovider", "-s", f"--rootdir={tmp_path}", f"--basetemp={own}")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *words, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'module_utils'}{os.pathsep}{PROJECT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as killed:
        assert killed.stdout
        assert any("READY" in line for line in killed.stdout)
        (record,) = own.rglob("cluster.json")
        started = Cluster.find(record.parent)
        assert started is not None
        assert started.is_running()
        runtime = Path(json.loads(record.read_text())["runtime"])
        os.killpg(killed.pid, signal.SIGKILL)
    until(lambda: not started.is_running() and not runtime.exists() and not record.exists())
    # Nobody else's.
    assert cluster.is_running()
