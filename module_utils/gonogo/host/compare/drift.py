"""A database against the replay of its history: what is missing, what is different, what is beside.

An object is known by what it is, not by the name that the server gave it: a constraint, an index
or a sequence of another name that is the same for the same table is no drift. Neither is the order
of columns. Rights, owners and comments are not compared: they are given outside of migrations
everywhere. What is there in addition stands beside, and so does what somebody has tuned.

Pure; Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

from .object_names import ATTRIBUTES, RELATIONS, parsed, subject_of
from .schema_catalog import Difference, compare

__all__ = ["Sides", "counted", "drift", "without_children"]

# Of the host or of other servers, or of those who run the database.
_NOT_COUNTED = (
    *ATTRIBUTES,
    "default privileges ",
    "security label of ",
    "extension ",
    "version of extension ",
    "table of extension ",
    "dependency of ",
    "subscription ",
    "user mapping ",
    "large objects",
)
_POSITION = re.compile(r"^\d+ ")
_PART_OF = re.compile(r"partition of (?:\"(?:[^\"]|\"\")*\"|[^\",])+,")
_NEXT = re.compile(r"nextval\('((?:[^']|'')+)'::regclass\)")
_NAMED_ITSELF = {
    "index": re.compile(r"(?<=INDEX )(?:\"(?:[^\"]|\"\")*\"|\S+)(?= ON )"),
    "trigger": re.compile(r"(?<=TRIGGER )(?:\"(?:[^\"]|\"\")*\"|\S+) "),
    "statistics": re.compile(r"(?<=STATISTICS )(?:\"(?:[^\"]|\"\")*\"|[^\s\"]+)+"),
}
_RENAMED = ("constraint", "index", "trigger", "sequence", "statistics", "policy")
# What of a table, a column or an index is tuned where it runs.
_TUNED = re.compile(
    r"WITH \(fillfactor=[^)]*\)|(?:(?:toast )?with )?"
    r"(?:autovacuum_\w+|vacuum_\w+|log_autovacuum\w*|fillfactor|"
    r"toast_tuple_target|parallel_workers|n_distinct\w*)=[^,\s]+"
    r"|replica identity \S+|statistics \d+|storage \w|compression \w|clustered"
)
_TABLE, _COLUMN, _INDEX = "table ", "column ", "index "


@dataclass(frozen=True)
class Sides:
    """Two schemas, as `schema_catalog.read` has them: what should be there, and what is."""

    expected: Mapping[str, str]
    found: Mapping[str, str]

    @classmethod
    def of(
        cls,
        expected: Mapping[str, str],
        found: Mapping[str, str],
        *,
        tables: Collection[tuple[str, str]],
        schemas: Collection[str] = (),
    ) -> Sides:
        """What of both is compared: not the tool's own tables, nor a schema that only it has."""
        return cls(
            *(_normal(counted(one, tables=tables, schemas=schemas)) for one in (expected, found))
        )


def counted(
    schema: Mapping[str, str],
    *,
    tables: Collection[tuple[str, str]],
    schemas: Collection[str] = (),
    attributes: bool = False,
) -> dict[str, str]:
    """The schema without the tool's own tables; and, unless `attributes` are asked for, without
    what is not compared with a history."""
    left = {}
    for name, definition in schema.items():
        if not attributes and name.startswith(_NOT_COUNTED):
            continue
        subject = subject_of(name) or name
        it = parsed(subject, schema.get(subject, definition))
        if it.table[:2] in tables or it.parts[:2] in tables:
            continue
        if it.kind == "schema" and it.own in schemas:
            continue
        left[name] = definition
    return left


def drift(sides: Sides) -> tuple[list[Difference], list[Difference]]:
    """What is missing or different; and what stands beside."""
    wrong: list[Difference] = []
    beside: list[Difference] = []
    for one in _unpaired(compare(sides.expected, sides.found)):
        (beside if one.kind == "extra" or _is_tuned(one) else wrong).append(one)
    return without_children(wrong), without_children(beside)


def without_children(found: Sequence[Difference]) -> list[Difference]:
    """Without the parts of what is missing, or there in addition, as a whole."""
    whole = {
        (one.kind, parsed(one.name).parts)
        for one in found
        if one.kind != "different" and parsed(one.name).kind in RELATIONS
    }
    kept = []
    for one in found:
        it = parsed(one.name, one.first or one.second)
        if it.kind in RELATIONS or not it.table or (one.kind, it.table) not in whole:
            kept.append(one)
    return kept


def _normal(schema: Mapping[str, str]) -> dict[str, str]:
    normal = {}
    for name, definition in schema.items():
        text = definition
        if name.startswith(_COLUMN):
            text = _POSITION.sub("", _NEXT.sub(_own_sequence(schema, name), text))
        elif name.startswith(_INDEX):
            text = _PART_OF.sub("partition of an index,", text)
        normal[name] = text
    return normal


def _own_sequence(schema: Mapping[str, str], column: str) -> Callable[[re.Match[str]], str]:
    """Replaces the name of a sequence that belongs to the column whose default it is."""
    owned = f", owned by {column[len(_COLUMN) :]}"

    def replaced(call: re.Match[str]) -> str:
        sequence = schema.get("sequence " + call[1].replace("''", "'"), "")
        return "nextval(its own)" if sequence.endswith(owned) else call[0]

    return replaced


def _unpaired(found: Iterable[Difference]) -> list[Difference]:
    """Without what is there under another name."""
    differences = list(found)
    there: dict[object, list[Difference]] = {}
    for one in differences:
        key = _content(one)
        if one.kind == "extra" and key is not None:
            there.setdefault(key, []).append(one)
    paired: set[str] = set()
    for one in differences:
        if one.kind == "missing" and (same := there.get(_content(one))):
            paired |= {one.name, same.pop().name}
    return [one for one in differences if one.name not in paired]


def _content(one: Difference) -> object:
    """What an object is, whatever it is called; None where its name counts."""
    text = one.first if one.first is not None else one.second or ""
    it = parsed(one.name, text)
    if it.kind not in _RENAMED or not it.table:
        return None
    itself = _NAMED_ITSELF.get(it.kind)
    return (it.kind, it.table, it.column, itself.sub("", text, count=1) if itself else text)


def _is_tuned(one: Difference) -> bool:
    """Whether a difference is nothing but what somebody has tuned where the database runs."""
    if one.kind != "different" or not one.name.startswith((_TABLE, _COLUMN, _INDEX)):
        return False
    first, second = one.first or "", one.second or ""
    # What a migration has set has to be there.
    if any(setting not in second for setting in _TUNED.findall(first)):
        return False
    return _bare(first) == _bare(second)


def _bare(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", _TUNED.sub("", text)) if word]
