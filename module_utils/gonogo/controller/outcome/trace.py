"""A deployment as a report shows it: what each statement cost, and who waited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...contract.records.deployment import Deployment
from ...contract.records.trace import StatementTrace

__all__ = ["View", "view"]

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


@dataclass(frozen=True)
class View:
    """`head`: label and value of what was found and done; `lines`: one mapping per statement."""

    head: list[tuple[str, str]]
    lines: list[dict[str, str]]


def view(record: Deployment | None, *, shown: Callable[[Any], str]) -> View:
    """Empty where the run deployed nothing. `shown` makes any value a text."""
    if record is None:
        return View([], [])
    before, after = record.before, record.after
    head = {
        "done": record.action,
        "the migration before": before.state if before else None,
        "the migration after": after.state if after else None,
        "statements": len(record.statements) or None,
        "seconds": record.seconds,
        "failed attempts": len(record.failed_attempts) or None,
        "contradictions": [c.text for c in after.contradictions] if after else [],
        "unfinished indexes": [left.command for left in record.leftovers],
        "why it ended": record.error.message if record.error else None,
    }
    said = [(label, shown(value)) for label, value in head.items() if value not in (None, [])]
    return View(said, [_line(one, shown) for one in record.statements])


def _line(one: StatementTrace, shown: Callable[[Any], str]) -> dict[str, str]:
    waits = [
        f"{shown(wait.relation)}: {shown(wait.blocks)} for {shown(wait.seconds)} s"
        for wait in one.waits
    ]
    locks = [
        f"{shown(lock.relation)} {shown(lock.mode).removesuffix('Lock')}"
        for lock in one.locks
        if lock.existing
    ]
    return {
        "place": f"{shown(one.file)}:{shown(one.line)}",
        "statement": shown(one.statement),
        "seconds": shown(one.seconds),
        "wal": _size(one.wal_bytes),
        "size": _size(one.size_bytes),
        "rewritten": ", ".join(shown(name) for name in one.rewritten),
        "locks": ", ".join(locks),
        "waits": "; ".join(waits),
    }


def _size(value: int) -> str:
    """Bytes as people read them."""
    for unit, name in _UNITS:
        if abs(value) >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value} B"
