"""Find out, on the twin, which checks can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks.sabotage import tried
from ..session.lock import session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`sabotage`: as `sabotage.tried` returns it. `login` is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, run_id = login_of(params), params["run_id"]
    result = tried(
        lambda: session(login, run_id=run_id, stage="rehearsal", timeouts=timeouts_of(params)),
        params["scripts"],
        schema=params["schema"],
        tables=params["tables"],
    )
    return {"changed": False, "sabotage": result}
