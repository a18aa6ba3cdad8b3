"""From what a stage asks to what it is told: errors become results, never a traceback.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ..driver import DriverMissingError
from ..errors import GonogoError
from . import find

__all__ = ["answer"]


def answer(entry: str, arguments: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Do what an entry is for; returns a module's result.

    `arguments` are as the entry's spec wants them, but for paths, which mean this host.
    """
    found = find(entry)
    try:
        return found.run(_with_paths(found.spec, arguments), check_mode=check_mode)
    except DriverMissingError as error:
        # The controller then sends psycopg and calls again.
        return {**_failed(error), "missing": "psycopg"}
    except GonogoError as error:
        return _failed(error)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(GonogoError(f"{error.strerror or error}{where}"))
    except Exception as error:
        psycopg = sys.modules.get("psycopg")
        if psycopg is None or not isinstance(error, psycopg.Error):
            raise
        from ..connection import described

        told = described(error)
        primary = f"{told['sqlstate'] or 'connection lost'}: {told['message']}"
        return _failed(GonogoError(primary, detail=told["detail"], hint=told["hint"]))


def _failed(error: GonogoError) -> dict[str, Any]:
    parts = {"primary": error.primary, "detail": error.detail, "hint": error.hint}
    return {"failed": True, "msg": error.render(), "error": parts}


def _with_paths(spec: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Copy of the arguments with `~` and variables in their paths expanded, as Ansible does it."""
    expanded = dict(arguments)
    for name, option in spec.items():
        value = expanded.get(name)
        if value is None:
            continue
        if option.get("type") == "path":
            expanded[name] = os.path.expanduser(os.path.expandvars(value))  # noqa: PTH111
        elif "options" in option:
            expanded[name] = _with_paths(option["options"], value)
    return expanded
