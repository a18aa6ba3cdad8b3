"""Find out what has become of a restore that was interrupted."""

from __future__ import annotations

from pathlib import Path

from ...contract.options.restore import RestoredRequest
from ...contract.records.answers import RestoredAnswer
from ..restore.restored import find_out
from .common import login_of

__all__ = ["run"]


def run(asked: RestoredRequest, *, check_mode: bool) -> RestoredAnswer:
    """Nothing is found where somebody else is at work."""
    del check_mode  # It changes nothing.
    occupants, found = find_out(
        login_of(asked.login),
        run_id=asked.restored_run_id,
        by=asked.run_id,
        declared=asked.declared,
        archive=Path(asked.file),
        timeouts=asked.timeouts,
        database_oid=asked.intent.database_oid,
        kept_as=asked.intent.kept_as,
        holds=asked.holds,
        fence=asked.fence,
    )
    return RestoredAnswer(changed=False, held=occupants.held, others=occupants.others, found=found)
