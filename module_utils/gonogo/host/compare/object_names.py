"""What the name of an object in a schema (`schema_catalog`) says: its kind, its parts, its table.

Pure; Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ATTRIBUTES", "Named", "parsed", "subject_of", "words"]

# What is said of an object under a name of its own.
ATTRIBUTES = (
    "owner of ",
    "privileges of ",
    "comment on derived ",
    "comment on ",
    "tablespace of ",
    "triggers of ",
    "statistics of ",
)
# The longer first.
_KINDS = (
    "constraint of domain",
    "materialized view",
    "foreign table",
    "event trigger",
    "operator class",
    "operator family",
    "table",
    "view",
    "sequence",
    "column",
    "constraint",
    "index",
    "trigger",
    "rule",
    "policy",
    "statistics",
    "function",
    "procedure",
    "aggregate",
    "domain",
    "type",
    "publication",
    "schema",
    "operator",
    "collation",
    "cast",
)
# Of these the last part is a part of a relation, or of a domain.
_PARTS = ("column", "constraint", "trigger", "rule", "policy", "constraint of domain")
RELATIONS = ("table", "view", "materialized view", "foreign table")

_COMMENT = "comment on "
# A comment calls what it is on as the server identifies it.
_OF_RELATION = re.compile(r"[a-z ]+ (column .*)", re.DOTALL)
_ON_RELATION = re.compile(
    r'(?:table )?(constraint|trigger|rule|policy) ("(?:[^"]|"")*"|\S+) on (.*)', re.DOTALL
)
_PART = re.compile(r'(?:"((?:[^"]|"")*)"|([^".(),\s]+))(\.?)')
_INDEXED = re.compile(r"\bON (?:ONLY )?(?=[\w\"])")
_OWNED = re.compile(r", owned by (?=[\w\"])")
_OF_STATISTICS = re.compile(r"\bFROM (?=[\w\"])")
_WORD = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\x80-\U0010ffff][\w$]*)')


@dataclass(frozen=True)
class Named:
    """An object: its `kind`, the `parts` of its name without quotes, and the `table` (schema and
    name) that it belongs to, if to any. `column` is the one that a sequence belongs to."""

    kind: str
    parts: tuple[str, ...]
    table: tuple[str, ...] = ()
    column: str | None = None

    @property
    def own(self) -> str:
        """Its name, without what it is in."""
        return self.parts[-1] if self.parts else ""


def parsed(name: str, definition: str | None = None) -> Named:
    """The object of a name in a schema; the definition says the table of what is named without."""
    kind = next((one for one in _KINDS if name.startswith(f"{one} ")), "")
    parts = _parts(name[len(kind) :].lstrip() if kind else name)
    if kind in _PARTS:
        return Named(kind, parts, parts[:-1])
    text = definition or ""
    if kind == "index":
        return Named(kind, parts, _behind(_INDEXED, text))
    if kind == "statistics":
        return Named(kind, parts, _behind(_OF_STATISTICS, text))
    if kind == "sequence":
        owner = _behind(_OWNED, text)
        return Named(kind, parts, owner[:-1], owner[-1] if owner else None)
    return Named(kind, parts)


def subject_of(name: str) -> str | None:
    """The name of the object that this one says something of; None where it is an object itself."""
    of = next((word for word in ATTRIBUTES if name.startswith(word)), None)
    if of is None:
        return None
    subject = name[len(of) :]
    if not of.startswith(_COMMENT):
        return subject
    column, part = _OF_RELATION.fullmatch(subject), _ON_RELATION.fullmatch(subject)
    if column:
        return column[1]
    return f"{part[1]} {part[3]}.{part[2]}" if part else subject


def words(text: str | None) -> set[str]:
    """Every word of a definition that could be the name of something."""
    return {q.replace('""', '"') or plain.lower() for q, plain in _WORD.findall(text or "")}


def _behind(opening: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = opening.search(text)
    return _parts(text[found.end() :]) if found else ()


def _parts(text: str) -> tuple[str, ...]:
    found, position = [], 0
    while part := _PART.match(text, position):
        found.append(part[1].replace('""', '"') if part[1] is not None else part[2])
        position = part.end()
        if not part[3]:
            break
    return tuple(found)
