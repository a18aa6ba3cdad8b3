"""Find out, on the twin, which checks can fail."""

from __future__ import annotations

from ...contract.options.rehearsal import SabotageRequest
from ...contract.records.answers import SabotageAnswer
from ..checks.sabotage import tried
from ..session.lock import session
from .common import login_of

__all__ = ["run"]


def run(asked: SabotageRequest, *, check_mode: bool) -> SabotageAnswer:
    """The login is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login = login_of(asked.login)
    result = tried(
        lambda: session(login, run_id=asked.run_id, stage="rehearsal", timeouts=asked.timeouts),
        asked.scripts,
        schema=asked.schema,
        tables=asked.tables,
    )
    return SabotageAnswer(changed=False, sabotage=result)
