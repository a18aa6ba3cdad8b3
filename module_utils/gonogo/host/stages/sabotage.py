"""Find out, on the twin, which checks can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    scripts={"type": "list", "elements": "dict", "required": True},
    schema={"type": "str", "required": True},
    tables={"type": "list", "elements": "str", "required": True},
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`sabotage`: as `sabotage.tried` returns it. `login` is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    provide_psycopg(params)
    from ..checks.sabotage import tried
    from ..session.lock import session

    login, run_id = login_of(params), params["run_id"]
    result = tried(
        lambda: session(login, run_id=run_id, stage="rehearsal", timeouts=timeouts_of(params)),
        params["scripts"],
        schema=params["schema"],
        tables=params["tables"],
    )
    return {"changed": False, "sabotage": result}
