"""Rehearse taking a migration back, or do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.budgets import BUDGETS_SPEC, budgets_of
from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    declared={"type": "dict", "required": True},
    plan={"type": "dict", "required": True},
    schema_before={"type": "dict"},
    approved_content={"type": "str"},
    fence={"type": "list", "elements": "str", "default": []},
    budgets=BUDGETS_SPEC,
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `migrate.undo.undo`."""
    provide_psycopg(params)
    from ..migrate.undo import undo

    result = undo(
        login_of(params),
        run_id=params["run_id"],
        declared=params["declared"],
        plan=params["plan"],
        schema_before=params["schema_before"],
        approved_content=None if check_mode else params["approved_content"],
        fence=params["fence"],
        budgets=budgets_of(params["budgets"]),
        timeouts=timeouts_of(params),
    )
    return {"changed": result["committed"], **result}
