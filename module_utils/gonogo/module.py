"""Errors as a module's result.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from .driver import DriverMissingError
from .errors import GonogoError

__all__ = ["reported"]


@contextlib.contextmanager
def reported(module: Any) -> Iterator[None]:
    """Turn an error into the module's failure, its three parts kept apart."""
    try:
        yield
    except GonogoError as error:
        # The controller then sends psycopg and calls again.
        missing = {"driver_missing": True} if isinstance(error, DriverMissingError) else {}
        _fail(module, error.primary, error.detail, error.hint, **missing)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _fail(module, f"{error.strerror or error}{where}")
    except Exception as error:
        psycopg = sys.modules.get("psycopg")
        if psycopg is None or not isinstance(error, psycopg.Error):
            raise
        from .connection import described  # noqa: PLC0415 - there is a psycopg now

        told = described(error)
        primary = f"{told['sqlstate'] or 'connection lost'}: {told['message']}"
        _fail(module, primary, told["detail"], told["hint"])


def _fail(
    module: Any, primary: str, detail: str | None = None, hint: str | None = None, **more: Any
) -> None:
    error = {"primary": primary, "detail": detail, "hint": hint}
    text = GonogoError(primary, detail=detail, hint=hint).render()
    module.fail_json(msg=text, error=error, **more)
