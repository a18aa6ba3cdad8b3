"""Look at what restoring a backup would do, or do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..restore.replace import Request, restore
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The plan of it, and what came of it; `committed` is whether it was done."""
    given = {
        **params,
        "login": login_of(params),
        "declared": declared_of(params),
        "archive": Path(params["file"]),
        "timeouts": timeouts_of(params),
    }
    request = Request(**{field.name: given[field.name] for field in fields(Request)})
    approved = None if check_mode else params["approved_content"]
    answer = restore(request, approved_content=approved).answer()
    return {"changed": answer["committed"], **answer}
