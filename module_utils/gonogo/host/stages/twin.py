"""Restore the backup into a twin and prove that it equals its source; or remove the twin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .common import login_of, options, provide_psycopg

__all__ = ["SPEC", "run"]

SPEC = options(
    state={"type": "str", "choices": ["restored", "removed"], "default": "restored"},
    directory={"type": "path", "required": True},
    file={"type": "path"},
    sha256={"type": "str"},
    pg_bin={"type": "path"},
    server_bin={"type": "path"},
    jobs={"type": "int", "default": 0},
    space_factor={"type": "float", "default": 1.2},
    keep={"type": "bool", "default": False},
    scratch={"type": "bool", "default": False},
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `twin.stage.restored`; in state `removed`, `changed` says whether there was a twin."""
    provide_psycopg(params)
    from ..twin.stage import Request, remove, restored

    login, run_id = login_of(params), params["run_id"]
    # The keeper works elsewhere.
    directory = Path(params["directory"]).expanduser().absolute()
    if check_mode:
        return {"changed": True, "msg": f"would restore the backup in {directory}"}
    if params["state"] == "removed":
        return {"changed": remove(login, directory, run_id=run_id)}
    passed = ("sha256", "pg_bin", "server_bin", "jobs", "space_factor", "keep", "scratch")
    request = Request(
        login=login,
        run_id=run_id,
        archive=Path(params["file"]).expanduser(),
        directory=directory,
        **{key: params[key] for key in passed},
    )
    return {"changed": True, **restored(request)}
