"""Try a migration and its undo on the twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.budgets import budgets_of
from ...contract.login import Timeouts
from ...contract.records.migration import Plan, Statement
from ...contract.records.reading import plain, read
from ..migrate import rehearse
from ..session.lock import Witness, session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`rehearsal`: the record that the function of `migrate.rehearse` for `part` returns."""
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

    with Witness(login, run_id=run_id, stage="rehearsal") as confirm:
        request = rehearse.Request(
            connect,
            plan=_plan(params["plan"]),
            undo=_plan(params["undo"]),
            budgets=budgets_of(params["budgets"]),
            confirm=confirm,
            resume=params["resume"],
            untold=tuple(
                read(Statement, one, file=f"untold[{number}]")
                for number, one in enumerate(params["untold"])
            ),
        )
        tried = rehearse.PARTS[params["part"]](request)
    return {"changed": True, "rehearsal": plain(tried)}


def _plan(given: object) -> Plan | None:
    return None if given is None else read(Plan, given, file="the plan")
