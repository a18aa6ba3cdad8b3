"""What each stage asks of the target host, behind one module.

The module `gonogo_remote` travels for all stages; the files here are what it can be asked for:
functions that take a request and `check_mode`, and return an answer. Both are records: a request
stands with the options that it is of in `contract/options`, answers in `contract/records`.

Runs on the target host: Python 3.9, standard library and psycopg, which is provided before the
file of an entry is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, NamedTuple

from ...contract.options.option import ArgumentSpec
from ...contract.records.reading import plain, read

__all__ = ["OTHERS", "Entry", "find", "request_of"]

# The option that says how psycopg is found; what is asked of an entry does not have it.
_DRIVER = "driver"


class _Found(NamedTuple):
    # File and name in `contract/options`.
    options: str
    # The request, in the same file.
    request: str
    # File and function here.
    code: str


# An entry X is declared as X in `contract/options/x.py`, where its request is an XRequest, and is
# the function `run` of `x.py` here. These are not.
OTHERS = {
    "capture": _Found("twin.CAPTURE", "CaptureRequest", "capture.run"),
    "found": _Found("deploy.FOUND", "FoundRequest", "found.run"),
    "history": _Found("target.HISTORY", "HistoryRequest", "history.run"),
    "judged": _Found("verdict.JUDGED", "JudgedRequest", "judged.run"),
    "phases": _Found("scripts.PHASES", "ScriptsRequest", "scripts.phases"),
    "preflight": _Found("scripts.PREFLIGHT", "ScriptsRequest", "scripts.preflight"),
    "reprint": _Found("rehearsal.REPRINT", "ReprintRequest", "reprint.run"),
    "restored": _Found("restore.RESTORED", "RestoredRequest", "restored.run"),
    "sabotage": _Found("rehearsal.SABOTAGE", "SabotageRequest", "sabotage.run"),
    "superseded": _Found("backup.SUPERSEDED", "SupersededRequest", "superseded.run"),
}


class Entry(NamedTuple):
    """`run` takes the checked arguments, as JSON has them, and `check_mode`, and returns the
    module's result in the same form.

    Of one that `needs_psycopg` it may be called when psycopg can be imported. One that
    `leaves_process` forks.
    """

    spec: ArgumentSpec
    run: Callable[..., Mapping[str, object]]
    needs_psycopg: bool = False
    leaves_process: bool = False


def find(name: str) -> Entry:
    """Without reading the file of the entry: for that, psycopg has to be there."""
    found = _found(name)
    declared = _named(f"...contract.options.{found.options}")
    spec = declared.entry
    return Entry(
        spec,
        partial(_run, name),
        needs_psycopg=_DRIVER in spec,
        leaves_process=declared.leaves_process,
    )


def request_of(name: str) -> type[Any]:
    """The record that an entry takes."""
    found = _found(name)
    file, _, _ = found.options.partition(".")
    request: type[Any] = _named(f"...contract.options.{file}.{found.request}")
    return request


def _found(name: str) -> _Found:
    usual = _Found(f"{name}.{name.upper()}", f"{name.capitalize()}Request", f"{name}.run")
    return OTHERS.get(name, usual)


def _run(name: str, arguments: Mapping[str, object], *, check_mode: bool) -> Mapping[str, object]:
    """With the driver, the entry would know how psycopg came here; it need not."""
    given = {key: value for key, value in arguments.items() if key != _DRIVER}
    asked = read(request_of(name), given, file="the request")
    answer = _named(f".{_found(name).code}")(asked, check_mode=check_mode)
    result: Mapping[str, object] = plain(answer)
    return result


def _named(path: str) -> Any:
    file, _, name = path.rpartition(".")
    return getattr(importlib.import_module(file, __name__), name)
