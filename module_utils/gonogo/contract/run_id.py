"""The id of a run: when it began, and six random digits that tell it from others of that second.

`20260131T120000Z-0a1b2c`. It names the run's evidence, sessions, files and databases.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

__all__ = ["PATTERN", "is_run_id", "new_run_id", "parts"]

# For patterns of names that a run id is part of.
PATTERN = r"\d{8}T\d{6}Z-[0-9a-f]{6}"

_PARTS = re.compile(r"(\d{8}T\d{6})Z-([0-9a-f]{6})")
_BEGAN = "%Y%m%dT%H%M%S"


def new_run_id(now: datetime) -> str:
    """The id of a run that begins now; ids sort by time. `now` must know its time zone."""
    if now.tzinfo is None:
        raise ValueError("a run id needs a time with its zone")
    return f"{now.astimezone(timezone.utc):{_BEGAN}}Z-{secrets.token_hex(3)}"


def is_run_id(text: str) -> bool:
    return _PARTS.fullmatch(text) is not None


def parts(run_id: str) -> tuple[datetime, int] | None:
    """When the run began (UTC) and its random number; None for what is no run id."""
    found = _PARTS.fullmatch(run_id)
    if found is None:
        return None
    return datetime.strptime(found[1], _BEGAN).replace(tzinfo=timezone.utc), int(found[2], 16)
