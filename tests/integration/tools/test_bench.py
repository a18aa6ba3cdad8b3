"""The benchmarks run, and leave nothing. What they measure is not judged here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.harness import PROJECT


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory with a short name: paths of sockets are limited, and pytest's are long."""
    directory = Path(tempfile.mkdtemp(prefix="gonogo-"))
    yield directory
    shutil.rmtree(directory)


@pytest.mark.skipif(
    OpenSsh.find() is None or shutil.which("ssh") is None,
    reason="needs OpenSSH's client and server (Debian: openssh-client, openssh-server)",
)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_everything_is_measured_once(temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "--quick", "--only=tiny", "--only=catalogs"],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part in ("whole run, tiny database", "by hand: psql", "Python on the target host"):
        assert part in done.stdout
    assert "catalog of 100 tables, to 10" in done.stdout.splitlines()[-1]
    assert list(temporary.iterdir()) == []
