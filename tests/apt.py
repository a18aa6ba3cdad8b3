"""Programs that root installs from the distribution where the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

__all__ = ["provide"]

_APT = ("apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300")


def provide(program: str, packages: tuple[str, ...], found: Callable[[], object]) -> str | None:
    """Install a program that is not found; returns why that was not possible, or None."""
    if found():
        return None
    if os.geteuid() != 0:
        return f"there is no {program}, and only root could install it"
    if shutil.which(_APT[0]) is None:
        return f"there is no {program}, and no apt-get to install it"
    install = ("install", "--no-install-recommends", *packages)
    if _apt(*install) != 0:
        # The lists of packages may be missing or old.
        _apt("update")
        _apt(*install)
    return None if found() else f"there is no {program}, and apt-get gives no {packages[0]}"


def _apt(*words: str) -> int:
    return subprocess.run(
        [*_APT, *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode
