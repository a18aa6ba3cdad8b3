"""Read again what the checks have judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import application_name
from .common import login_of, options, provide_psycopg

__all__ = ["OBJECTS", "SPEC", "run"]

OBJECTS = {
    "schema": {"type": "str", "required": True},
    "tables": {"type": "list", "elements": "str", "required": True},
    "functions": {"type": "list", "elements": "str", "required": True},
    "role": {"type": "str"},
}
SPEC = options(objects={"type": "dict", "required": True, "options": OBJECTS})


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`judged`: as `judged.read`."""
    del check_mode  # It only reads.
    provide_psycopg(params)
    from ..compare.judged import read
    from ..session.connection import connect

    name = application_name(params["run_id"], "verdict")
    with connect(login_of(params), name=name, read_only=True) as connection:
        return {"changed": False, "judged": read(connection, **params["objects"])}
