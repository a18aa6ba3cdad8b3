"""A proven backup against a backup that nobody has restored: dumped twice, in other formats.

What the run does is in its evidence: the dump with the fingerprint of the source beside it, the
twin, the restore, the comparison. By hand there are two dumps, over the same SSH connection:
`pg_dump -Fc` with its defaults, and the plain one of the old runbook.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox import logins
from sandbox.errors import SandboxError
from tools.bench import product
from tools.bench.figures import Proof

if TYPE_CHECKING:
    from tools.bench.lab import Lab

_FORMATS = {"custom": "--format=custom", "plain": "--format=plain"}


def measure(
    lab: Lab,
    database: str,
    *,
    database_bytes: int,
    limited: bool,
    repetitions: int,
    say: Callable[[str], None],
) -> Proof:
    """Measure ``repetitions`` triples after one that does not count.

    Raises: SandboxError when one fails, or the backup is not proven.
    """
    triples = []
    for number in range(repetitions + 1):
        parts, start = _ours(lab, database)
        custom, plain = (_by_hand(lab, database, option) for option in _FORMATS.values())
        if number:
            triples.append((parts, start, custom, plain))
            say(
                f"{database}, proof {number}/{repetitions}: {sum(parts.values()):.2f} s, "
                f"start {start:.2f} s, pg_dump -Fc {custom:.2f} s, plain {plain:.2f} s"
            )
    return Proof(
        name=database,
        database_bytes=database_bytes,
        limited=limited,
        parts=[parts for parts, *_ in triples],
        start=[start for _, start, *_ in triples],
        custom=[custom for *_, custom, _ in triples],
        plain=[plain for *_, plain in triples],
    )


def _ours(lab: Lab, database: str) -> tuple[dict[str, float], float]:
    run = product.run(lab, database, twin=True)
    twin = json.loads((run.evidence / "twin.json").read_text(encoding="utf-8"))
    if twin["proven"] is not True:
        raise SandboxError("the backup was not proven", detail=str(twin["reason"]))
    backup = run.backup()["seconds"]
    parts = {
        "dump": backup["dump"],
        "rest of the source's fingerprint": backup["fingerprint"],
        "restore": twin["seconds"]["restore"],
        "comparison": twin["seconds"]["compare"],
    }
    return parts, twin["seconds"]["start"]


def _by_hand(lab: Lab, database: str, option: str) -> float:
    keywords = lab.cluster.conninfo(database, logins.OWNER)
    file = lab.directory / "hand" / "backup"
    words = [
        str(lab.cluster.bin / "pg_dump"),
        *("-h", keywords["host"], "-p", keywords["port"], "-U", keywords["user"]),
        *("-d", database, option, f"--file={file}"),
    ]
    command = f"PGPASSFILE={shlex.quote(keywords['passfile'])} {shlex.join(words)}"
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - a list of ours
        ["ssh", *lab.client(), lab.ssh.endpoint.host, command],  # noqa: S607 - as Ansible takes it
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    lab.hang_up()
    if done.returncode != 0:
        raise SandboxError("pg_dump failed", detail=done.stderr.strip())
    file.unlink()
    return seconds
