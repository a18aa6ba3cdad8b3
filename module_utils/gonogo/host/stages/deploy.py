"""Apply a runbook's migration where it is absent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...contract.budgets import budgets_of
from ...contract.records.migration import Plan
from ...contract.records.reading import plain, read
from ..files import approvals
from ..migrate.deployment import deploy
from ..session.lock import Witness, session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`deployment`: the record; `catalog_before` and `catalog_after`: the schema.

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
            read(Plan, params["plan"], file="the plan"),
            budgets=budgets_of(params["budgets"]),
            confirm=confirm,
            resume=params["resume"],
            sealed=params["sealed"],
            check_only=only_look,
        )
    changed = done.record.changed
    return {
        "changed": bool(changed) or changed is None,
        "deployment": plain(done.record),
        "catalog_before": done.catalog_before,
        "catalog_after": done.catalog_after,
    }
