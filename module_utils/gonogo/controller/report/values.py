"""Values of evidence as people read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...contract import canonical
from ...contract.errors import shown
from ...contract.records.reading import plain
from ...contract.records.run import Target

__all__ = [
    "Row",
    "count",
    "cut",
    "database",
    "in_lines",
    "in_one_line",
    "listed",
    "moment",
    "number",
    "pairs",
    "rows",
    "seconds",
    "size",
    "steps",
    "value",
]

# A label and its value.
Row = tuple[str, str]

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_LIMIT = 2000
_LONG = 160
_LINE_END = re.compile(r"([:,;]?)[ \t]*\n\s*")


def value(found: Any) -> str:
    """A JSON value: text as it is, booleans as words, objects as JSON."""
    if found is None:
        return "unknown"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, (list, tuple)):
        return ", ".join(map(_string, found))
    return _string(found)


def _string(found: Any) -> str:
    return found if isinstance(found, str) else canonical.line(found)


def pairs(found: object) -> str:
    """`database orders_staging, environment staging`, without what is not there."""
    items = found.items() if isinstance(found, Mapping) else ()
    return ", ".join(f"{key} {value(item)}" for key, item in items if item not in (None, [], ""))


def rows(head: Mapping[str, object]) -> list[Row]:
    """A row for each value that is there."""
    return [(label, value(item)) for label, item in head.items() if item not in (None, [], (), "")]


def count(found: int, noun: str) -> str:
    return f"{number(found)} {noun}{'' if found == 1 else 's'}"


def number(found: int) -> str:
    """With commas between thousands."""
    return f"{found:,}"


def listed(names: Sequence[str], most: int, how: Callable[[str], str] = str) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(how, names[:most])) + more


def in_one_line(said: str) -> str:
    """A message without its line ends."""
    return _LINE_END.sub(lambda end: f"{end[1] or ';'} ", said.strip())


def cut(said: str, limit: int) -> str:
    """The beginning of a message, in one line."""
    return shown(in_one_line(said), limit=limit)


def in_lines(said: str) -> list[str]:
    """A long list of findings, an item a line; what is short or no list is one line."""
    whole = shown(said, limit=_LIMIT)
    return whole.split("; ") if len(whole) > _LONG else [whole]


def size(found: int) -> str:
    """Bytes."""
    for unit, name in _UNITS:
        if abs(found) >= unit:
            return f"{found / unit:.1f} {name}"
    return f"{found} B"


def seconds(found: float) -> str:
    """As exactly as it matters: what is below a second has three digits."""
    if found < 1:
        return f"{found:.3f} s"
    if found < 120:
        return f"{found:.1f} s"
    return f"{int(found) // 60} min {int(found) % 60} s"


def steps(record: object) -> str | None:
    """How long each step took, None where there was none."""
    taken = (plain(record) or {}).items()
    return ", ".join(f"{step.replace('_', ' ')} {each} s" for step, each in taken) or None


def moment(at: str) -> datetime | None:
    """A time of the chain; None for anything else."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if found.tzinfo else None


def database(target: Target | None) -> str:
    """Its name: as it answered, else as the inventory declares it."""
    return (target.observed or target.declared).database if target else ""
