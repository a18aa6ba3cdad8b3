"""PostgreSQL's client programs on this host: where they are and which version.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from ...contract.errors import GonogoError

__all__ = ["find", "major", "run", "to", "version"]

_SHOWN = 500


def find(program: str, *, bin_dir: str | None) -> str:
    """Return the path of a client program, from `bin_dir` or else from PATH."""
    path = shutil.which(program, path=bin_dir or os.environ.get("PATH"))
    if path is None:
        raise GonogoError(
            f"{program} was not found on this host",
            detail=f"Looked in {'gonogo_pg_bin' if bin_dir else 'PATH'}.",
            hint="Install PostgreSQL's client programs, or set gonogo_pg_bin to their directory.",
        )
    return path


def version(path: str) -> str:
    """Return what `PROGRAM --version` calls its version, such as `17.10` or `15.18`."""
    said = run([path, "--version"], environment=os.environ, what=f"{path} --version")
    found = re.search(r"\) (\d+(?:\.\d+)?\S*)", said)
    if not found:
        raise GonogoError(
            f"{path} does not say its version",
            detail=f"It says: {said.strip()}",
            hint="Let gonogo_pg_bin name the directory of PostgreSQL's own client programs.",
        )
    return found.group(1)


def major(number: str) -> int:
    """Major version of `17.10`, `18beta1`."""
    return int(re.split(r"\D", number, maxsplit=1)[0])


def to(conninfo: str) -> bytes:
    """The argument of a program that says where it connects to.

    A name of a database or a role is in UTF-8, as psycopg sends it, whatever the locale here is.
    """
    return f"--dbname={conninfo}".encode()


def run(argv: Sequence[str | bytes], *, environment: Mapping[str, str], what: str) -> str:
    """Run a client program to its end; return what it printed.

    Raises GonogoError with the end of what it said when it fails.
    """
    outcome = subprocess.run(  # noqa: S603 - a list, and its program was looked up by us
        argv, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if outcome.returncode == 0:
        return outcome.stdout.decode("utf-8", "backslashreplace")
    said = outcome.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    ended = (
        f"signal {-outcome.returncode}"
        if outcome.returncode < 0
        else f"exit status {outcome.returncode}"
    )
    # A query may name every table of a database.
    lines = [line[:_SHOWN] + " ..." * (len(line) > _SHOWN) for line in said[-5:]]
    raise GonogoError(f"{what} failed ({ended})", detail="\n".join(lines) or None)
