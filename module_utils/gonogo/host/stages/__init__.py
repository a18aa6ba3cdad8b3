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

__all__ = ["OTHERS", "Entry", "find"]


class _Found(NamedTuple):
    # File and name in `contract/options`.
    options: str
    # File and function here.
    code: str


# An entry X is declared as X in `contract/options/x.py`, and is the function `run` of `x.py` here.
# These are not.
OTHERS = {
    "found": _Found("deploy.FOUND", "found.run"),
    "judged": _Found("verdict.JUDGED", "judged.run"),
    "phases": _Found("scripts.PHASES", "scripts.phases"),
    "preflight": _Found("scripts.PREFLIGHT", "scripts.preflight"),
    "reprint": _Found("rehearsal.REPRINT", "reprint.run"),
    "restored": _Found("restore.RESTORED", "restored.run"),
    "sabotage": _Found("rehearsal.SABOTAGE", "sabotage.run"),
}


class Entry(NamedTuple):
    """`run` takes the checked arguments and `check_mode`, and returns the module's result.

    Of one that `needs_psycopg` it may be called when psycopg can be imported. One that
    `leaves_process` forks.
    """

    spec: Mapping[str, Any]
    run: Callable[..., dict[str, Any]]
    needs_psycopg: bool = False
    leaves_process: bool = False


def find(name: str) -> Entry:
    """Without reading the file of the entry: for that, psycopg has to be there."""
    found = OTHERS.get(name) or _Found(f"{name}.{name.upper()}", f"{name}.run")
    declared = _named(f"...contract.options.{found.options}")
    spec = declared.entry
    return Entry(
        spec,
        partial(_run, f".{found.code}"),
        needs_psycopg="driver" in spec,
        leaves_process=declared.leaves_process,
    )


def _run(code: str, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    return dict(_named(code)(params, check_mode=check_mode))


def _named(path: str) -> Any:
    file, _, name = path.rpartition(".")
    return getattr(importlib.import_module(file, __name__), name)
