# ruff: noqa: S608 - what is put together is the server's own text, for a role without rights
"""Where the expressions in a printed definition are. Pure functions; they know no server.

The server keeps an expression as a tree and prints a text of it. Of what it has read back from that
text it may print another one: `a BETWEEN 1 AND 9 AND b` is kept as an AND within an AND, and read
back as one AND. So of two definitions, of which one was restored, the expressions are compared by
having a server read both (`reprint`); the rest is compared as it is. `cut` divides a definition of
`schema_catalog.read` accordingly.

The server quotes every name that could be taken for a word of its own. So a word in capital letters
outside of quotes and brackets is the server's, and here it says where an expression begins.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, NamedTuple, Union

__all__ = ["Body", "Definition", "Query", "Rule", "View", "body_of", "cut", "rule_of"]


@dataclass(frozen=True)
class View:
    """A SELECT that has the expression in it, as the text of a view."""

    text: str


@dataclass(frozen=True)
class Rule:
    """What a rule says behind the name of its relation."""

    event: str
    relation: str
    text: str


@dataclass(frozen=True)
class Body:
    """A routine whose body is parsed SQL: its name without a schema, and what stands behind it."""

    kind: str
    name: str
    text: str


Query = Union[View, Rule, Body]


@dataclass(frozen=True)
class Definition:
    """`frame` is the definition without its expressions; each of `queries` is one of them."""

    frame: str
    queries: Sequence[Query]


class _Token(NamedTuple):
    text: str
    start: int
    end: int
    # How many brackets it stands in; a bracket itself does not stand in its own.
    depth: int


class _Found(NamedTuple):
    """An expression at this place of the text."""

    start: int
    end: int
    query: Query


_TOKEN = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|(?P<tag>\$(?:[A-Za-z_\x80-\U0010ffff]'
    r"[\w\x80-\U0010ffff]*)?\$).*?(?P=tag)|--|/\*|\w+|\S",
    re.DOTALL,
)
_COMMENTS = ("--", "/*")
_ROUTINES = ("FUNCTION", "PROCEDURE")
_NAME = r'(?:"(?:[^"]|"")*"|[^".]+)'
# The first two names after the words that say what it is.
_QUALIFIED = re.compile(rf"{_NAME}\.{_NAME}")
# What may follow the default of a column.
_COLUMN = re.compile(
    r"(?P<default>.*?)(?: storage \w)?(?: compression \w)?(?: statistics \d+)?"
    r"(?: with [^()']*)?(?: options [0-9a-f]{32})?\Z",
    re.DOTALL,
)


class _Printed:
    """A definition as the server's words."""

    def __init__(self, name: str, text: str):
        self.name = name
        self.text = text
        self.tokens = list(_tokens(text))

    def find(self, *words: str, after: int = -1) -> int | None:
        """Number of the first of these words outside of brackets, behind a token."""
        for number in range(after + 1, len(self.tokens)):
            if self.tokens[number].depth == 0 and self.tokens[number].text in words:
                return number
        return None

    def closing(self, number: int) -> int:
        """Number of the bracket that closes this one."""
        depth = self.tokens[number].depth
        for other in range(number + 1, len(self.tokens)):
            if self.tokens[other].depth == depth:
                return other
        raise ValueError("a bracket is not closed")

    def within(self, number: int) -> tuple[int, int]:
        """Where what stands in this bracket begins and ends."""
        return self.tokens[number].end, self.tokens[self.closing(number)].start

    def qualified(self, number: int) -> tuple[str, int]:
        """The name that begins with a token, and the number of the token behind it."""
        end = number + 1
        while end + 1 < len(self.tokens) and self.tokens[end].text == ".":
            end += 2
        return self.text[self.tokens[number].start : self.tokens[end - 1].end], end

    def items(self, first: int, end: int) -> Iterator[_Token]:
        """Of the items of a list between two tokens, the expressions, not the columns."""
        depth = self.tokens[first].depth if first < end else 0
        begins = True
        for number in range(first, end):
            token = self.tokens[number]
            if token.depth != depth:
                continue
            if begins:
                bracket = number if token.text == "(" else self.qualified(number)[1]
                if bracket < end and self.tokens[bracket].text == "(":
                    last = self.tokens[self.closing(bracket)]
                    text = self.text[token.start : last.end]
                    yield _Token(text, token.start, last.end, depth)
            begins = token.text == ","


def _tokens(text: str) -> Iterator[_Token]:
    depth = 0
    for found in _TOKEN.finditer(text):
        word = found.group()
        if word in _COMMENTS:
            raise ValueError("no server prints a comment")
        depth -= word in (")", "]")
        yield _Token(word, found.start(), found.end(), depth)
        depth += word in ("(", "[")


def cut(name: str, definition: str) -> Definition:
    """Divide the definition of the object that `schema_catalog.read` calls so.

    One that is not printed as expected has no queries and is its own frame.
    """
    try:
        found = sorted(_found(name, definition))
    except (IndexError, ValueError):
        return Definition(definition, ())
    frame, position = [], 0
    for one in found:
        frame.append(definition[position : one.start])
        position = one.end
    frame.append(definition[position:])
    return Definition("\0".join(frame), tuple(one.query for one in found))


def _found(name: str, definition: str) -> Iterator[_Found]:
    for kind, expressions in _KINDS:
        if name.startswith(kind):
            yield from expressions(_Printed(name[len(kind) :], definition))
            return


# --- what has an expression, by kind -------------------------------------------------------------


def _expression(printed: _Printed, place: tuple[int, int], source: str = "") -> _Found:
    start, end = place
    # A function of anything: an expression may be of a type that no column can have.
    text = f"SELECT pg_catalog.num_nulls({printed.text[start:end]}) AS c{source}"
    return _Found(start, end, View(text))


def _from(printed: _Printed) -> str:
    """The table that the name of the object begins with."""
    found = _QUALIFIED.match(printed.name)
    if not found:
        raise ValueError("no qualified name")
    return f" FROM {found.group()}"


def _column(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("default")
    if number is None:
        return
    start = printed.tokens[number + 1].start
    found = _COLUMN.match(printed.text, start)
    if found:
        yield _expression(printed, found.span("default"), _from(printed))


def _domain(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("default")
    if number is not None:
        yield _expression(printed, (printed.tokens[number + 1].start, len(printed.text)))


def _constraint_of_domain(printed: _Printed) -> Iterator[_Found]:
    domain = _from(printed)[len(" FROM ") :]
    source = f" FROM (SELECT NULL::{domain} AS value) AS d"
    yield _expression(printed, printed.within(1), source)


def _constraint(printed: _Printed) -> Iterator[_Found]:
    source = _from(printed)
    if printed.tokens[0].text == "CHECK":
        yield _expression(printed, printed.within(1), source)
    elif printed.tokens[0].text == "EXCLUDE":
        elements, where = _elements(printed, source)
        yield from elements
        if where is not None:
            yield _expression(printed, printed.within(where + 1), source)


def _index(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("ON")
    using = printed.find("USING")
    if number is None or using is None:
        return
    only = printed.tokens[number + 1].text == "ONLY"
    source = f" FROM {printed.qualified(number + (2 if only else 1))[0]}"
    elements, where = _elements(printed, source, after=using)
    yield from elements
    if where is not None:
        yield _expression(printed, (printed.tokens[where + 1].start, len(printed.text)), source)


def _elements(printed: _Printed, source: str, after: int = -1) -> tuple[list[_Found], int | None]:
    """What an index is made of, and the number of the word behind which its condition stands."""
    bracket = printed.find("(", after=after)
    if bracket is None:
        raise ValueError("no elements")
    end = printed.closing(bracket)
    items = printed.items(bracket + 1, end)
    found = [_expression(printed, (item.start, item.end), source) for item in items]
    return found, printed.find("WHERE", after=end)


def _statistics(printed: _Printed) -> Iterator[_Found]:
    number, end = printed.find("ON"), printed.find("FROM")
    if number is None or end is None:
        return
    source = f" FROM {printed.qualified(end + 1)[0]}"
    for item in printed.items(number + 1, end):
        yield _expression(printed, (item.start, item.end), source)


def _table(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("partitioned")
    bracket = None if number is None else printed.find("(", after=number)
    if bracket is None:
        return
    for item in printed.items(bracket + 1, printed.closing(bracket)):
        yield _expression(printed, (item.start, item.end), _from(printed))


def _view(printed: _Printed) -> Iterator[_Found]:
    # What the server prints begins with a blank; what is said of the view before, ends with one.
    start = 0 if printed.text.startswith(" ") else printed.text.index(",  ") + 2
    query = printed.text[start:].rstrip(";")
    # A view of its own could not have columns of every type for everybody.
    yield _Found(start, len(printed.text), View(f"SELECT true FROM ({query}) AS q"))


def _policy(printed: _Printed) -> Iterator[_Found]:
    for word in ("using", "check"):
        number = printed.find(word)
        if number is not None:
            yield _expression(printed, printed.within(number + 1), _from(printed))


def _trigger(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("WHEN")
    if number is not None:
        table = _from(printed)[len(" FROM ") :]
        source = f" FROM {table} AS old, {table} AS new"
        yield _expression(printed, printed.within(number + 1), source)


def _rule(printed: _Printed) -> Iterator[_Found]:
    start, end, rule = _rule_in(printed)
    yield _Found(start, end, rule)


def _rule_in(printed: _Printed) -> tuple[int, int, Rule]:
    number = printed.find("TO")
    if number is None:
        raise ValueError("no rule")
    relation, behind = printed.qualified(number + 1)
    start, end = printed.tokens[behind].start, printed.text.rindex(";")
    return start, end, Rule(printed.tokens[number - 1].text, relation, printed.text[start:end])


def rule_of(printed: str) -> Rule:
    """A rule as `pg_get_ruledef` prints it."""
    return _rule_in(_Printed("", printed))[2]


def _routine(printed: _Printed) -> Iterator[_Found]:
    for start, end in _defaults(printed):
        yield _expression(printed, (start, end))
    body = _body_in(printed)
    if body:
        yield _Found(body[0], len(printed.text), body[1])


def _arguments(printed: _Printed) -> tuple[int, int]:
    """Numbers of the brackets around the arguments."""
    bracket = printed.find("(")
    if bracket is None:
        raise ValueError("no arguments")
    return bracket, printed.closing(bracket)


def _defaults(printed: _Printed) -> Iterator[tuple[int, int]]:
    opening, closing = _arguments(printed)
    start = None
    for number in range(opening + 1, closing + 1):
        token = printed.tokens[number]
        ends = number == closing or (token.depth == 1 and token.text == ",")
        if ends and start is not None:
            yield start, printed.tokens[number - 1].end
            start = None
        elif token.depth == 1 and token.text == "DEFAULT":
            start = printed.tokens[number + 1].start


def _body_in(printed: _Printed) -> tuple[int, Body] | None:
    """A body that is parsed, where it begins."""
    opening, closing = _arguments(printed)
    number = printed.find("BEGIN", "RETURN", after=closing)
    language = printed.find("LANGUAGE", after=closing)
    if number is None or language is None:
        return None
    if printed.tokens[3].text not in _ROUTINES:
        raise ValueError("no routine")
    start = printed.tokens[number].start
    arguments, position = [], printed.tokens[opening].start
    for first, end in _defaults(printed):
        arguments.append(printed.text[position:first].rstrip()[: -len("DEFAULT")])
        position = end
    arguments.append(printed.text[position : printed.tokens[language].start])
    text = "".join([*arguments, "LANGUAGE sql\n", printed.text[start:]])
    return start, Body(printed.tokens[3].text, printed.tokens[opening - 1].text, text)


def body_of(printed: str) -> Body:
    """A routine as `pg_get_functiondef` prints it. Raises ValueError where its body is a string."""
    found = _body_in(_Printed("", printed))
    if found is None:
        raise ValueError("no body")
    return found[1]


def _publication(printed: _Printed) -> Iterator[_Found]:
    number = printed.find("where")
    while number is not None:
        before = number - 1
        if printed.tokens[before].text == ")":
            depth = printed.tokens[before].depth
            before = next(
                n
                for n in range(before - 1, -1, -1)
                if printed.tokens[n].depth == depth and printed.tokens[n].text == "("
            )
            before -= 1
        first = before - 2 if printed.tokens[before - 1].text == "." else before
        source = f" FROM {printed.qualified(first)[0]}"
        end = printed.find(",", after=number)
        last = len(printed.text) if end is None else printed.tokens[end].start
        yield _expression(printed, (printed.tokens[number + 1].start, last), source)
        number = printed.find("where", after=number)


# The words that a name begins with; the longer ones first.
_KINDS: Sequence[tuple[str, Callable[[_Printed], Iterator[_Found]]]] = (
    ("column ", _column),
    ("constraint of domain ", _constraint_of_domain),
    ("constraint ", _constraint),
    ("domain ", _domain),
    ("index ", _index),
    ("statistics ", _statistics),
    ("table ", _table),
    ("view ", _view),
    ("materialized view ", _view),
    ("policy ", _policy),
    ("trigger ", _trigger),
    ("rule ", _rule),
    ("function ", _routine),
    ("procedure ", _routine),
    ("publication ", _publication),
)
