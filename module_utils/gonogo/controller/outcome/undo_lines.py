"""What taking a migration back would do to the schema, for the terminal: in the order it happens.

The catalog says what differs, sorted by name. A table takes its columns, constraints and triggers
along, so they are told with it, where the first statement of the undo that names it comes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from ...contract.records.migration import Step

__all__ = ["change_lines", "without_meaning"]

_SHOWN = 20

_NAME = re.compile(r'"(?:[^"]|"")+"|[^\s.(),;"]+')
_PATH = re.compile(rf"(?:{_NAME.pattern})(?:\.(?:{_NAME.pattern}))*")
_TABLE = "table "
_COUNTED = ("column", "constraint", "trigger")


def without_meaning(names: Sequence[str]) -> str:
    """What is not as it was before the migration, where that is no fault."""
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        "not as before, without a meaning for rows, constraints and rights: "
        f"{', '.join(names[:_SHOWN])}{more}"
    )


def change_lines(
    changes: Sequence[str], removed: Collection[str], steps: Sequence[Step]
) -> list[str]:
    """One line for each change but for those that go with their table.

    `changes` are names as `schema_catalog.compare` has them, `removed` those of them that are there
    no more, `steps` those of the undo.
    """
    texts = [one.text for step in steps for one in step.statements]
    tables = [name for name in changes if name in removed and name.startswith(_TABLE)]
    parts: dict[str, list[str]] = {table: [] for table in tables}
    alone: list[str] = []
    for change in changes:
        if change in parts:
            continue
        table = next((table for table in tables if _belongs(change, table)), None)
        (alone if table is None else parts[table]).append(change)
    found = [(_position(name, texts), name, "") for name in alone]
    found += [(_position(name, texts), name, _with(parts[name])) for name in tables]
    return [f"{name}{more}" for _, name, more in sorted(found)]


def _belongs(change: str, table: str) -> bool:
    name = table.removeprefix(_TABLE)
    return f" {name}." in change or change.endswith(f" {name}")


def _with(parts: Sequence[str]) -> str:
    counted = Counter(part.partition(" ")[0] for part in parts)
    said = [
        f"{counted[kind]} {kind}{'s' if counted[kind] > 1 else ''}"
        for kind in _COUNTED
        if counted[kind]
    ]
    return f", with {', '.join(said)}" if said else ""


def _position(change: str, texts: Sequence[str]) -> int:
    """Of the first statement that names it: a part by its table's name and its own."""
    where = change.rpartition(" of ")[2].rpartition(" on ")[2].partition(" ")[2]
    names = next(iter(_paths(where)), ())
    wanted = {names[:2], *((name,) for name in names[2:])}
    for number, text in enumerate(texts):
        if wanted <= {*_paths(text)}:
            return number
    return len(texts)


def _paths(text: str) -> list[tuple[str, ...]]:
    """The names in a text, each with what qualifies it."""
    return [
        tuple(name.strip('"').replace('""', '"') for name in _NAME.findall(path[0]))
        for path in _PATH.finditer(text)
    ]
