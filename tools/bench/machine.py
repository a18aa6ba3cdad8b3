"""What all this was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.bench.lab import Lab


def describe(lab: Lab) -> dict[str, str]:
    """Subject → words. Names nothing by which the machine could be found."""
    with lab.cluster.connect() as admin:
        postgres = admin.info.parameter_status("server_version") or "?"
        buffers = admin.execute("SHOW shared_buffers").fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Processor": f"{os.cpu_count()} x {_field(Path('/proc/cpuinfo'), 'model name')}",
        "Memory": f"{memory / (1 << 30):.0f} GB",
        "Load before": f"{os.getloadavg()[0]:.2f} (average of a minute)",
        "System": f"{_system()}, Linux {platform.release()}",
        "PostgreSQL": f"{postgres}, shared_buffers {buffers[0] if buffers else '?'}, fsync off",
        "OpenSSH": _said(["ssh", "-V"]).partition(",")[0],
        "Controller": f"Python {platform.python_version()}, ansible-core {version('ansible-core')}",
        "Target host": f"{_said([str(lab.python), '--version'])}, "
        f"psycopg {version('psycopg')} as the run brings it",
    }


def _field(file: Path, name: str) -> str:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _said(command: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - a list of ours
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return (done.stdout or done.stderr).strip()
