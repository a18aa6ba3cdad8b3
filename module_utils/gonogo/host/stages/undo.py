"""Rehearse taking a migration back, or do it."""

from __future__ import annotations

from ...contract.budgets import budgets_of
from ...contract.options.undo import UndoRequest
from ...contract.records.answers import UndoAnswer
from ..migrate.undo import undo
from ..session import exclusive
from .common import login_of

__all__ = ["run"]


def run(asked: UndoRequest, *, check_mode: bool) -> UndoAnswer:
    """Nothing is done where somebody else is at work, see `session.exclusive`."""
    result = undo(
        login_of(asked.login),
        run_id=asked.run_id,
        declared=asked.declared,
        plan=asked.plan,
        schema_before=asked.schema_before,
        approved_content=None if check_mode else asked.approved_content,
        fence=asked.fence,
        budgets=budgets_of(asked.budgets),
        timeouts=asked.timeouts,
    )
    if isinstance(result, exclusive.Occupants):
        return UndoAnswer(changed=False, held=result.held, others=result.others, done=None)
    return UndoAnswer(changed=result.committed, held=None, others=(), done=result)
