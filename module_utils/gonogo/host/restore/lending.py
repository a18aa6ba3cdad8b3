"""The rights to read that the archive gives an owner to tables of others: his stand-in needs them
too.

A CHECK may look at rows of another owner. The privileges of an archive are restored last; until
then nobody but the owner of a table may read it. So what an owner has been granted is lent to his
stand-in while rows are filled in: to read, in this database, and nothing else.

Pure functions; they know neither psycopg nor files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..archive.toc import Entry

__all__ = ["PUBLIC", "Grant", "grants"]

PUBLIC = None

_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*|\S')
_READ = {"SELECT", "ALL"}
_RELATIONS = {"TABLE", "SEQUENCE"}


@dataclass(frozen=True)
class Grant:
    """`statement` is a GRANT of SELECT without the role; `grantee` who has it, or `PUBLIC`."""

    statement: str
    grantee: str | None


def grants(entries: Iterable[Entry]) -> list[Grant]:
    """What may be read of tables, views and sequences, and by whom."""
    return [
        grant
        for entry in entries
        if entry.kind == "ACL"
        for statement in _statements(entry.definition)
        for grant in _read(statement)
    ]


def _statements(definition: str) -> Iterator[list[str]]:
    statement: list[str] = []
    for word in _TOKEN.findall(definition):
        if word != ";":
            statement.append(word)
            continue
        yield statement
        statement = []


def _read(statement: list[str]) -> Iterator[Grant]:
    """`GRANT SELECT(a),INSERT ON TABLE s.t TO r WITH GRANT OPTION` as pg_dump writes it."""
    if statement[:1] != ["GRANT"] or not {"ON", "TO"} <= set(statement):
        return
    on = statement.index("ON")
    to = len(statement) - 1 - statement[::-1].index("TO")
    if statement[on + 1] not in _RELATIONS or to + 1 >= len(statement):
        return
    grantee = statement[to + 1]
    for privilege in _privileges(statement[1:on]):
        if privilege[0] in _READ:
            words = ["SELECT", *privilege[1:], *statement[on:to]]
            yield Grant(
                f"GRANT {_joined(words)} TO",
                PUBLIC if grantee == "PUBLIC" else _name(grantee),
            )


def _privileges(words: list[str]) -> Iterator[list[str]]:
    """`SELECT ( a , b ) , INSERT` as two lists."""
    found: list[str] = []
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word == "," and not depth:
            yield found
            found = []
        else:
            found.append(word)
    if found:
        yield found


def _joined(words: list[str]) -> str:
    text = ""
    for word in words:
        text += word if word == "." or text.endswith(".") or not text else f" {word}"
    return text


def _name(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word
