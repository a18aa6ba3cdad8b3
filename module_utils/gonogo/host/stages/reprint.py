"""Which definitions of two databases are only printed in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..compare.reprint import same
from ..compare.schema_catalog import Difference
from ..session.lock import session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`same`: as `reprint.same`. `login` is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    found = [Difference("different", *pair) for pair in params["definitions"]]
    with session(
        login_of(params),
        run_id=params["run_id"],
        stage="rehearsal",
        timeouts=timeouts_of(params),
    ) as connection:
        return {"changed": False, "same": same(connection, found)}
