"""Read again what the checks have judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import application_name
from ..compare.judged import read
from ..session.connection import connect
from .common import login_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`judged`: as `judged.read`."""
    del check_mode  # It only reads.
    name = application_name(params["run_id"], "verdict")
    with connect(login_of(params), name=name, read_only=True) as connection:
        return {"changed": False, "judged": read(connection, **params["objects"])}
