"""Apply a runbook's migration where it is absent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...contract.budgets import budgets_of
from ..files import approvals
from ..migrate.carry_out import deploy
from ..session.lock import Witness, session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`deployment`: as `migrate.carry_out.deploy` returns it.

    `approval` is the digest of an approval, used once; `approvals` the directory that says so.
    """
    login, run_id = login_of(params), params["run_id"]

    def connect() -> Any:
        return session(
            login,
            run_id=run_id,
            stage="deploy",
            timeouts=timeouts_of(params),
        )

    only_look = check_mode or params["plan_only"]
    if params["approval"] and not only_look:
        directory = Path(params["approvals"]).expanduser()
        approvals.use(directory, params["approval"], run_id=run_id)
    with Witness(login, run_id=run_id, stage="deploy") as confirm:
        done = deploy(
            connect,
            params["plan"],
            budgets=budgets_of(params["budgets"]),
            confirm=confirm,
            resume=params["resume"],
            sealed=params["sealed"],
            check_only=only_look,
        )
    changed = bool(done["changed"]) or done["changed"] is None
    return {"changed": changed, "deployment": done}
