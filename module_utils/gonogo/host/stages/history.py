"""What a migration tool has on record in a database, and which queries it has served."""

from __future__ import annotations

from ...contract.login import application_name
from ...contract.options.target import HistoryRequest
from ...contract.records.answers import HistoryAnswer
from ...contract.records.deployment import HistoryEntry
from ...contract.records.migration import HistoryPlan
from ..migrate import history
from ..migrate.served import served
from ..session.connection import connect
from .common import login_of

__all__ = ["run"]

_STAGE = "history"


def run(asked: HistoryRequest, *, check_mode: bool) -> HistoryAnswer:
    """Changes nothing."""
    del check_mode
    tool, _ = history.of(HistoryPlan(asked.tool, asked.schema, asked.expected))
    with connect(
        login_of(asked.login),
        name=application_name(asked.run_id, _STAGE),
        timeouts=asked.timeouts,
        read_only=True,
    ) as connection:
        entries, keys = tool.entries(connection), tool.keys(connection)
        queries = served(connection) if asked.queries else None
    kept = None if entries is None else tuple(HistoryEntry(*entry) for entry in entries)
    return HistoryAnswer(changed=False, entries=kept, keys=keys, queries=queries)
