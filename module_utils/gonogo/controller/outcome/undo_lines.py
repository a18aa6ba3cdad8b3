"""What taking a migration back would do to the schema, for the terminal: in the order it happens.

The catalog says what differs, sorted by name. A table takes its columns, constraints and triggers
along, so they are told with it, where the first statement of the undo that names it comes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from ...contract.records.migration import Step

__all__ = ["change_lines", "without_meaning"]

_SHOWN = 20

_NAME = re.compile(r'"(?:[^"]|"")+"|[^\s.(),;"]+')
_PATH = re.compile(rf"(?:{_NAME.pattern})(?:\.(?:{_NAME.pattern}))*")
_TABLE = "table "
_COLUMN = "column "
_COUNTED = ("column", "constraint", "trigger")
_PLACE = re.compile(r"^\d+ ")
_NEVER = (None, None)
# A definition of so many characters fits into a line.
_SHORT = 200


def without_meaning(names: Sequence[str]) -> str:
    """What is not as it was before the migration, where that is no fault."""
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        "not as before, without a meaning for rows, constraints and rights: "
        f"{', '.join(names[:_SHOWN])}{more}"
    )


def change_lines(
    changes: Sequence[str],
    removed: Collection[str],
    steps: Sequence[Step],
    became: Mapping[str, tuple[str | None, str | None]] | None = None,
) -> list[str]:
    """One line for each change but for those that go with their table.

    `changes` are names as `schema_catalog.compare` has them, `removed` those of them that are there
    no more, `steps` those of the undo, `became` the definitions of the others before and after.
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
    said = {name: f"drops {name}{_with(parts[name])}" for name in tables}
    for name in alone:
        said[name] = (
            f"drops {name}"
            if name in removed
            else _changed(name, *(became or {}).get(name, _NEVER))
        )
    return [said[name] for name in sorted(said, key=lambda one: (_position(one, texts), one))]


def _changed(name: str, before: str | None, after: str | None) -> str:
    """What becomes of an object that is there afterwards."""
    if name.startswith(_COLUMN):
        # What stands first is its place among the columns.
        before, after = (text and _PLACE.sub("", text) for text in (before, after))
    if before is None and after is not None:
        return f"makes {name} again" + (f": {after}" if len(after) <= _SHORT else "")
    if before is None or after is None or max(len(before), len(after)) > _SHORT:
        return f"changes {name}"
    return f"changes {name}: {before or 'nothing'} becomes {after or 'nothing'}"


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
