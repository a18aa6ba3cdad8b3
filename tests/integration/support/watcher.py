"""Ends the servers of a pytest that was killed.

    python -m tests.integration.support.watcher DIRECTORY

It reads its standard input, which a pytest holds open as long as it lives, to its end. Then it
stops the servers that were started below DIRECTORY, the pytest's own, and removes their files.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.ssh import servers
from sandbox.ssh.background import Background
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.harness import PROJECT

__all__ = ["watching"]

_CLUSTER = "cluster.json"
_SSH = (Builtin.record_name, OpenSsh.record_name)


@contextlib.contextmanager
def watching(directory: Path) -> Iterator[None]:
    """While this lasts, and where this process is killed, nothing outlives it in `directory`."""
    with subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(directory)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'module_utils'}{os.pathsep}{PROJECT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # What is sent to the group of the pytest is not for it.
        start_new_session=True,
    ) as watcher:
        yield
        watcher.communicate()


def _end(directory: Path) -> None:
    """Stop what lies below; the record of a server is there before it can do anything."""
    for folder, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(SandboxError, OSError, ValueError, KeyError, TypeError):
                started: Cluster | Background | None = None
                if name == _CLUSTER:
                    started = Cluster.find(Path(folder))
                elif name in _SSH:
                    started = servers.find_in(Path(folder))
                if started is not None:
                    started.stop()


def main() -> int:
    sys.stdin.buffer.read()
    _end(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
