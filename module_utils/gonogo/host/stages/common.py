"""What the entries have in common: options, and psycopg."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import LOGIN_SPEC, Login, Timeouts
from ..session import link
from ..transport.driver import DRIVER_SPEC, provide

__all__ = ["TIMEOUTS_SPEC", "login_of", "options", "provide_psycopg", "timeouts_of"]

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
    """Argument spec of an entry that speaks with the database: what all need, and its own."""
    return {
        "login": {"type": "dict", "required": True, "options": LOGIN_SPEC},
        "run_id": {"type": "str", "required": True},
        "driver": {"type": "dict", "options": DRIVER_SPEC},
        **own,
    }


def login_of(params: Mapping[str, Any]) -> Login:
    """Raises GonogoError for a login that cannot be one."""
    return Login(**params["login"])


def timeouts_of(params: Mapping[str, Any]) -> Timeouts:
    return Timeouts(
        **{key: value for key, value in params["timeouts"].items() if value is not None}
    )


def provide_psycopg(params: Mapping[str, Any]) -> None:
    """Make psycopg importable; what needs it can be imported after that.

    A module that nobody listens to any more ends here: it may wake up long after its run.
    """
    link.require()
    driver = params["driver"] or {}
    provide(driver.get("psycopg"), bin_dir=driver.get("pg_bin"))
