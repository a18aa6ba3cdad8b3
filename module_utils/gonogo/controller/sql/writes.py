"""Which rows a statement may write, as far as its text says it.

A statement that is read here says which columns of which table it changes. One that runs code, or
writes inside of a query, may change whatever it names, and so may what a function or a trigger of
the migration names. Everything else changes no row that is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .lexer import Token
from .reader import Reader
from .statements import Piece

__all__ = ["Write", "names", "writes"]

# A name in SQL, wherever it stands: inside of a text as well.
_NAME = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\x80-\U0010ffff][\w$]*)')

# What may write anything that it names.
_ANYTHING = {
    "CALL",
    "DO",
    "EXECUTE",
    "EXPLAIN",
    "MERGE",
    "PREPARE",
    "SELECT",
    "VALUES",
    "WITH",
    "(",
}
_CODE = {"FUNCTION", "PROCEDURE", "RULE", "TRIGGER"}
_ENDS_OF_SET = {"FROM", "WHERE", "RETURNING", ";"}


@dataclass(frozen=True)
class Write:
    """What a statement may write in the `tables` of these names.

    `columns` are those whose values it sets in rows that are there, None where it may be any that
    `words` names; `rows` is whether it may add or remove rows, `retyped` whether it gives columns
    another type.
    """

    tables: Sequence[str]
    columns: Sequence[str] | None = ()
    rows: bool = False
    retyped: bool = False


def writes(piece: Piece) -> Write | None:
    """What a statement may write; None where it writes nothing. Never raises."""
    reader = Reader(piece)
    verb = reader.word
    reader.at += 1
    if verb in _READERS:
        return _READERS[verb](reader)
    if verb in _ANYTHING or (verb == "CREATE" and _CODE & _opening(piece)):
        return _anything(piece)
    return None


def names(text: str) -> Iterator[str]:
    """Every word of a text in SQL that could be the name of something."""
    for quoted, plain in _NAME.findall(text):
        yield quoted.replace('""', '"') or plain.lower()


def _opening(piece: Piece) -> set[str]:
    return {token.text for token in piece.tokens[:6] if token.kind == "word"}


def _anything(piece: Piece) -> Write:
    return Write(sorted({*names(piece.bare)}), None, rows=True)


def _updated(reader: Reader) -> Write:
    reader.take("ONLY")
    table = reader.last()
    while reader.at < len(reader.tokens) and not reader.take("SET"):
        reader.at += 1
    return Write([table], _targets(reader))


def _inserted(reader: Reader) -> Write:
    reader.take("INTO")
    table = reader.last()
    while reader.at < len(reader.tokens):
        if reader.take("DO", "UPDATE", "SET"):
            return Write([table], _targets(reader), rows=True)
        reader.at += 1
    return Write([table], rows=True)


def _removed(reader: Reader) -> Write:
    reader.take("FROM")
    reader.take("ONLY")
    return Write([reader.last()], rows=True)


def _emptied(reader: Reader) -> Write:
    return Write(sorted({*names(reader.piece.bare)}), rows=True)


def _copied(reader: Reader) -> Write:
    return Write([reader.last()], rows=True)


def _altered(reader: Reader) -> Write | None:
    if not reader.take("TABLE"):
        return None
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    table = reader.last()
    words = {token.text for token in reader.tokens if token.kind == "word"}
    if "TYPE" not in words:
        return None
    return Write([table], sorted({*names(reader.piece.bare)}), retyped=True)


def _targets(reader: Reader) -> list[str]:
    """The columns behind SET: a name before each `=`, or several in parentheses."""
    found: list[str] = []
    while reader.at < len(reader.tokens) and reader.word not in _ENDS_OF_SET:
        if reader.word == "(":
            inside = reader.at + 1
            reader.skip_parentheses()
            found += [token.name for token in reader.tokens[inside : reader.at] if _is_name(token)]
        else:
            found += reader.name()[:1]
        _skip_value(reader)
    return found


def _skip_value(reader: Reader) -> None:
    """To the next assignment, or to where they end."""
    depth = 0
    while reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        sign = token.text if token.kind == "sign" else ""
        if not depth and _ends_set(reader):
            return
        reader.at += 1
        if sign == "," and not depth:
            return
        depth += (sign in {"(", "["}) - (sign in {")", "]"})


def _ends_set(reader: Reader) -> bool:
    # IS DISTINCT FROM is part of a value.
    before = reader.tokens[reader.at - 1].text
    return reader.word in _ENDS_OF_SET and (reader.word, before) != ("FROM", "DISTINCT")


def _is_name(token: Token) -> bool:
    return token.kind in {"word", "quoted"}


_READERS = {
    "UPDATE": _updated,
    "INSERT": _inserted,
    "DELETE": _removed,
    "TRUNCATE": _emptied,
    "COPY": _copied,
    "ALTER": _altered,
}
