"""Try a migration and its undo on the twin."""

from __future__ import annotations

from typing import Any

from ...contract.budgets import budgets_of
from ...contract.login import Timeouts
from ...contract.options.rehearsal import RehearsalRequest
from ...contract.records.answers import TrialAnswer, TriedRevertAnswer
from ...contract.records.rehearsal import Trial
from ..migrate import rehearse
from ..session.lock import Witness, session
from .common import login_of

__all__ = ["run"]


def run(asked: RehearsalRequest, *, check_mode: bool) -> TrialAnswer | TriedRevertAnswer:
    """The record that the function of `migrate.rehearse` for `part` returns."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, run_id = login_of(asked.login), asked.run_id

    def connect(*, patient: bool = False) -> Any:
        unlimited = Timeouts(statement="0", idle_in_transaction="0")
        return session(
            login,
            run_id=run_id,
            stage="rehearsal",
            timeouts=unlimited if patient else asked.timeouts,
        )

    with Witness(login, run_id=run_id, stage="rehearsal") as confirm:
        request = rehearse.Request(
            connect,
            plan=asked.plan,
            undo=asked.undo,
            budgets=budgets_of(asked.budgets),
            confirm=confirm,
            resume=asked.resume,
            untold=tuple(asked.untold),
        )
        tried = rehearse.PARTS[asked.part](request)
    if isinstance(tried, Trial):
        return TrialAnswer(changed=True, rehearsal=tried)
    return TriedRevertAnswer(changed=True, rehearsal=tried)
