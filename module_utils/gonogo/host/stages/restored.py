"""Find out what has become of a restore that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..restore.restored import find_out
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """As `restored.find_out`."""
    del check_mode  # It changes nothing.
    passed = {key: params[key] for key in ("intent", "holds", "fence")}
    answer = find_out(
        login_of(params),
        run_id=params["restored_run_id"],
        by=params["run_id"],
        declared=declared_of(params),
        archive=Path(params["file"]),
        timeouts=timeouts_of(params),
        **passed,
    )
    return {"changed": False, **answer}
