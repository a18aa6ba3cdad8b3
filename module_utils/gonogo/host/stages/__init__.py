"""What each stage asks of the target host, behind one module.

The module `gonogo_remote` travels for all stages; the files here are what it can be asked for:
functions that take checked arguments and `check_mode`, and return the module's result. What they
take is declared in `contract/options`.

Runs on the target host: Python 3.9, standard library and psycopg, which is provided before the
file of an entry is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, NamedTuple

__all__ = ["ENTRIES", "LEAVES_A_PROCESS", "Entry", "find"]


class _Place(NamedTuple):
    # File and name in `contract/options`.
    options: str
    # File and function here.
    code: str


# What can be asked for. Only those files are read, with what they stand on.
ENTRIES = {
    "target": _Place("target.TARGET", "target.run"),
    "backup": _Place("backup.BACKUP", "backup.run"),
    "twin": _Place("twin.TWIN", "twin.run"),
    "rehearsal": _Place("rehearsal.REHEARSAL", "rehearsal.run"),
    "reprint": _Place("rehearsal.REPRINT", "reprint.run"),
    "sabotage": _Place("rehearsal.SABOTAGE", "sabotage.run"),
    "files": _Place("files.FILES", "files.run"),
    "preflight": _Place("scripts.PREFLIGHT", "scripts.preflight"),
    "deploy": _Place("deploy.DEPLOY", "deploy.run"),
    "found": _Place("deploy.FOUND", "found.run"),
    "phases": _Place("scripts.PHASES", "scripts.phases"),
    "judged": _Place("verdict.JUDGED", "judged.run"),
    "cleanup": _Place("cleanup.CLEANUP", "cleanup.run"),
    "undo": _Place("undo.UNDO", "undo.run"),
    "restore": _Place("restore.RESTORE", "restore.run"),
    "restored": _Place("restore.RESTORED", "restored.run"),
}


# What leaves a process behind that holds the run lock, or a twin.
LEAVES_A_PROCESS = ("target", "twin")


class Entry(NamedTuple):
    """`run` takes the checked arguments and `check_mode`, and returns the module's result.

    Of one that `needs_psycopg` it may be called when psycopg can be imported.
    """

    spec: Mapping[str, Any]
    run: Callable[..., dict[str, Any]]
    needs_psycopg: bool = False


def find(name: str) -> Entry:
    """Without reading the file of the entry: for that, psycopg has to be there."""
    place = ENTRIES[name]
    spec = _named(f"...contract.options.{place.options}").entry
    return Entry(spec, partial(_run, f".{place.code}"), needs_psycopg="driver" in spec)


def _run(code: str, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    return dict(_named(code)(params, check_mode=check_mode))


def _named(path: str) -> Any:
    file, _, name = path.rpartition(".")
    return getattr(importlib.import_module(file, __name__), name)
