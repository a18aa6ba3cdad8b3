"""The tokens of a SQL text, as PostgreSQL's own scanner finds them.

Follows the scanner with `standard_conforming_strings` on: quotes and their continuation on the
next line, `E''`, `U&''`, dollar quotes, nested comments, quoted identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import literals

__all__ = ["Lexeme", "LexicalError", "Token", "lexemes", "upper"]

_LETTER = r"A-Za-z_\x80-\U0010ffff"
_LEXEMES = re.compile(
    rf"""
      (?P<blank>[ \t\r\n\f\v]+|--[^\r\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]')
    | (?P<string>(?:[uU]&|[bBxXnN])?')
    | (?P<quoted>(?:[uU]&)?")
    | (?P<word>[{_LETTER}][{_LETTER}0-9$]*)
    | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$)
    | (?P<number>\$?[0-9][0-9A-Za-z_.]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r'(?:[^"]|"")*+"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")

# The server cuts a longer name, at a whole character.
_NAME_BYTES = 63


class LexicalError(Exception):
    """A text that no server could read: what begins in `line` is wrong."""

    def __init__(self, line: int, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.line, self.problem, self.hint = line, problem, hint


@dataclass(frozen=True)
class Token:
    """`kind` is word, quoted, string, number or sign.

    `text` of a word is in upper case, of a quoted identifier what stands between the quotes, of
    anything else what stands in the file. `raw` is always that; a word's name is `name`.
    """

    kind: str
    text: str
    raw: str
    line: int

    @property
    def name(self) -> str:
        """The identifier as the server knows it."""
        # The server folds ASCII letters only in UTF-8 databases.
        folded = (
            self.text
            if self.kind == "quoted"
            else "".join(c.lower() if c.isascii() else c for c in self.raw)
        )
        kept = folded.encode("utf-8", "surrogatepass")[:_NAME_BYTES]
        return kept.decode("utf-8", "ignore")

    @property
    def value(self) -> str | None:
        """What a string constant says; None for any other token, and where only the server's
        encoding tells."""
        return literals.value(self.raw) if self.kind == "string" else None

    def escaped_by(self, sign: Token) -> Token:
        """The same token, of `U&` and with UESCAPE and `sign` behind it."""
        raw = f"{self.raw} UESCAPE {sign.raw}"
        text = literals.identifier(raw) if self.kind == "quoted" else raw
        return Token(self.kind, text, raw, self.line)


@dataclass(frozen=True)
class Lexeme:
    """What stands from `start` to `end`. `kind` is blank (space, or a comment to the end of its
    line), comment, or a token's; `text` as that of a token."""

    kind: str
    start: int
    end: int
    line: int
    text: str


def lexemes(text: str, position: int = 0, line: int = 1) -> Iterator[Lexeme]:
    """All of a text from `position` on, which is in `line`. Raises LexicalError."""
    while position < len(text):
        kind, end, content = _lexeme(text, position, line)
        yield Lexeme(kind, position, end, line, content)
        line += text.count("\n", position, end)
        position = end


def upper(word: str) -> str:
    """A word in upper case, as the server compares keywords: letters of ASCII only."""
    if word.isascii():
        return word.upper()
    return "".join(c.upper() if c.isascii() else c for c in word)


def _lexeme(text: str, position: int, line: int) -> tuple[str, int, str]:
    """Kind, end and text of what begins at `position`."""
    match = _LEXEMES.match(text, position)
    assert match is not None
    kind, end = str(match.lastgroup), match.end()
    if kind == "comment":
        return kind, _closed(_after_comment(text, end), line, "a comment"), ""
    if kind in {"string", "escaped"}:
        closing = literals.closing(text, end, escapes=kind == "escaped")
        end = _closed(closing, line, "a quoted text")
        return "string", end, text[position:end]
    if kind == "quoted":
        closed = _QUOTED.match(text, end)
        end = _closed(closed and closed.end(), line, "a quoted identifier")
        return kind, end, literals.identifier(text[position:end])
    if kind == "dollar":
        found = text.find(match.group(), end)
        after = found + len(match.group()) if found >= 0 else None
        end = _closed(after, line, f"a text in {match.group()}")
        return "string", end, text[position:end]
    if kind == "word":
        return kind, end, upper(match.group())
    return kind, end, match.group()


def _closed(end: int | None, line: int, what: str) -> int:
    if end is None:
        raise LexicalError(line, f"{what} begins here and does not end")
    return end


def _after_comment(text: str, position: int) -> int | None:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return None
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position
