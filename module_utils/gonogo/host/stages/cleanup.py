"""Rehearse the removal of a run's rows, or do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    declared={"type": "dict", "required": True},
    ledger={"type": "list", "elements": "dict", "required": True},
    script={"type": "str", "required": True},
    fence={"type": "list", "elements": "str", "default": []},
    approved_content={"type": "str"},
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `carry_out`."""
    provide_psycopg(params)
    from ..checks.cleanup import carry_out

    result = carry_out(
        login_of(params),
        run_id=params["run_id"],
        declared=params["declared"],
        ledger=params["ledger"],
        script=params["script"],
        approved_content=None if check_mode else params["approved_content"],
        fence=params["fence"],
        timeouts=timeouts_of(params),
    )
    return {"changed": result["committed"], **result}
