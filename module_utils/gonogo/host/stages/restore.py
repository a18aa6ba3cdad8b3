"""Look at what restoring a backup would do, or do it."""

from __future__ import annotations

from pathlib import Path

from ...contract.options.restore import RestoreRequest
from ...contract.records.answers import RestoreAnswer
from ..restore.replace import Request, restore
from .common import login_of

__all__ = ["run"]


def run(asked: RestoreRequest, *, check_mode: bool) -> RestoreAnswer:
    """The plan of it, and what came of it."""
    request = Request(
        login=login_of(asked.login),
        run_id=asked.run_id,
        declared=asked.declared,
        archive=Path(asked.file),
        sha256=asked.sha256,
        maintenance=asked.maintenance,
        stamp=asked.stamp,
        pg_bin=asked.pg_bin,
        jobs=asked.jobs,
        fence=asked.fence,
        timeouts=asked.timeouts,
    )
    outcome = restore(request, approved_content=None if check_mode else asked.approved_content)
    return RestoreAnswer(
        changed=outcome.done is not None,
        held=outcome.occupants.held,
        others=outcome.occupants.others,
        plan=outcome.plan,
        done=outcome.done,
    )
