"""Try a migration and its undo on the twin."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

from ...contract.budgets import budgets_of
from ...contract.login import Timeouts, application_name
from ...contract.options.rehearsal import RehearsalRequest
from ...contract.records.answers import TrialAnswer, TriedRevertAnswer
from ...contract.records.rehearsal import Trial
from ..migrate import rehearse
from ..migrate.replay import Replay, Sessions
from ..progress import lending
from ..session.connection import connect
from ..session.lock import Witness, session
from ..twin.supervisor import kept_in
from .common import login_of

__all__ = ["run"]


def run(asked: RehearsalRequest, *, check_mode: bool) -> TrialAnswer | TriedRevertAnswer:
    """The record that the function of `migrate.rehearse` for `part` returns."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, run_id = login_of(asked.login), asked.run_id

    def open_session(*, patient: bool = False) -> Any:
        unlimited = Timeouts(statement="0", idle_in_transaction="0")
        return session(
            login,
            run_id=run_id,
            stage="rehearsal",
            timeouts=unlimited if patient else asked.timeouts,
        )

    with Witness(login, run_id=run_id, stage="rehearsal") as confirm, lending(confirm.lent):
        request = rehearse.Request(
            open_session,
            plan=asked.plan,
            undo=asked.undo,
            budgets=budgets_of(asked.budgets),
            confirm=confirm,
            resume=asked.resume,
            untold=tuple(asked.untold),
            replay=_replay(asked, confirm) if asked.replay else None,
        )
        tried = rehearse.PARTS[asked.part](request)
    if isinstance(tried, Trial):
        return TrialAnswer(changed=True, rehearsal=tried)
    return TriedRevertAnswer(changed=True, rehearsal=tried)


def _replay(asked: RehearsalRequest, confirm: Callable[[], None]) -> Replay:
    """The history of the folder, beside the twin."""
    plan, name = asked.replay, application_name(asked.run_id, "rehearsal")
    assert plan is not None
    kept = kept_in(Path(plan.home))
    if kept is None:
        plan = replace(plan, problem=plan.problem or "the twin has no note of its superuser")
    patient = Timeouts(statement="0", idle_in_transaction="0")
    sessions = Sessions(
        login=partial(connect, login_of(asked.login), name=name, timeouts=patient),
        superuser=partial(kept.session, name) if kept else partial(connect, login_of(asked.login)),
    )
    return Replay(plan, sessions, confirm, name=f"gonogo_replay_{asked.run_id}")
