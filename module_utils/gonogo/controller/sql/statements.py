"""A SQL file, cut into its statements as the server would cut it.

The pieces are exact: put together again they are the file, byte for byte. Each is sent as it
stands, so a position the server names is a position in the file.

A semicolon ends a statement outside of parentheses and of a function's BEGIN ATOMIC. Such a body
is a list of statements, and its END stands where a statement could begin: an END elsewhere is the
end of a CASE, or a name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...contract.errors import InputError
from ..reading.faults import one_of_all
from .lexer import Lexeme, LexicalError, Token, lexemes

__all__ = ["Piece", "Token", "pieces", "read", "read_tools", "readable", "transaction_control"]

_CONTROL = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
# The ways to begin and to end a transaction, without WORK and TRANSACTION; and its modes.
_BEGINS = {("BEGIN",), ("START",)}
_ENDS = {("COMMIT",), ("END",)}
_MODES = {"ISOLATION", "LEVEL", "SERIALIZABLE", "REPEATABLE", "READ", "COMMITTED", "UNCOMMITTED"}
_MODES |= {"WRITE", "NOT", "DEFERRABLE", ","}
_BUDGETS = {
    "LOCK_TIMEOUT",
    "STATEMENT_TIMEOUT",
    "TRANSACTION_TIMEOUT",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT",
    "IDLE_SESSION_TIMEOUT",
}
# What decides how the server reads a file: it has to go on reading as the file was cut.
_READING = {
    "STANDARD_CONFORMING_STRINGS": {"ON", "TRUE", "YES", "1"},
    "CLIENT_ENCODING": {"UTF8", "UTF-8", "UNICODE"},
    "NAMES": {"UTF8", "UTF-8", "UNICODE"},
}
# How the rows behind COPY … FROM STDIN end.
_END_OF_ROWS = re.compile(r"^\\\.[ \t\r]*(?:\n|\Z)", re.MULTILINE)
_END_OF_LINE = re.compile(r"[^\r\n]*")


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
        return " ".join(self.code.split())[:80].rstrip("; ")

    @property
    def code(self) -> str:
        """The statement without the comments before it."""
        for lexeme in lexemes(self.text):
            if lexeme.kind not in {"blank", "comment"}:
                return self.text[lexeme.start :]
        return self.text

    @property
    def bare(self) -> str:
        """The statement with a blank in the place of each comment."""
        found = (
            " " if _is_comment(self.text, one) else self.text[one.start : one.end]
            for one in lexemes(self.text)
        )
        return "".join(found).strip()

    def words(self) -> list[str]:
        """Every token's text, in order."""
        return [token.text for token in self.tokens]

    def without(self, word: str) -> Piece:
        """The statement with blanks in the place of the first such word."""
        for lexeme in lexemes(self.text):
            if lexeme.kind == "word" and lexeme.text == word:
                blank = " " * (lexeme.end - lexeme.start)
                text = f"{self.text[: lexeme.start]}{blank}{self.text[lexeme.end :]}"
                place = self.words().index(word)
                tokens = (*self.tokens[:place], *self.tokens[place + 1 :])
                return replace(self, text=text, tokens=tokens)
        return self


def _is_comment(text: str, lexeme: Lexeme) -> bool:
    return lexeme.kind == "comment" or text.startswith("--", lexeme.start)


@dataclass(frozen=True)
class _Fault:
    """What cannot be deployed, and in which line."""

    line: int
    problem: str
    hint: str | None = None


def read(path: Path) -> list[Piece]:
    """The statements of a file. Raises one InputError for all that cannot be deployed, each with
    its line."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}:{line}: is not UTF-8", file=str(path), hint="Save it as UTF-8."
        ) from None
    if text.startswith("\ufeff"):
        raise InputError(
            f"{path.name}:1: begins with a byte order mark",
            file=str(path),
            hint="Save it as UTF-8 without one.",
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{path.name}:{line}: a NUL character", file=str(path), hint="Save it as UTF-8."
        )
    return _without_faults(_Cut(text), path.name, str(path))


def read_tools(text: str, *, name: str, file: str) -> list[Piece]:
    """The statements of a text that a migration tool would send: a deployment decides less of it.

    `name` is what messages call it, `file` where it is. Raises one InputError for all that cannot
    be deployed.
    """
    return _without_faults(_Cut(text.removeprefix("\ufeff"), tools=True), name, file)


def _without_faults(cut: _Cut, name: str, file: str) -> list[Piece]:
    found = [piece for piece in cut.pieces() if piece.tokens]
    faults = [
        InputError(f"{name}:{fault.line}: {fault.problem}", file=file, hint=fault.hint)
        for fault in cut.faults
    ]
    if faults:
        raise one_of_all(faults)
    return found


def readable(text: str) -> list[Piece]:
    """The statements of a text as far as it can be read; what is wrong with it is not told."""
    return [piece for piece in _Cut(text, tools=True).pieces() if piece.tokens]


def pieces(text: str) -> list[Piece]:
    """Cut a text; the pieces' texts, joined, are the text. `read` says what is wrong with it.

    Raises LexicalError for the first thing that no server reads.
    """
    cut = _Cut(text)
    found = list(cut.pieces())
    if cut.unreadable:
        raise cut.unreadable[0]
    return found


@dataclass
class _Cut:
    """Cuts a text, and notes what is wrong with it; `tools` is whether it is a migration tool's."""

    text: str
    tools: bool = False
    faults: list[_Fault] = field(default_factory=list)
    unreadable: list[LexicalError] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        """Statement by statement. Behind what psql alone reads it goes on where psql would."""
        start, first_line = 0, 1
        while start < len(self.text):
            try:
                end, line, piece = self._next(start, first_line)
            except LexicalError as error:
                self._refuse(error)
                return
            if piece is not None:
                yield piece
            start, first_line = end, line

    def _next(self, start: int, first_line: int) -> tuple[int, int, Piece | None]:
        """Where the statement from `start` on ends, the line there, and the statement, if any."""
        tokens: list[Token] = []
        # The place among the tokens where the statement begins, then those of each body's.
        opened = [0]
        depth = 0
        end, line = start, first_line
        for lexeme in lexemes(self.text, start, first_line):
            end = lexeme.end
            line = lexeme.line + self.text.count("\n", lexeme.start, end)
            if lexeme.kind in {"blank", "comment"}:
                continue
            raw = self.text[lexeme.start : end]
            if raw == "\\":
                return self._psql(lexeme.start, lexeme.line)
            if raw == ";" and not depth and len(opened) == 1:
                piece = self._piece(start, end, first_line, tokens)
                return self._behind_rows(piece, end, line)
            _append(tokens, Token(lexeme.kind, lexeme.text, raw, lexeme.line))
            depth = max(0, depth + (raw == "(") - (raw == ")"))
            if not depth:
                _note_body(tokens, opened)
        return end, line, self._piece(start, end, first_line, tokens)

    def _piece(self, start: int, end: int, first_line: int, tokens: list[Token]) -> Piece:
        line = tokens[0].line if tokens else first_line
        piece = Piece(self.text[start:end], line, first_line, tuple(tokens))
        fault = _fault(piece, tools=self.tools) if tokens else None
        if fault:
            self.faults.append(fault)
        return piece

    def _psql(self, position: int, line: int) -> tuple[int, int, None]:
        """A command of psql: the rest of its line."""
        problem = "a backslash outside of quotes: psql's own commands cannot be deployed"
        hint = "Write SQL only; what belongs together is one file, or several in runbook.yml."
        self._refuse(LexicalError(line, problem, hint))
        rest = _END_OF_LINE.match(self.text, position)
        return (rest.end() if rest else len(self.text)), line, None

    def _refuse(self, error: LexicalError) -> None:
        self.unreadable.append(error)
        self.faults.append(_Fault(error.line, error.problem, error.hint))

    def _behind_rows(self, piece: Piece, end: int, line: int) -> tuple[int, int, Piece]:
        """Rows that stand behind COPY are no SQL."""
        if piece.verb == "COPY" and _stream(piece) == "STDIN":
            rows = _END_OF_ROWS.search(self.text, end)
            stop = rows.end() if rows else len(self.text)
            return stop, line + self.text.count("\n", end, stop), piece
        return end, line, piece


def _append(tokens: list[Token], token: Token) -> None:
    """UESCAPE and its text belong to the text or identifier before them."""
    if (
        token.kind == "string"
        and len(tokens) > 1
        and (tokens[-1].kind, tokens[-1].text) == ("word", "UESCAPE")
        and tokens[-2].kind in {"string", "quoted"}
        and tokens[-2].raw[:2] in {"U&", "u&"}
    ):
        tokens[-2:] = [tokens[-2].escaped_by(token)]
        return
    tokens.append(token)


def _note_body(tokens: list[Token], opened: list[int]) -> None:
    """Whether the last token, which stands in no parentheses, opens or ends a BEGIN ATOMIC."""
    last = tokens[-1]
    inside = len(opened) > 1
    if inside and last.text == ";":
        opened[-1] = len(tokens)
    elif inside and (last.kind, last.text) == ("word", "END") and len(tokens) - 1 == opened[-1]:
        opened.pop()
    elif (
        _words(tokens[-2:]) == ["BEGIN", "ATOMIC"]
        and len(tokens) - 2 > opened[-1]
        and _makes_routine(tokens[opened[-1] : opened[-1] + 4])
    ):
        opened.append(len(tokens))


def _makes_routine(tokens: list[Token]) -> bool:
    words = _words(tokens)
    if words[1:3] == ["OR", "REPLACE"]:
        del words[1:3]
    return words[:1] == ["CREATE"] and words[1:2] in (["FUNCTION"], ["PROCEDURE"])


def _words(tokens: list[Token]) -> list[str]:
    """The words; an empty text for each other token."""
    return [token.text if token.kind == "word" else "" for token in tokens]


def _fault(piece: Piece, *, tools: bool) -> _Fault | None:
    """What a deployment decides itself, and what needs more than a statement."""
    words = piece.words()
    verb, line = piece.verb, piece.line
    decides = verb in _CONTROL or words[:2] in (
        ["PREPARE", "TRANSACTION"],
        ["SET", "TRANSACTION"],
    )
    if decides and not (tools and transaction_control(piece)):
        return _Fault(
            line,
            f"{' '.join(words[:2]).rstrip(' ;')}: the file decides over its transaction",
            "Take it out: a deployment opens and ends the transaction. Files that must not run "
            "in one are declared with `transaction: none` in runbook.yml.",
        )
    if verb == "COPY" and _stream(piece):
        return _Fault(
            line, "COPY with STDIN or STDOUT: there is no such stream", "Use INSERT statements."
        )
    if verb in {"SET", "RESET"}:
        return _of_setting(piece, tools=tools)
    return None


def transaction_control(piece: Piece) -> tuple[str, str] | None:
    """What a statement does to the transaction it is in: it can `begin` or `end` one, `set` its
    mode, or set a `savepoint` and return to it; and the mode, as `ISOLATION LEVEL SERIALIZABLE`.
    None for everything else, and for what a deployment could not do in its stead."""
    words = tuple(word for word in piece.words() if word not in {";", "WORK", "TRANSACTION"})
    if words in _ENDS:
        return "end", ""
    if words[:1] in {("SAVEPOINT",), ("RELEASE",)} or words[:2] == ("ROLLBACK", "TO"):
        return "savepoint", ""
    begins = words[:1] in _BEGINS
    sets = piece.words()[:2] == ["SET", "TRANSACTION"]
    if (begins or sets) and _is_mode(words[1:]):
        return "begin" if begins else "set", " ".join(words[1:])
    return None


def _is_mode(words: tuple[str, ...]) -> bool:
    return set(words) <= _MODES and ("READ", "ONLY") not in itertools.pairwise(words)


def _of_setting(piece: Piece, *, tools: bool) -> _Fault | None:
    """What a deployment sets itself. Names of settings are the same in capitals, and in quotes."""
    words = [token.name.upper() for token in piece.tokens if token.kind in {"word", "quoted"}]
    name = next((word for word in words[1:] if word not in {"SESSION", "LOCAL"}), "")
    told = " ".join(piece.words()[:3]).rstrip(" ;")
    # A tool's file may say so: before each statement the deployment sets its own again.
    if name in _BUDGETS and not tools:
        return _Fault(
            piece.line,
            f"{told}: the limits of a deployment are not a file's to set",
            "Set deploy_lock_timeout, deploy_statement_timeout and the like in the inventory.",
        )
    if name in _READING:
        last = [token for token in piece.tokens if token.text != ";"][-1]
        value = (last.value if last.kind == "string" else last.name) or ""
        if piece.verb == "RESET" or value.upper() not in _READING[name]:
            return _Fault(
                piece.line,
                f"{told}: the server would read the file in another way than it was cut",
                "Take it out. The file is UTF-8, and a backslash in plain quotes is a backslash; "
                "write E'...' where it is to be more.",
            )
    return None


def _stream(piece: Piece) -> str | None:
    """STDIN or STDOUT, where a COPY reads from it or writes to it."""
    depth = 0
    for before, token in zip(piece.tokens, piece.tokens[1:], strict=False):
        depth += (before.text == "(") - (before.text == ")")
        if not depth and _words([before, token]) in (
            ["FROM", "STDIN"],
            ["TO", "STDIN"],
            ["FROM", "STDOUT"],
            ["TO", "STDOUT"],
        ):
            return "STDIN" if before.text == "FROM" else "STDOUT"
    return None
