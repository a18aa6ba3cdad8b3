"""What the modules in library/ have in common: options, and errors as results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from .connection import LOGIN_SPEC, DatabaseError, Login, Timeouts, described
from .errors import GonogoError

__all__ = ["TIMEOUTS_SPEC", "login_of", "options", "reported", "timeouts_of"]

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
    """Argument spec of a module: `login` and `run_id`, and its own options."""
    return {
        "login": {"type": "dict", "required": True, "options": LOGIN_SPEC},
        "run_id": {"type": "str", "required": True},
        **own,
    }


def login_of(params: Mapping[str, Any]) -> Login:
    """Raises GonogoError for a login that cannot be one."""
    return Login(**params["login"])


def timeouts_of(params: Mapping[str, Any]) -> Timeouts:
    return Timeouts(
        **{key: value for key, value in params["timeouts"].items() if value is not None}
    )


@contextlib.contextmanager
def reported(module: Any) -> Iterator[None]:
    """Turn a GonogoError into the module's failure, its three parts kept apart."""
    try:
        yield
    except GonogoError as error:
        parts = {"primary": error.primary, "detail": error.detail, "hint": error.hint}
        module.fail_json(msg=error.render(), error=parts)
    except DatabaseError as error:
        told = described(error)
        primary = f"{told['sqlstate'] or 'connection lost'}: {told['message']}"
        parts = {"primary": primary, "detail": told["detail"], "hint": told["hint"]}
        module.fail_json(msg=primary, error=parts)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        parts = {"primary": f"{error.strerror or error}{where}", "detail": None, "hint": None}
        module.fail_json(msg=parts["primary"], error=parts)
