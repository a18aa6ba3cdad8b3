"""What a statement asks of the rows that a table has already.

Read are the forms of ALTER TABLE and CREATE UNIQUE INDEX that look at every row: CHECK, UNIQUE,
PRIMARY KEY, FOREIGN KEY, and another type of a column. What is asked of a column that is filled
(NOT NULL) the server's own error says. A form that is not in this file asks nothing here: whoever
wants to know which rows it refuses is not told anything wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...contract.records.migration import Demand
from .lexer import lexemes
from .reader import Reader
from .statements import Piece

__all__ = ["demands"]

_UNCHECKED = {("NOT", "VALID"), ("NOT", "ENFORCED")}
_ORDER = {"ASC", "DESC", "NULLS"}
_BEHIND_A_TYPE = {"COLLATE", "USING"}


def demands(piece: Piece) -> tuple[Demand, ...]:
    """What a statement asks of rows, in order. Never raises."""
    if piece.verb not in {"ALTER", "CREATE"}:
        return ()
    reader = _Text(piece)
    if not reader.is_whole:
        return ()
    if reader.take("ALTER", "TABLE"):
        return tuple(_altered(reader))
    if reader.take("CREATE", "UNIQUE", "INDEX"):
        return tuple(_indexed(reader))
    return ()


class _Text(Reader):
    """Tokens, and the text that they stand in."""

    def __init__(self, piece: Piece) -> None:
        super().__init__(piece, qualified=False)
        spans = [
            (one.start, one.end, one.text)
            for one in lexemes(piece.text)
            if one.kind not in {"blank", "comment"}
        ]
        if spans and spans[-1][2] == ";":
            spans.pop()
        self._spans = [(start, end) for start, end, _ in spans]

    @property
    def is_whole(self) -> bool:
        """Whether each token is one word of the text: not where an escape has another's sign."""
        return len(self._spans) == len(self.tokens)

    def text(self, start: int, end: int) -> str:
        """The text of these tokens, with a blank in the place of what is between two lines."""
        pieces: list[str] = []
        for at in range(start, end):
            first, last = self._spans[at]
            if pieces and self._spans[at - 1][1] != first:
                pieces.append(" ")
            pieces.append(self.piece.text[first:last])
        return "".join(pieces)

    def name_text(self) -> str:
        """A name with its qualifiers, as it is written."""
        start = self.at
        self.name()
        return self.text(start, self.at)

    def inside(self) -> str | None:
        """What stands in the parentheses that come next; None where there are none."""
        if self.word != "(":
            return None
        start = self.at
        self.skip_parentheses()
        return self.text(start + 1, self.at - 1)

    def items(self) -> list[tuple[int, int]]:
        """Where the items of the list in parentheses that comes next begin and end."""
        if self.word != "(":
            return []
        start = self.at
        self.skip_parentheses()
        last, self.at = self.at, start + 1
        found = []
        while self.at < last:
            begin = self.at
            self._skip_to(last - 1)
            found.append((begin, self.at))
            self.at += 1
        self.at = last
        return found

    def _skip_to(self, last: int) -> None:
        """To the next comma outside of parentheses, or to `last`."""
        depth = 0
        while self.at < last:
            sign = self.tokens[self.at].text if self.tokens[self.at].kind == "sign" else ""
            if sign == "," and not depth:
                return
            depth += (sign in {"(", "["}) - (sign in {")", "]"})
            self.at += 1

    def end_of_item(self) -> int:
        """Where the action at hand ends."""
        start = self.at
        self._skip_to(len(self.tokens))
        end, self.at = self.at, start
        return end

    def words_until(self, end: int) -> list[str]:
        return [token.text if token.kind == "word" else "" for token in self.tokens[self.at : end]]


def _altered(reader: _Text) -> Iterator[Demand]:
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    table = reader.name_text()
    reader.take("*")
    while reader.at < len(reader.tokens):
        end = reader.end_of_item()
        yield from _action(reader, table, end)
        reader.at = end + 1


def _action(reader: _Text, table: str, end: int) -> Iterator[Demand]:
    if reader.take("ADD"):
        name = reader.last() if reader.take("CONSTRAINT") else None
        yield from _constraint(reader, table, name, end)
    elif reader.take("ALTER"):
        yield from _retyped(reader, table, end)


def _constraint(reader: _Text, table: str, name: str | None, end: int) -> Iterator[Demand]:
    words = reader.words_until(end)
    if any(pair in _UNCHECKED for pair in itertools.pairwise(words)):
        return
    if reader.take("CHECK"):
        condition = reader.inside()
        if condition:
            yield Demand("check", table, name, condition=condition)
    elif reader.take("FOREIGN", "KEY"):
        yield from _referring(reader, Demand("foreign key", table, name), words)
    elif reader.take("PRIMARY", "KEY") or reader.take("UNIQUE"):
        alike = _is_alike(reader)
        yield from _differing(reader, Demand("unique", table, name, nulls_alike=alike))


def _referring(reader: _Text, demand: Demand, words: Sequence[str]) -> Iterator[Demand]:
    columns = _texts(reader)
    if not columns or not reader.take("REFERENCES"):
        return
    parent = reader.name_text()
    yield replace(
        demand,
        keys=columns,
        parent=parent,
        parent_keys=_texts(reader),
        full=("MATCH", "FULL") in set(itertools.pairwise(words)),
    )


def _is_alike(reader: _Text) -> bool:
    """Whether two rows without a value are alike."""
    alike = reader.take("NULLS", "NOT", "DISTINCT")
    reader.take("NULLS", "DISTINCT")
    return alike


def _differing(reader: _Text, demand: Demand) -> Iterator[Demand]:
    keys = [_key(reader, start, end) for start, end in reader.items()]
    known = [key for key in keys if key is not None]
    if known and len(known) == len(keys):
        yield replace(demand, keys=tuple(known))


def _key(reader: _Text, start: int, end: int) -> str | None:
    """A column or an expression of an index, without its order; None where it has an operator
    class, by which other values may be equal."""
    for first in range(start, end):
        word = reader.tokens[first]
        if word.kind == "word" and first > start and word.text in _ORDER:
            end = first
            break
    at, reader.at = reader.at, start
    if reader.word == "(":
        reader.skip_parentheses()
    else:
        reader.name()
        if reader.word == "(":
            reader.skip_parentheses()
    if reader.take("COLLATE"):
        reader.name()
    whole, reader.at = reader.at >= end, at
    return reader.text(start, end) if whole else None


def _texts(reader: _Text) -> tuple[str, ...]:
    """The texts of a list in parentheses."""
    return tuple(reader.text(start, end) for start, end in reader.items())


def _retyped(reader: _Text, table: str, end: int) -> Iterator[Demand]:
    reader.take("COLUMN")
    column = reader.name_text()
    reader.take("SET", "DATA")
    if not reader.take("TYPE"):
        return
    words = reader.words_until(end)
    behind = [reader.at + number for number, word in enumerate(words) if word in _BEHIND_A_TYPE]
    type_ = reader.text(reader.at, behind[0] if behind else end)
    converted: str | None = column
    if "USING" in words:
        reader.at += words.index("USING") + 1
        converted = _cast(reader, end, type_)
    if converted is not None:
        yield Demand("type", table, None, keys=(converted,), type=type_)


def _cast(reader: _Text, end: int, type_: str) -> str | None:
    """What a USING converts to the very type, where it does nothing else: `x::type` or
    `CAST(x AS type)`, of a column or of what stands in parentheses."""
    while reader.word == "(" and _closing(reader) == end - 1:
        reader.at, end = reader.at + 1, end - 1
    start = reader.at
    if reader.take("CAST"):
        last = end - 1
        words = reader.words_until(last)
        if "AS" not in words or _closing(reader) != last:
            return None
        place = reader.at + words.index("AS")
        alone = words.count("AS") == 1 and _is(reader, place + 1, last, type_)
        return reader.text(reader.at + 1, place) if alone else None
    if reader.word == "(":
        reader.skip_parentheses()
    else:
        reader.name()
    value = (start, reader.at)
    if not reader.take(":", ":") or not _is(reader, reader.at, end, type_):
        return None
    return reader.text(*value)


def _closing(reader: _Text) -> int:
    """Where the parenthesis ends that comes next."""
    start = reader.at
    reader.skip_parentheses()
    end, reader.at = reader.at - 1, start
    return end


def _is(reader: _Text, start: int, end: int, type_: str) -> bool:
    return _plain(reader.text(start, end)) == _plain(type_)


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


def _indexed(reader: _Text) -> Iterator[Demand]:
    reader.take("CONCURRENTLY")
    reader.take("IF", "NOT", "EXISTS")
    name = None if reader.word == "ON" else reader.last()
    if not reader.take("ON"):
        return
    reader.take("ONLY")
    table = reader.name_text()
    if reader.take("USING"):
        reader.last()
    found = list(_differing(reader, Demand("unique", table, name)))
    if reader.take("INCLUDE"):
        reader.skip_parentheses()
    alike = _is_alike(reader)
    end = reader.end_of_item()
    words = reader.words_until(end)
    condition = None
    if "WHERE" in words:
        condition = reader.text(reader.at + words.index("WHERE") + 1, end)
    for demand in found:
        yield replace(demand, nulls_alike=alike, condition=condition)
