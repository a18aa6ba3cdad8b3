"""Find out what has become of a deployment that was interrupted."""

from __future__ import annotations

from ...contract.login import application_name
from ...contract.options.deploy import FoundRequest
from ...contract.records.answers import FoundAnswer
from ..migrate.deployment import find_out
from ..session import exclusive
from ..session.connection import connect
from ..session.identity import observe
from .common import login_of

__all__ = ["run"]


_STAGE = "found"


def run(asked: FoundRequest, *, check_mode: bool) -> FoundAnswer:
    """Where somebody else is at work, whose deployment it may be, nothing is found."""
    del check_mode  # It changes nothing.
    with connect(
        login_of(asked.login),
        name=application_name(asked.run_id, _STAGE),
        timeouts=asked.timeouts,
        read_only=True,
    ) as connection:
        observed = observe(connection)
        # The run that asks may have the lock itself.
        occupants = exclusive.enter(
            connection,
            observed=observed,
            declared=asked.declared,
            fence=asked.fence,
            run_id=asked.run_id,
            stronger_login=True,
        )
        found = None if occupants else find_out(connection, asked.plan, asked.schema_before)
    return FoundAnswer(
        changed=False,
        held=occupants.held,
        others=occupants.others,
        found=found,
        database_oid=observed.database_oid,
    )
