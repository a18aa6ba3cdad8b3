"""Rehearse taking a migration back, or do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.budgets import budgets_of
from ...contract.records.migration import Plan
from ...contract.records.reading import plain, read
from ..migrate.undo import undo
from ..session import exclusive
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The record `Undo`; or `held` and `others`, see `session.exclusive`, with nothing done."""
    result = undo(
        login_of(params),
        run_id=params["run_id"],
        declared=declared_of(params),
        plan=read(Plan, params["plan"], file="the plan"),
        schema_before=params["schema_before"],
        approved_content=None if check_mode else params["approved_content"],
        fence=params["fence"],
        budgets=budgets_of(params["budgets"]),
        timeouts=timeouts_of(params),
    )
    if isinstance(result, exclusive.Occupants):
        return {"changed": False, "committed": False, **result.answer()}
    return {"changed": result.committed, **plain(result), "held": None, "others": []}
