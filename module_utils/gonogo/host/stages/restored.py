"""Find out what has become of a restore that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...contract.records.reading import plain
from ..restore.restored import find_out
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`found`: what became of it, None where somebody else is at work (`held` and `others`)."""
    del check_mode  # It changes nothing.
    intent, holds = params["intent"], params["holds"]
    occupants, found = find_out(
        login_of(params),
        run_id=params["restored_run_id"],
        by=params["run_id"],
        declared=declared_of(params),
        archive=Path(params["file"]),
        timeouts=timeouts_of(params),
        database_oid=intent["database_oid"],
        kept_as=intent["kept_as"],
        holds={name: (rows, digest) for name, (rows, digest) in holds.items()},
        fence=params["fence"],
    )
    return {"changed": False, **occupants.answer(), "found": found and plain(found)}
