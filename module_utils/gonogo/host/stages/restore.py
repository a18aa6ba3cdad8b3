"""Look at what restoring a backup would do, or do it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    declared={"type": "dict", "required": True},
    file={"type": "path", "required": True},
    sha256={"type": "str", "required": True},
    maintenance={"type": "str", "required": True},
    stamp={"type": "str", "required": True},
    pg_bin={"type": "path"},
    jobs={"type": "int", "default": 0},
    approved_content={"type": "str"},
    fence={"type": "list", "elements": "str", "default": []},
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `restore.restore`."""
    provide_psycopg(params)
    from ..restore.replace import Request, restore

    passed = ("run_id", "declared", "sha256", "maintenance", "stamp", "pg_bin", "jobs", "fence")
    request = Request(
        login=login_of(params),
        archive=Path(params["file"]),
        timeouts=timeouts_of(params),
        **{key: params[key] for key in passed},
    )
    approved = None if check_mode else params["approved_content"]
    result = restore(request, approved_content=approved)
    return {"changed": result["committed"], **result}
