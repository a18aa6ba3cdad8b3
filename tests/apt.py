"""Programs that root installs from the distribution where the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable

__all__ = ["provide"]

_APT = ("apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300")


def provide(
    program: str,
    packages: tuple[str, ...],
    found: Callable[[], object],
    *,
    seconds: float | None = None,
) -> str | None:
    """Install a program that is not found; returns why that was not possible, or None.

    `seconds` is how long the download may take; what has begun to be installed is not broken off.
    """
    if found():
        return None
    if os.geteuid() != 0:
        return f"there is no {program}, and only root could install it"
    if shutil.which(_APT[0]) is None:
        return f"there is no {program}, and no apt-get to install it"
    install = ("install", "--no-install-recommends", *packages)
    try:
        if not _downloaded(*install, seconds=seconds):
            return f"there is no {program}, and apt-get gives no {packages[0]}"
    except subprocess.TimeoutExpired:
        return f"there is no {program}, and apt-get could not download it within {seconds:.0f} s"
    _apt(*install)
    return None if found() else f"there is no {program}, and apt-get gives no {packages[0]}"


def _downloaded(*install: str, seconds: float | None) -> bool:
    until = None if seconds is None else time.monotonic() + seconds
    download = (*install, "--download-only")
    if _apt(*download, until=until) == 0:
        return True
    # The lists of packages may be missing or old.
    _apt("update", until=until)
    return _apt(*download, until=until) == 0


def _apt(*words: str, until: float | None = None) -> int:
    return subprocess.run(
        [*_APT, *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=None if until is None else max(until - time.monotonic(), 0),
        check=False,
    ).returncode
