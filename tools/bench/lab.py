"""Where runs are measured: a PostgreSQL server of this machine, behind an SSH server of it.

The target host is reached the way a real one is: through the OpenSSH client, which keeps one
connection for all commands. Databases are as ``sandbox`` makes them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import logins
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.ssh.openssh import OpenSsh
from tools.bench import contents
from tools.project import RUNBOOK

# What Ansible's connection plugin gives the SSH client, as ansible.cfg does not say otherwise.
_KEEP_CONNECTION = ("-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s")

# Who says something in the server's log: the name and the process of a session.
LOG_PREFIX = "%a %p "

_OLDEST_PYTHON = (3, 9)

# A megabyte of database becomes as much of WAL, two thirds of a dump, and of them two at a time.
_SPARE_BYTES = 5 << 30


@dataclass(frozen=True)
class Lab:
    """Both servers. ``directory`` holds everything; ``python`` is the target host's."""

    directory: Path
    cluster: Cluster
    ssh: OpenSsh
    python: Path

    @property
    def runs(self) -> Path:
        """The evidence."""
        return self.directory / "runs"

    @property
    def remote(self) -> Path:
        """The project's directory on the target host."""
        return self.directory / "target"

    @property
    def sockets(self) -> Path:
        """Where the SSH client keeps its connections."""
        return self.directory / "cp"

    def inventory(
        self,
        database: str,
        *,
        python: Path | None = None,
        twin: bool = False,
        alone: bool = False,
    ) -> Path:
        """Write an inventory of one host, whose Python may be another one for once.

        By hand nobody restores a backup; the run does it only where that is the subject.
        """
        variables: dict[str, Any] = {
            **self.ssh.endpoint.inventory(),
            "ansible_python_interpreter": str(python or self.python),
            "gonogo_environment": contents.ENVIRONMENT,
            "gonogo_protected": False,
            "gonogo_login": self.cluster.login(database, logins.OWNER),
            "gonogo_pg_bin": str(self.cluster.bin),
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_profile": contents.PROFILE,
            # Nothing accumulates from one repetition to the next, on either side.
            "gonogo_residue": "rollback",
            "gonogo_parameters": {"application_role": logins.APPLICATION},
            "gonogo_runs_dir": str(self.runs),
            "gonogo_remote_dir": str(self.remote),
            "twin_enabled": twin,
            "phases_jobs": 1 if alone else 0,
        }
        path = self.directory / "inventory.json"
        path.write_text(json.dumps({"gonogo": {"hosts": {"bench": variables}}}), encoding="utf-8")
        return path

    def client(self) -> list[str]:
        """Options of ssh and scp for one connection that all commands share, as Ansible has it."""
        path = f"ControlPath={self.sockets / 'shared'}"
        return [*_KEEP_CONNECTION, "-o", path, *self.ssh.endpoint.options()]

    def hang_up(self) -> None:
        """End the SSH client's connections: each repetition has to log in anew."""
        for socket in sorted(self.sockets.iterdir()):
            subprocess.run(  # noqa: S603 - a list of ours
                ["ssh", "-F", "/dev/null", "-O", "exit", "-o", f"ControlPath={socket}", "bench"],  # noqa: S607 - from PATH, as Ansible takes it
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )


class _Sshd(OpenSsh):
    """Commands find an empty home directory: what the account's own start-up files take on every
    login, and for every command where its shell is bash, is no cost of either side."""

    def _arguments(self) -> list[str]:
        home = self.directory / "home"
        home.mkdir(mode=0o700, exist_ok=True)
        return [*super()._arguments(), "-o", f'SetEnv=HOME="{home}"']


@contextmanager
def opened() -> Iterator[Lab]:
    """Start both servers; in the end stop them and remove all files.

    Raises: SandboxError when something they need is missing.
    """
    _require_proc()
    # Short, because the path of a socket is limited to 108 bytes.
    directory = Path(tempfile.mkdtemp(prefix="gonogo-bench-"))
    try:
        _require_space(directory)
        for name in ("cluster", "ssh", "cp", "target", "hand"):
            (directory / name).mkdir(mode=0o700)
        with (
            Cluster.start(
                directory / "cluster", settings={"log_line_prefix": LOG_PREFIX}
            ) as cluster,
            _Sshd.start(directory / "ssh") as ssh,
        ):
            lab = Lab(directory, cluster, ssh, _system_python())
            try:
                yield lab
            finally:
                lab.hang_up()
    finally:
        # Whatever led here is the error to be told.
        shutil.rmtree(directory, ignore_errors=True)


def _system_python() -> Path:
    """The Python a target host has of its own, without our packages; else the one we run on."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if found:
        code = f"import sys; sys.exit(sys.version_info < {_OLDEST_PYTHON})"
        if subprocess.run([found, "-c", code], check=False).returncode == 0:  # noqa: S603 - ours
            return Path(found)
    return Path(sys.executable)


def _require_proc() -> None:
    if not Path("/proc/self/stat").exists():
        raise SandboxError(
            "CPU time is read from /proc, which this system does not have",
            hint="Run the benchmarks on Linux.",
        )


def _require_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < _SPARE_BYTES:
        raise SandboxError(
            "not enough space on disk for the benchmarks",
            detail=f'Have {free >> 20} MB below "{directory}", want {_SPARE_BYTES >> 20} MB.',
            hint="Set TMPDIR to a directory with more space.",
        )
