"""psycopg for a host that has none.

The host needs Python, the client programs of PostgreSQL and the libpq they stand on. psycopg is
used where it is installed; elsewhere the controller sends its own, in the form that is Python
only and finds libpq by itself. It is unpacked once, into a folder named by its content.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import ctypes.util
import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

from .errors import GonogoError

__all__ = ["DRIVER_SPEC", "DriverMissingError", "provide"]

DRIVER_SPEC: dict[str, Any] = {
    # Where the controller's psycopg lies once it has been sent.
    "directory": {"type": "path", "required": True},
    "pg_bin": {"type": "path"},
}


class DriverMissingError(GonogoError):
    """There is no psycopg for this Python, neither installed nor sent."""


def provide(directory: Path | None, *, bin_dir: str | None = None) -> None:
    """Make `import psycopg` work in this process.

    `directory` is where the controller has it unpacked, None when only an installed one will do.
    `bin_dir` is the directory of the client programs, in whose neighbourhood libpq is looked for
    last.
    Raises DriverMissingError when the controller has to send psycopg first, and GonogoError when
    it is there and cannot be loaded.
    """
    _let_libpq_be_found(bin_dir)
    installed = _import()
    if installed is None:
        return
    if directory is None or not directory.is_dir():
        raise DriverMissingError("this Python has no psycopg", detail=installed)
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    problem = _import()
    if problem:
        raise GonogoError(
            "psycopg cannot be loaded on the target host",
            detail=problem,
            hint="It needs libpq: install the client package of PostgreSQL (libpq5 on Debian).",
        )


def _import() -> str | None:
    """Why psycopg cannot be imported, or None. A failed import leaves nothing half-loaded."""
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
