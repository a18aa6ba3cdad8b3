"""Which definitions of two databases are only printed in another way."""

from __future__ import annotations

from ...contract.options.rehearsal import ReprintRequest
from ...contract.records.answers import ReprintAnswer
from ..compare.reprint import same
from ..compare.schema_catalog import Difference
from ..session.lock import session
from .common import login_of

__all__ = ["run"]


def run(asked: ReprintRequest, *, check_mode: bool) -> ReprintAnswer:
    """As `reprint.same`. The login is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    found = [Difference("different", *pair) for pair in asked.definitions]
    with session(
        login_of(asked.login),
        run_id=asked.run_id,
        stage="rehearsal",
        timeouts=asked.timeouts,
    ) as connection:
        return ReprintAnswer(changed=False, same=same(connection, found))
