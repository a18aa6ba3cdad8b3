"""psycopg for a host that has none.

The host needs Python, the client programs of PostgreSQL and the libpq they stand on. psycopg is
used where it is installed; elsewhere the controller sends its own, in the form that is Python
only and finds libpq by itself. It is kept on the host as one file, and imported from memory.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import ctypes.util
import importlib
import shutil
import sys
from pathlib import Path

from ...contract.errors import GonogoError
from .bundle import Bundle, install, text_of

__all__ = ["DriverMissingError", "provide"]


class DriverMissingError(GonogoError):
    """There is no psycopg for this Python, neither installed nor sent."""


def provide(psycopg: Bundle | None, *, bin_dir: str | None = None) -> None:
    """Make `import psycopg` work in this process.

    `psycopg` is the bundle of the controller's, None when only an installed one will do.
    `bin_dir` is the directory of the client programs, in whose neighbourhood libpq is looked for
    last.
    Raises DriverMissingError when the controller has to send psycopg first, and GonogoError when
    it is there and cannot be loaded, or is not what the controller has sent.
    """
    _let_libpq_be_found(bin_dir)
    installed = _import()
    if installed is None:
        return
    try:
        text = text_of(psycopg) if psycopg else None
    except ValueError as error:
        raise GonogoError(
            str(error), hint="Find out who changed it, then remove it: it is sent again."
        ) from None
    if psycopg is None or text is None:
        raise DriverMissingError("this Python has no psycopg", detail=installed)
    install(text, psycopg.file)
    problem = _import()
    if problem:
        raise GonogoError(
            "psycopg cannot be loaded on the target host",
            detail=problem,
            hint="It needs libpq: install the client package of PostgreSQL (libpq5 on Debian).",
        )


def _import() -> str | None:
    """Why psycopg cannot be imported, or None. A failed import leaves nothing partly loaded."""
    before = set(sys.modules)
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        for name in set(sys.modules) - before:
            del sys.modules[name]
        return " ".join(str(error).split())
    return None


def _let_libpq_be_found(bin_dir: str | None) -> None:
    """Have psycopg find the libpq of client programs that the loader's cache does not know."""
    standard = ctypes.util.find_library

    def find(name: str) -> str | None:
        found = standard(name)
        if found or name != "pq":
            return found
        program = shutil.which("pg_dump", path=bin_dir and str(Path(bin_dir).expanduser()))
        return _beside(Path(program).resolve().parent) if program else None

    ctypes.util.find_library = find


def _beside(bin_dir: Path) -> str | None:
    candidates = (bin_dir.parent / folder / "libpq.so.5" for folder in ("lib", "lib64"))
    return next((str(file) for file in candidates if file.is_file()), None)
