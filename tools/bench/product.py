"""One run of the playbook, as a user starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError
from tools import playbook
from tools.bench.processes import Meter
from tools.project import PROJECT

if TYPE_CHECKING:
    from tools.bench.figures import Cost
    from tools.bench.lab import Lab

# What is no stage: Ansible's own start and end, and the steps between tasks.
AROUND = "start and end of Ansible"

_CALLBACKS = Path(__file__).parent / "callbacks"


@dataclass(frozen=True)
class Run:
    """What a run has cost, stage → seconds, and where its evidence is."""

    cost: Cost
    stages: dict[str, float]
    evidence: Path

    def backup(self) -> dict[str, Any]:
        """The record of its backup."""
        return dict(json.loads((self.evidence / "backup.json").read_text(encoding="utf-8")))

    def scripts(self) -> list[Path]:
        """The SQL a person would run: all but the cleanup and the races, which take two people."""
        cleanup = json.loads((self.evidence / "run.json").read_text(encoding="utf-8"))["cleanup"]
        return [
            file
            for file in sorted((self.evidence / "sql").glob("*.sql"))
            if file.stem != cleanup and "_race_" not in file.stem
        ]


def run(
    lab: Lab,
    database: str,
    *,
    python: Path | None = None,
    twin: bool = False,
    alone: bool = False,
) -> Run:
    """Judge a database and remove its backup afterwards.

    ``python`` is another interpreter than the target host's. ``twin`` has the backup restored and
    compared with its source. ``alone`` has one session ask everything.
    Raises: SandboxError when the verdict is not GO.
    """
    inventory = lab.inventory(database, python=python, twin=twin, alone=alone)
    clock = lab.directory / "stopwatch"
    clock.write_text("")
    lab.hang_up()
    meter = Meter(lab)
    done = subprocess.run(  # noqa: S603 - a list of ours
        playbook.command(f"--inventory={inventory}", "validate_staging.yml"),
        cwd=PROJECT,
        env=_environment(lab, clock),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    cost = meter.stop()
    lab.hang_up()
    if done.returncode != 0:
        words = " / ".join(line.strip() for line in done.stdout.strip().splitlines()[-8:])
        raise SandboxError("the run that was to be measured did not end in a GO", detail=words)
    for archive in (lab.remote / "backups").iterdir():
        shutil.rmtree(archive) if archive.is_dir() else archive.unlink()
    evidence = max(lab.runs.glob("*/*Z-*"), key=lambda path: path.stat().st_mtime_ns)
    return Run(cost, stages(clock, cost.wall), evidence)


def _environment(lab: Lab, clock: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PG"))
    }
    own = playbook.settings(
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_SSH_CONTROL_PATH_DIR=str(lab.sockets),
        ANSIBLE_CALLBACK_PLUGINS=f"{PROJECT / 'callback_plugins'}{os.pathsep}{_CALLBACKS}",
        ANSIBLE_CALLBACKS_ENABLED="gonogo,stopwatch",
        GONOGO_BENCH_STOPWATCH=str(clock),
    )
    return {**kept, **own}


def stages(clock: Path, wall: float) -> dict[str, float]:
    """From the first begin to the last end of a role's tasks, in the order they ran."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for line in clock.read_text(encoding="utf-8").splitlines():
        note = json.loads(line)
        if note["event"] == "begin":
            began.setdefault(note["role"], note["at"])
        else:
            ended[note["role"]] = note["at"]
    stages = {role: ended[role] - at for role, at in began.items()}
    return {**stages, AROUND: wall - sum(stages.values())}
