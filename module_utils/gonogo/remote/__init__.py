"""What each stage asks of the target host, behind one module.

Ansible packs a module with everything it imports, once for each module of a playbook, and that
costs more than most stages do. So one module, `gonogo_remote`, travels for all stages, and the
files here are what it can be asked for: an argument spec and a function that returns a result.

Runs on the target host: Python 3.9, standard library only. psycopg is provided first; what needs
it is imported then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from . import backup, cleanup, driver, files, scripts, target

__all__ = ["ENTRIES", "Entry"]


class Entry(NamedTuple):
    """`run` takes the checked arguments and `check_mode`, and returns the module's result."""

    spec: Mapping[str, Any]
    run: Callable[..., dict[str, Any]]


ENTRIES = {
    "target": Entry(target.SPEC, target.run),
    "backup": Entry(backup.SPEC, backup.run),
    "files": Entry(files.SPEC, files.run),
    "preflight": Entry(scripts.SPEC, scripts.preflight),
    "phases": Entry(scripts.SPEC, scripts.phases),
    "cleanup": Entry(cleanup.SPEC, cleanup.run),
    "driver": Entry(driver.SPEC, driver.run),
}
