"""Find out what has become of a deployment that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import application_name
from ...contract.records.migration import Plan
from ...contract.records.reading import plain, read
from ..migrate.deployment import find_out
from ..session import exclusive
from ..session.connection import connect
from ..session.identity import observe
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


_STAGE = "found"


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`found`: the record `Deployment`, with `held` None and `others` empty.

    Where somebody else is at work, whose deployment it may be, nothing is found: `held` and
    `others` are as `target.run` returns them.
    """
    del check_mode  # It changes nothing.
    run_id = params["run_id"]
    plan = read(Plan, params["plan"], file="the plan")
    with connect(
        login_of(params),
        name=application_name(run_id, _STAGE),
        timeouts=timeouts_of(params),
        read_only=True,
    ) as connection:
        # The run that asks may have the lock itself.
        occupants = exclusive.enter(
            connection,
            observed=observe(connection),
            declared=declared_of(params),
            fence=params["fence"],
            run_id=run_id,
            stronger_login=True,
        )
        found = None if occupants else find_out(connection, plan, params["schema_before"])
    return {"changed": False, **occupants.answer(), "found": plain(found)}
