"""Which definitions of two databases are only printed in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .common import TIMEOUTS_SPEC, login_of, options, provide_psycopg, timeouts_of

__all__ = ["SPEC", "run"]

SPEC = options(
    # Each a name and two texts.
    definitions={"type": "list", "elements": "list", "required": True},
    timeouts=TIMEOUTS_SPEC,
)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`same`: as `reprint.same`. `login` is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    provide_psycopg(params)
    from ..compare.reprint import same
    from ..compare.schema_catalog import Difference
    from ..session.lock import session

    found = [Difference("different", *pair) for pair in params["definitions"]]
    with session(
        login_of(params),
        run_id=params["run_id"],
        stage="rehearsal",
        timeouts=timeouts_of(params),
    ) as connection:
        return {"changed": False, "same": same(connection, found)}
