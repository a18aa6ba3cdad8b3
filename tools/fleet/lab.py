"""A fleet: databases on one or two servers of this machine, each a host of one inventory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tools import playbook
from tools.project import PROJECT, RUNBOOK

__all__ = ["Fleet", "Played", "Verdict", "host_name"]

_CONNECTIONS = Path(__file__).with_name("connections")
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Verdict:
    """What was said of a host, and why."""

    decision: str
    why: str


@dataclass(frozen=True)
class Played:
    """What one run of ansible-playbook has come to."""

    status: int
    output: str
    seconds: float
    verdicts: Mapping[str, Sequence[Verdict]]


@dataclass
class Fleet:
    """`server_of` says where the database of a host is."""

    directory: Path
    clusters: Sequence[Cluster]
    hosts: Mapping[str, dict[str, Any]]
    databases: Mapping[str, str]
    server_of: Mapping[str, Cluster]
    environment: str = "staging"
    # What has to be ended after the run.
    stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def make(
        cls,
        directory: Path,
        clusters: Sequence[Cluster],
        templates: Sequence[str],
        *,
        size: int,
        environment: str = "staging",
    ) -> Fleet:
        """Clone the template of each server, which has the marker of the environment, for its
        share of the hosts."""
        hosts, databases, servers = {}, {}, {}
        for number in range(size):
            host, index = host_name(number), number % len(clusters)
            cluster, database = clusters[index], f"fleet_{os.getpid()}_{number}"
            content.clone(cluster, templates[index], database)
            hosts[host] = _of_host(directory, cluster, host, database, index)
            databases[host], servers[host] = database, cluster
        return cls(directory, clusters, hosts, databases, servers, environment)

    def drop(self) -> None:
        """Remove the databases, and what was left for the time of the run."""
        self.stack.close()
        for host, database in self.databases.items():
            content.drop(self.server_of[host], database)

    def admin(self, host: str) -> psycopg.Connection:
        """A session of a superuser in the database of a host."""
        return self.server_of[host].connect(self.databases[host])

    def owner(self, host: str) -> psycopg.Connection:
        """A session of the role that owns the tables."""
        return self.server_of[host].connect(self.databases[host], logins.OWNER)

    def change(self, host: str, **variables: Any) -> None:
        """Say something else of a host in the inventory."""
        self.hosts[host].update(variables)

    def forget(self, host: str, variable: str) -> None:
        self.hosts[host].pop(variable, None)

    def interpreter(self, host: str, *before: str) -> None:
        """Let modules of a host begin with these lines of shell, then with Python."""
        path = self.directory / f"{host}.python"
        python = shutil.which("python3") or "python3"
        path.write_text("\n".join(["#!/bin/sh", *before, f'exec {python} "$@"', ""]))
        path.chmod(0o755)
        self.change(host, ansible_python_interpreter=str(path))

    def play(
        self, *, forks: int, watch: Callable[[int], None] | None = None, **variables: Any
    ) -> Played:
        """Judge all of them in one run. `watch` is called with its process, again and again."""
        inventory = self.directory / "hosts.yml"
        group = {"hosts": dict(self.hosts), "vars": self._shared()}
        inventory.write_text(yaml.safe_dump({"gonogo": group}))
        before = {*self._runs(), *self._summaries()}
        words = ("-i", str(inventory), "--forks", str(forks), "validate_staging.yml")
        command = playbook.command(*words, "-e", json.dumps(variables))
        log = self.directory / "output.txt"
        started = time.monotonic()
        with log.open("w") as output:
            child = subprocess.Popen(  # noqa: S603 - as a user starts it
                command,
                cwd=PROJECT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while child.poll() is None:
                    if watch:
                        watch(child.pid)
                    time.sleep(_POLL_SECONDS)
            finally:
                # Where this program is interrupted.
                child.terminate()
                child.wait()
        said = log.read_text()
        runs = [run for run in self._runs() if run not in before]
        summaries = [one for one in self._summaries() if one not in before]
        seconds = time.monotonic() - started
        return Played(child.returncode, said, seconds, self._verdicts(runs, summaries))

    def _runs(self) -> list[Path]:
        return sorted((self.directory / "runs").glob(f"{self.environment}/*Z-*"))

    def _summaries(self) -> list[Path]:
        return sorted((self.directory / "runs").glob(f"{self.environment}/fleets/*/fleet.json"))

    def _verdicts(
        self, runs: Sequence[Path], summaries: Sequence[Path]
    ) -> dict[str, list[Verdict]]:
        """Of each host all that was said: in its runs, and in the summary where it has none."""
        found: dict[str, list[Verdict]] = {host: [] for host in self.hosts}
        for summary in summaries:
            for host in json.loads(summary.read_text())["hosts"]:
                if host["run_id"] is None:
                    found[host["host"]].append(self._verdict("HOLD", str(host["reason"])))
        for run in runs:
            if not (run / "verdict.json").is_file():
                continue
            verdict = json.loads((run / "verdict.json").read_text())
            record = json.loads((run / "run.json").read_text())
            reasons = [reason["text"] for reason in verdict["reasons"]]
            host = record["target"]["inventory_host"]
            found[host].append(self._verdict(verdict["decision"], next(iter(reasons), "")))
        return found

    def _verdict(self, decision: str, why: str) -> Verdict:
        """Without the directories of this machine."""
        for folder in (self.directory, PROJECT):
            why = why.replace(f"{folder}/", "")
        return Verdict(decision, why)

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        return {
            **kept,
            **playbook.settings(ANSIBLE_NOCOLOR="1", ANSIBLE_CONNECTION_PLUGINS=str(_CONNECTIONS)),
        }

    def _shared(self) -> dict[str, Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "gonogo_environment": self.environment,
            "gonogo_protected": False,
            "gonogo_runs_dir": str(self.directory / "runs"),
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_profile": "target",
            "gonogo_residue": "rollback",
            "gonogo_parameters": {"application_role": logins.APPLICATION},
        }


def host_name(number: int) -> str:
    return f"db{number + 1:02}"


def _of_host(
    directory: Path, cluster: Cluster, host: str, database: str, server: int
) -> dict[str, Any]:
    keywords = cluster.conninfo(database, logins.OWNER)
    service = directory / f"{host}.conf"
    names = ("host", "port", "dbname", "user", "passfile")
    service.write_text("\n".join(["[test]", *(f"{n}={keywords[n]}" for n in names), ""]))
    return {
        "gonogo_login": {"db": database, "service": "test", "service_file": str(service)},
        # The databases of one server are on one host.
        "gonogo_remote_dir": str(directory / f"server{server + 1}"),
        "gonogo_pg_bin": str(cluster.bin),
    }
