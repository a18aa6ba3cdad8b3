"""A SQL file, cut into its statements as the server would cut it.

The pieces are exact: put together again they are the file, byte for byte. Each is sent as it
stands, so a position the server names is a position in the file.

Follows PostgreSQL's own scanner with `standard_conforming_strings` on: quotes, `E''`, dollar
quotes, nested comments, quoted identifiers, parentheses and `BEGIN ATOMIC` bodies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

__all__ = ["Piece", "Token", "pieces", "read"]

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
_STRING = re.compile(r"(?:[^']|'')*+'")
_ESCAPED = re.compile(r"(?:[^'\\]|\\.|'')*+'", re.DOTALL)
_QUOTED = re.compile(r'(?:[^"]|"")*+"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")

_CONTROL = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
_BUDGETS = {
    "LOCK_TIMEOUT",
    "STATEMENT_TIMEOUT",
    "TRANSACTION_TIMEOUT",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT",
    "IDLE_SESSION_TIMEOUT",
}


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
        if self.kind == "quoted":
            return self.text
        # The server folds ASCII letters only in UTF-8 databases.
        return "".join(c.lower() if c.isascii() else c for c in self.raw)


@dataclass(frozen=True)
class Piece:
    """A statement with the comments before it and its semicolon; at the end of a file perhaps
    only what is left. `line` is that of its first word (of its first character without one)."""

    text: str
    line: int
    first_line: int
    tokens: tuple[Token, ...]

    @property
    def verb(self) -> str:
        """The first word in upper case; empty where there is no statement."""
        return self.tokens[0].text if self.tokens else ""

    @property
    def opening(self) -> str:
        """The first words, for people."""
        return " ".join(self.text[self._start() :].split())[:80].rstrip("; ")

    @property
    def code(self) -> str:
        """The statement without the comments before it."""
        return self.text[self._start() :]

    def words(self) -> list[str]:
        """Every token's text, in order."""
        return [token.text for token in self.tokens]

    def _start(self) -> int:
        position = 0
        while position < len(self.text):
            match = _LEXEMES.match(self.text, position)
            assert match is not None
            if match.lastgroup == "blank":
                position = match.end()
            elif match.lastgroup == "comment":
                position = _after_comment(self.text, match.end()) or len(self.text)
            else:
                return position
        return 0


def read(path: Path) -> list[Piece]:
    """The statements of a file. Raises InputError for what cannot be deployed, with its line."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path.name}:{line}: is not UTF-8", file=str(path)) from None
    if text.startswith("\ufeff"):
        raise InputError(
            f"{path.name}:1: begins with a byte order mark",
            file=str(path),
            hint="Save it as UTF-8 without one.",
        )
    try:
        found = [piece for piece in pieces(text) if piece.tokens]
        for piece in found:
            _check(piece)
    except _Refusal as refusal:
        raise InputError(
            f"{path.name}:{refusal.line}: {refusal.problem}", file=str(path), hint=refusal.hint
        ) from None
    return found


class _Refusal(Exception):  # noqa: N818 - becomes the InputError of a file
    def __init__(self, line: int, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.line, self.problem, self.hint = line, problem, hint


def pieces(text: str) -> list[Piece]:
    """Cut a text; the pieces' texts, joined, are the text. `read` says what is wrong with it."""
    found: list[Piece] = []
    tokens: list[Token] = []
    start = position = depth = bodies = 0
    line = first_line = 1
    while position < len(text):
        kind, end, content = _lexeme(text, position, line)
        if kind not in {"blank", "comment"}:
            raw = text[position:end]
            token = Token(kind, content if content is not None else raw, raw, line)
            if raw == "\\":
                raise _Refusal(
                    line,
                    "a backslash outside of quotes: psql's own commands cannot be deployed",
                    "Write SQL only; what belongs together is one file, or several in runbook.yml.",
                )
            if raw == ";" and not depth and not bodies:
                found.append(_piece(text[start:end], first_line, tokens))
                start, first_line, tokens = end, line, []
                position = end
                continue
            tokens.append(token)
            depth = max(0, depth + (raw == "(") - (raw == ")"))
            if kind == "word" and not depth:
                bodies = _bodies(tokens, bodies)
        line += text.count("\n", position, end)
        position = end
    if start < len(text):
        found.append(_piece(text[start:], first_line, tokens))
    return found


def _piece(text: str, first_line: int, tokens: list[Token]) -> Piece:
    return Piece(text, tokens[0].line if tokens else first_line, first_line, tuple(tokens))


def _lexeme(text: str, position: int, line: int) -> tuple[str, int, str | None]:
    """Kind, end and content of what begins at `position`."""
    match = _LEXEMES.match(text, position)
    assert match is not None
    kind, end = str(match.lastgroup), match.end()
    if kind == "comment":
        after = _after_comment(text, end)
        return kind, _closed(after, line, "a comment"), None
    if kind in {"string", "escaped"}:
        closing = (_ESCAPED if kind == "escaped" else _STRING).match(text, end)
        return "string", _closed(closing and closing.end(), line, "a quoted text"), None
    if kind == "quoted":
        closing = _QUOTED.match(text, end)
        end = _closed(closing and closing.end(), line, "a quoted identifier")
        return kind, end, text[match.end() : end - 1].replace('""', '"')
    if kind == "dollar":
        found = text.find(match.group(), end)
        after = found + len(match.group()) if found >= 0 else None
        return "string", _closed(after, line, f"a text in {match.group()}"), None
    if kind == "word":
        return kind, end, match.group().upper()
    if kind == "sign" and match.group() == "\0":
        raise _Refusal(line, "a NUL character")
    return kind, end, None


def _closed(end: int | None, line: int, what: str) -> int:
    if end is None:
        raise _Refusal(line, f"{what} begins here and does not end")
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


def _bodies(tokens: list[Token], bodies: int) -> int:
    """How deep in BEGIN ATOMIC ... END we are after the last token, a word."""
    last = tokens[-1].text
    if not bodies:
        opened = last == "ATOMIC" and len(tokens) > 1 and tokens[-2].text == "BEGIN"
        made = {token.text for token in tokens[:4]}
        return int(opened and tokens[0].text == "CREATE" and bool(made & {"FUNCTION", "PROCEDURE"}))
    if last == "CASE":
        return bodies + 1
    return bodies - 1 if last == "END" else bodies


def _check(piece: Piece) -> None:
    """Refuse what a deployment decides itself, and what needs more than a statement."""
    words = piece.words()
    verb, line = piece.verb, piece.line
    if verb in _CONTROL or words[:2] in (["PREPARE", "TRANSACTION"], ["SET", "TRANSACTION"]):
        raise _Refusal(
            line,
            f"{' '.join(words[:2])}: the file decides over its transaction",
            "Take it out: a deployment opens and ends the transaction. Files that must not run "
            "in one are declared with `transaction: none` in runbook.yml.",
        )
    if verb == "COPY" and {"STDIN", "STDOUT"} & {t.text for t in piece.tokens if t.kind == "word"}:
        raise _Refusal(
            line, "COPY with STDIN or STDOUT: there is no such stream", "Use INSERT statements."
        )
    named = {t.text.upper() for t in piece.tokens if t.kind in ("word", "quoted")}
    if verb in {"SET", "RESET"} and _BUDGETS & named:
        raise _Refusal(
            line,
            f"{' '.join(words[:3])}: the limits of a deployment are not a file's to set",
            "Set deploy_lock_timeout, deploy_statement_timeout and the like in the inventory.",
        )
