"""What each stage asks of the target host, behind one module.

The module `gonogo_remote` travels for all stages; the files here are what it can be asked for: an
argument spec and a function that returns a result.

Runs on the target host: Python 3.9, standard library only. psycopg is provided first; what needs
it is imported then.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

__all__ = ["ENTRIES", "LEAVES_A_KEEPER", "Entry", "find"]

# What can be asked for → file and function. Only that file is read, with what it stands on.
ENTRIES = {
    "target": "target.run",
    "backup": "backup.run",
    "twin": "twin.run",
    "rehearsal": "rehearsal.run",
    "reprint": "reprint.run",
    "sabotage": "sabotage.run",
    "files": "files.run",
    "preflight": "scripts.preflight",
    "deploy": "deploy.run",
    "found": "found.run",
    "phases": "scripts.phases",
    "judged": "judged.run",
    "cleanup": "cleanup.run",
    "undo": "undo.run",
    "restore": "restore.run",
    "restored": "restored.run",
}


# What leaves a process behind that holds the run lock, or a twin.
LEAVES_A_KEEPER = ("target", "twin")


class Entry(NamedTuple):
    """`run` takes the checked arguments and `check_mode`, and returns the module's result."""

    spec: Mapping[str, Any]
    run: Callable[..., dict[str, Any]]


def find(name: str) -> Entry:
    file, function = ENTRIES[name].split(".")
    module = importlib.import_module(f".{file}", __name__)
    return Entry(module.SPEC, getattr(module, function))
