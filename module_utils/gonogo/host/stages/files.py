"""Place the runbook's SQL and compare checksums."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.private import place

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`written`: the files that were not there as they should be."""
    directory = Path(params["directory"]).expanduser()
    written = place(directory, params["files"], check_only=check_mode)
    return {"changed": bool(written), "directory": str(directory), "written": written}
