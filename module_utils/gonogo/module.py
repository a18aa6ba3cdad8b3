"""What the modules in library/ have in common: options, psycopg, and errors as results.

Runs on the target host: Python 3.9, standard library only; psycopg once it has been provided.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .driver import DRIVER_SPEC, DriverMissingError, provide
from .errors import GonogoError
from .login import LOGIN_SPEC, Login, Timeouts

__all__ = [
    "STAGE_OPTIONS",
    "TIMEOUTS_SPEC",
    "connected",
    "login_of",
    "options",
    "reported",
    "timeouts_of",
]

TIMEOUTS_SPEC: dict[str, Any] = {
    "type": "dict",
    "default": {},
    "options": {
        "lock": {"type": "str", "default": "5s"},
        "statement": {"type": "str", "default": "10min"},
        "idle_in_transaction": {"type": "str", "default": "2min"},
    },
}


def options(**own: Any) -> dict[str, Any]:
    """Argument spec of a module that speaks with the database: what all need, and its own."""
    return {
        "login": {"type": "dict", "required": True, "options": LOGIN_SPEC},
        "run_id": {"type": "str", "required": True},
        "driver": {"type": "dict", "options": DRIVER_SPEC},
        **own,
    }


# Argument spec of the modules that run the scripts of a stage.
STAGE_OPTIONS = options(
    directory={"type": "path", "required": True},
    scripts={"type": "list", "elements": "dict", "required": True},
    timeouts=TIMEOUTS_SPEC,
)


def login_of(params: Mapping[str, Any]) -> Login:
    """Raises GonogoError for a login that cannot be one."""
    return Login(**params["login"])


def timeouts_of(params: Mapping[str, Any]) -> Timeouts:
    return Timeouts(
        **{key: value for key, value in params["timeouts"].items() if value is not None}
    )


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


@contextlib.contextmanager
def connected(module: Any) -> Iterator[None]:
    """As `reported`, with psycopg provided: what needs it can be imported inside."""
    with reported(module):
        driver = module.params["driver"] or {}
        directory = driver.get("directory")
        provide(Path(directory).expanduser() if directory else None, bin_dir=driver.get("pg_bin"))
        yield


def _fail(
    module: Any, primary: str, detail: str | None = None, hint: str | None = None, **more: Any
) -> None:
    error = {"primary": primary, "detail": detail, "hint": hint}
    text = GonogoError(primary, detail=detail, hint=hint).render()
    module.fail_json(msg=text, error=error, **more)
