"""Find out what has become of a restore that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    restored_run_id={"type": "str", "required": True},
    declared={"type": "dict", "required": True},
    intent={"type": "dict", "required": True},
    holds={"type": "dict", "required": True},
    file={"type": "path", "required": True},
    fence={"type": "list", "elements": "str", "default": []},
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `restored.find_out`."""
    del check_mode  # It changes nothing.
    provide_psycopg(params)
    from ..restore.restored import find_out

    passed = {key: params[key] for key in ("declared", "intent", "holds", "fence")}
    answer = find_out(
        login_of(params),
        run_id=params["restored_run_id"],
        by=params["run_id"],
        archive=Path(params["file"]),
        timeouts=timeouts_of(params),
        **passed,
    )
    return {"changed": False, **answer}
