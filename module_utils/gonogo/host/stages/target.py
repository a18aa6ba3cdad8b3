"""Prove the target, find the clients, take the run lock; or give it up again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...contract.login import application_name
from .common import login_of, options, provide_psycopg

__all__ = ["SPEC", "run"]

SPEC = options(
    state={"type": "str", "choices": ["open", "released"], "default": "open"},
    declared={"type": "dict", "default": {}},
    fence={"type": "list", "elements": "str", "default": []},
    lock_lease={"type": "int", "default": 120},
    pg_bin={"type": "path"},
    backup_directory={"type": "path", "default": "."},
    space_factor={"type": "float", "default": 1.0},
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `open_target`; in state `released`, `fenced`: names of the sessions that were ended."""
    provide_psycopg(params)
    from ..session.connection import connect
    from ..session.lock import fence
    from .open_target import open_target

    login, run_id = login_of(params), params["run_id"]
    if params["state"] == "released":
        # Not the lock alone: a stage that was cut off may still be at work.
        with connect(login, name=application_name(run_id, "release")) as connection:
            ended = fence(connection, run_ids=[run_id])
        return {"changed": False, "fenced": ended}
    opened = open_target(
        login,
        run_id=run_id,
        declared=params["declared"],
        fence=params["fence"],
        lease=params["lock_lease"],
        pg_bin=params["pg_bin"],
        backup_directory=Path(params["backup_directory"]).expanduser(),
        space_factor=params["space_factor"],
        check_only=check_mode,
    )
    return {"changed": False, **opened}
