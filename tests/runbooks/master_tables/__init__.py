"""For every check of the runbook 20251229010228_add_master_tables_final_v2: what it must notice,
and what it must not mind."""

from __future__ import annotations

from tests.runbooks.master_tables import (
    contradictions,
    important,
    invariants,
    lifecycle,
    preflight,
    runtime,
    schema,
)
from tests.runbooks.master_tables.records import BYSTANDER, Green, Red, make_roles

__all__ = ["BYSTANDER", "GREENS", "REDS", "Green", "Red", "make_roles"]

_MODULES = (preflight, schema, lifecycle, runtime, invariants, important, contradictions)

REDS: list[Red] = [red for module in _MODULES for red in module.REDS]
GREENS: list[Green] = [green for module in _MODULES for green in module.GREENS]
