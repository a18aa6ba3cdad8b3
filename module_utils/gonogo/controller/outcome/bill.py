"""The bill of a deployment as a report shows it: what each statement cost, and who waited."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["view"]

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def view(record: Mapping[str, Any], *, shown: Callable[[Any], str]) -> dict[str, Any]:
    """`head`: label and value of what was found and done; `lines`: one mapping per statement.

    Empty where the run deployed nothing. `shown` makes any value a text. What does not have the
    shape of a record is left out: evidence may have been touched.
    """
    if not record:
        return {"head": [], "lines": []}
    before, after = _mapping(record.get("before")), _mapping(record.get("after"))
    lines = [_line(line, shown) for line in _mappings(record.get("bill"))]
    head = {
        "done": record.get("action"),
        "the migration before": before.get("state"),
        "the migration after": after.get("state"),
        "statements": len(lines) or None,
        "seconds": record.get("seconds"),
        "attempts in vain": len(_mappings(record.get("attempts"))) or None,
        "contradictions": [c.get("text") for c in _mappings(after.get("contradictions"))],
        "unfinished indexes": [left.get("command") for left in _mappings(record.get("leftovers"))],
        "why it ended": _mapping(record.get("error")).get("message"),
    }
    said = [(label, shown(value)) for label, value in head.items() if value not in (None, [])]
    return {"head": said, "lines": lines}


def _line(line: Mapping[str, Any], shown: Callable[[Any], str]) -> dict[str, str]:
    waits = [
        f"{shown(wait.get('relation'))}: {shown(wait.get('blocks'))} for "
        f"{shown(wait.get('seconds'))} s"
        for wait in _mappings(line.get("waits"))
    ]
    locks = [
        f"{shown(lock.get('relation'))} {shown(lock.get('mode')).removesuffix('Lock')}"
        for lock in _mappings(line.get("locks"))
        if lock.get("existing")
    ]
    return {
        "place": f"{shown(line.get('file'))}:{shown(line.get('line'))}",
        "statement": shown(line.get("statement")),
        "seconds": shown(line.get("seconds")),
        "wal": _size(line.get("wal_bytes")),
        "size": _size(line.get("size_bytes")),
        "rewritten": ", ".join(shown(name) for name in _list(line.get("rewritten"))),
        "locks": ", ".join(locks),
        "waits": "; ".join(waits),
    }


def _size(value: Any) -> str:
    """Bytes as people read them."""
    if not isinstance(value, int):
        return ""
    for unit, name in _UNITS:
        if abs(value) >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value} B"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]
