"""Apply a runbook's migration where it is absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...contract.budgets import budgets_of, tolerance_of
from ...contract.login import Timeouts
from ...contract.options.deploy import DeployRequest
from ...contract.records.answers import DeployAnswer
from ..files import approvals
from ..migrate.activity import look
from ..migrate.deployment import deploy
from ..migrate.watch import NoWatch, Watch
from ..progress import lending
from ..session.lock import Witness, session
from .common import login_of

__all__ = ["run"]

# Of the session that watches others: it waits for nothing, and costs the server little.
_GLANCE = Timeouts(lock="500ms", statement="2s", idle_in_transaction="10s")


def run(asked: DeployRequest, *, check_mode: bool) -> DeployAnswer:
    """An approval is used once."""
    login, run_id = login_of(asked.login), asked.run_id

    def connect() -> Any:
        return session(
            login,
            run_id=run_id,
            stage="deploy",
            timeouts=asked.timeouts,
        )

    def glance() -> Any:
        return session(login, run_id=run_id, stage="watch", timeouts=_GLANCE, read_only=True)

    allowed = tolerance_of(asked.let_go)
    only_look = check_mode or asked.plan_only
    if asked.approval and not only_look:
        assert asked.approvals  # what says so is named with it
        approvals.use(Path(asked.approvals).expanduser(), asked.approval, run_id=run_id)
    with Witness(login, run_id=run_id, stage="deploy") as confirm, lending(confirm.lent):
        budgets = budgets_of(asked.budgets)
        done = deploy(
            connect,
            asked.plan,
            budgets=budgets,
            confirm=confirm,
            resume=asked.resume,
            sealed=asked.sealed,
            check_only=only_look,
            around=lambda connection, skip: look(connection, asked.plan, budgets, skip),
            watch=Watch(glance, allowed) if allowed.is_limited else NoWatch(),
        )
    changed = done.record.changed
    return DeployAnswer(
        changed=bool(changed) or changed is None,
        deployment=done.record,
        catalog_before=done.catalog_before,
        catalog_after=done.catalog_after,
    )
