"""A query as drivers of many languages write it, as the server reads it: with $1, $2 and so on.

Known are `$1` itself, `?` (JDBC, ODBC, Go, Rust), `:name` (SQLAlchemy, psql, JPA), `%s` and
`%(name)s` (Python). A query with `$1` in it is left as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lexer import Lexeme, lexemes

__all__ = ["numbered"]

# In a query's text between its quotes and comments. A colon of a cast or of a slice is none.
_FORMAT = re.compile(r"%s(?![A-Za-z0-9_])|%\((?P<name>[A-Za-z0-9_]+)\)s(?![A-Za-z0-9_])")
_NAMED = re.compile(r"(?<![:\w\]])(?<!\[):(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_MARK = re.compile(r"\?")
# Behind a `?` that stands for a value comes one of these words, or a sign; behind the operator `?`
# of jsonb comes another value.
_GO_ON = frozenset(
    [
        "AND",
        "AS",
        "ASC",
        "AT",
        "BETWEEN",
        "COLLATE",
        "DESC",
        "ELSE",
        "END",
        "ESCAPE",
        "EXCEPT",
        "FETCH",
        "FOR",
        "FROM",
        "GROUP",
        "HAVING",
        "ILIKE",
        "IN",
        "INTERSECT",
        "IS",
        "ISNULL",
        "JOIN",
        "LIKE",
        "LIMIT",
        "NOT",
        "NOTNULL",
        "OFFSET",
        "ON",
        "OR",
        "ORDER",
        "OVER",
        "RETURNING",
        "ROWS",
        "SET",
        "SIMILAR",
        "THEN",
        "UNION",
        "WHEN",
        "WHERE",
        "WITH",
    ]
)


def numbered(text: str) -> str:
    """The query with numbered placeholders."""
    found = [one for one in lexemes(text) if one.kind not in {"blank", "comment"}]
    if any(one.kind == "number" and one.text.startswith("$") for one in found):
        return text
    names: dict[str, int] = {}
    count = 0
    parts: list[str] = []
    last = 0
    for start, end, name in _placeholders(text, found):
        if name is None or name not in names:
            count += 1
        number = count if name is None else names.setdefault(name, count)
        parts += [text[last:start], f"${number}"]
        last = end
    return "".join([*parts, text[last:]])


def _placeholders(text: str, found: list[Lexeme]) -> Iterator[tuple[int, int, str | None]]:
    """Start, end and name of each, in order; None for one without a name."""
    behind = 0
    for number, one in enumerate(found):
        if one.start < behind or one.kind != "sign":
            continue
        following = found[number + 1] if number + 1 < len(found) else None
        for pattern in (_FORMAT, _NAMED, _MARK):
            match = pattern.match(text, one.start)
            if match and (pattern is not _MARK or _is_value(text, one, following)):
                behind = match.end()
                yield one.start, behind, match.groupdict().get("name")
                break


def _is_value(text: str, mark: Lexeme, following: Lexeme | None) -> bool:
    """Whether a `?` stands for a value. `?|` and `?&` are operators of jsonb."""
    if following is None or following.kind == "word":
        return following is None or following.text in _GO_ON
    if following.kind != "sign":
        return False
    if text[mark.end : mark.end + 1] in {"|", "&"}:
        return text[mark.end : mark.end + 2] == "||"
    return following.text not in {"(", "?"}
