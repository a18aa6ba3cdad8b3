"""Find out what has become of a deployment that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...contract.login import application_name
from ..migrate.carry_out import find_out
from ..session import identity, lock
from ..session.connection import connect
from ..session.identity import observe
from .common import declared_of, login_of, timeouts_of

__all__ = ["run"]


_STAGE = "found"


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`found`: as `migrate.carry_out.find_out`, with `held` None and `others` empty.

    Where somebody else is at work, whose deployment it may be, nothing is found: `held` and
    `others` are as `target.run` returns them.
    """
    del check_mode  # It changes nothing.
    run_id = params["run_id"]
    with connect(
        login_of(params),
        name=application_name(run_id, _STAGE),
        timeouts=timeouts_of(params),
        read_only=True,
    ) as connection:
        problems = identity.problems(declared_of(params), observe(connection))
        if problems:
            raise problems[0]
        lock.fence(connection, run_ids=params["fence"])
        held = lock.hold(connection)
        # The run that asks may have the lock itself.
        if held is not None and held.run_id == run_id:
            held = None
        others = lock.other_runs(connection, run_id=run_id)
        answer = {"held": asdict(held) if held else None, "others": others, "found": None}
        if not held and not others:
            answer["found"] = find_out(connection, params["plan"], params["schema_before"])
    return {"changed": False, **answer}
