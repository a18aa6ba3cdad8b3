"""The old runbook as a script: dump, copy, run the SQL, all over one SSH connection.

What a person did between the commands (look up values, paste them into the scripts, read what
came out, decide) takes no time here. Neither do the races, which take two people.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import logins
from sandbox.errors import SandboxError
from tools.bench.processes import Meter

if TYPE_CHECKING:
    from tools.bench.figures import Cost
    from tools.bench.lab import Lab

STEPS = ("pg_dump", "scp", "psql")

_INCLUDES = re.compile(r"^\\ir (\S+)$", re.MULTILINE)


def run(lab: Lab, database: str, scripts: Sequence[Path]) -> tuple[Cost, dict[str, float]]:
    """Do it and remove the files it has left; returns what it cost, and step → seconds.

    Raises: SandboxError when a command fails.
    """
    file = lab.directory / "byhand.sh"
    file.write_text(_script(lab, database, scripts), encoding="utf-8")
    lab.hang_up()
    meter = Meter(lab)
    done = subprocess.run(  # noqa: S603 - a list of ours
        ["/bin/sh", str(file)],
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    cost = meter.stop()
    lab.hang_up()
    if done.returncode != 0:
        words = " / ".join(line.strip() for line in done.stderr.strip().splitlines()[-4:])
        raise SandboxError("the script that stands for a person failed", detail=words)
    for left in (lab.directory / "hand").iterdir():
        left.unlink()
    ends = [float(line) - meter.started for line in done.stdout.split()]
    begins = [0.0, *ends]
    return cost, {step: end - begin for step, begin, end in zip(STEPS, begins, ends, strict=False)}


def _script(lab: Lab, database: str, scripts: Sequence[Path]) -> str:
    """The commands, and the time after each of the three steps on standard output."""
    keywords = lab.cluster.conninfo(database, logins.OWNER)
    login = shlex.join(
        ["-h", keywords["host"], "-p", keywords["port"], "-U", keywords["user"], "-d", database]
    )
    passfile = f"PGPASSFILE={shlex.quote(keywords['passfile'])}"
    place = lab.directory / "hand"
    host = lab.ssh.endpoint.host

    def remote(program: str, rest: str) -> str:
        command = f"{passfile} {shlex.quote(str(lab.cluster.bin / program))} {login} {rest}"
        return shlex.join(["ssh", *lab.client(), host, command])

    dump = remote("pg_dump", f"> {shlex.quote(str(place / 'backup.sql'))}")
    copy = shlex.join(["scp", "-q", *lab.client(), *map(str, scripts), f"{host}:{place}/"])
    # What they answer comes to the screen; nobody reads it here.
    judge = [
        remote("psql", f"-X -v ON_ERROR_STOP=1 -f {shlex.quote(str(place / script.name))}")
        + " > /dev/null"
        for script in scripts
        if script.name not in _included(scripts)
    ]
    clock = "date +%s.%N"
    return "\n".join(["set -e", dump, clock, copy, clock, *judge, clock, ""])


def _included(scripts: Sequence[Path]) -> set[str]:
    """What the others read in; nobody runs it by itself."""
    texts = [script.read_text(encoding="utf-8") for script in scripts]
    return {name for text in texts for name in _INCLUDES.findall(text)}
