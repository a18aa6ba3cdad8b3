"""Unpack the psycopg that the controller has sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..driver import install

__all__ = ["SPEC", "run"]

SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "archive": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
}


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`directory`: where it lies. In check mode nothing is brought to the host."""
    directory = Path(params["directory"]).expanduser()
    if check_mode:
        changed = not directory.is_dir()
    else:
        changed = install(params["archive"], directory=directory, sha256=params["sha256"])
    return {"changed": changed, "directory": str(directory)}
