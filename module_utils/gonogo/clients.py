"""PostgreSQL's client programs on this host: where they are and which version.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import List, Mapping, Optional

from .errors import GonogoError

__all__ = ["find", "major", "run", "version"]


def find(program: str, *, bin_dir: Optional[str]) -> str:
    """Return the path of a client program, from `bin_dir` or else from PATH."""
    path = shutil.which(program, path=bin_dir or os.environ.get("PATH"))
    if path is None:
        raise GonogoError(
            f"{program} was not found on this host",
            detail=f"Looked in {bin_dir or 'PATH'}.",
            hint="Install PostgreSQL's client programs, or set gonogo_pg_bin to their directory.",
        )
    return path


def version(path: str) -> str:
    """Return what `PROGRAM --version` calls its version, such as `17.10` or `15.18`."""
    outcome = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\) (\d+(?:\.\d+)?\S*)", outcome.stdout)
    if outcome.returncode or not found:
        raise GonogoError(
            f"{path} does not run",
            detail=" ".join((outcome.stderr or outcome.stdout).split()) or None,
        )
    return found.group(1)


def major(number: str) -> int:
    """Major version of `17.10`, `18beta1`."""
    return int(re.match(r"\d+", number).group())  # type: ignore[union-attr]


def run(argv: List[str], *, environment: Mapping[str, str], what: str) -> None:
    """Run a client program to its end. Raises GonogoError with what it said when it fails."""
    outcome = subprocess.run(
        argv, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if outcome.returncode == 0:
        return
    said = outcome.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    ended = f"signal {-outcome.returncode}" if outcome.returncode < 0 else f"exit status {outcome.returncode}"
    raise GonogoError(f"{what} failed ({ended})", detail="\n".join(said[-5:]) or None)
