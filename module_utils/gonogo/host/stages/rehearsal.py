"""Try a migration and its undo on the twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.budgets import budgets_of
from ...contract.login import Timeouts
from ..migrate import rehearse
from ..session.lock import Witness, session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`rehearsal`: as `look`, `there` or `back` of `migrate.rehearse` return it."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, run_id = login_of(params), params["run_id"]

    def connect(*, patient: bool = False) -> Any:
        unlimited = Timeouts(statement="0", idle_in_transaction="0")
        return session(
            login,
            run_id=run_id,
            stage="rehearsal",
            timeouts=unlimited if patient else timeouts_of(params),
        )

    parts = {"look": rehearse.look, "there": rehearse.there, "back": rehearse.back}
    with Witness(login, run_id=run_id, stage="rehearsal") as confirm:
        tried = parts[params["part"]](
            connect,
            params["plan"],
            params["undo"],
            budgets=budgets_of(params["budgets"]),
            confirm=confirm,
            resume=params["resume"],
            untold=params["untold"],
        )
    return {"changed": True, "rehearsal": tried}
