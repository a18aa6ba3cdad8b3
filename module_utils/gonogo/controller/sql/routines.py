"""What tells one function from others of its name: the types of its arguments; and its body."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import Reader
from .statements import Token

__all__ = ["ANY", "Routine", "read", "spelled", "text"]

_MODES = {"IN", "INOUT", "OUT", "VARIADIC"}
# An aggregate may have its definition in place of its arguments.
_OLD_AGGREGATE = {"BASETYPE", "SFUNC", "SFUNC1", "STYPE", "STYPE1"}
# Types of several words, by the first of them.
_LONG_TYPES = {
    "BIT": {"VARYING"},
    "CHAR": {"VARYING"},
    "CHARACTER": {"VARYING"},
    "DOUBLE": {"PRECISION"},
    "INTERVAL": {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"},
    "NATIONAL": {"CHAR", "CHARACTER"},
    "NCHAR": {"VARYING"},
    "TIME": {"WITH", "WITHOUT"},
    "TIMESTAMP": {"WITH", "WITHOUT"},
}


@dataclass(frozen=True)
class Routine:
    """`arguments`: the types as they are written, None where they cannot be told; `body`: the
    source as the server keeps it, None where it is no text or cannot be read."""

    arguments: tuple[str, ...] | None
    body: str | None


# A function of this name, whichever it is.
ANY = Routine(None, None)


def read(reader: Reader) -> Routine:
    """Read from the list of arguments on, to the end of it; the body is looked for behind it."""
    if not reader.take("("):
        return ANY
    arguments: tuple[str, ...] | None = ()
    depth, current = 1, list[Token]()
    while depth and reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        sign = token.text if token.kind == "sign" else ""
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        reader.at += 1
        if (depth == 1 and sign == ",") or not depth:
            if current and arguments is not None:
                arguments = _with(arguments, current)
            current = []
        else:
            current.append(token)
    return Routine(arguments, _body(reader))


def _with(arguments: tuple[str, ...], tokens: list[Token]) -> tuple[str, ...] | None:
    """One argument more, where it is one that the function is called with."""
    words = [token.text if token.kind == "word" else "" for token in tokens]
    if words[0] in _OLD_AGGREGATE or "ORDER" in words or tokens[0].text == "*":
        return None
    mode = words[0] if words[0] in _MODES else ""
    if mode:
        tokens, words = tokens[1:], words[1:]
    elif len(words) > 1 and words[1] in _MODES:
        mode = words[1]
        tokens, words = tokens[2:], words[2:]
    for position, token in enumerate(tokens):
        if words[position] == "DEFAULT" or token.text in {"=", ":"}:
            tokens, words = tokens[:position], words[:position]
            break
    if mode == "OUT":
        return arguments
    # Behind a name stands a type, behind the first word of a type never another name.
    if _is_named(tokens, words):
        tokens, words = tokens[1:], words[1:]
    if not tokens or "%" in [token.text for token in tokens] or "SETOF" in words:
        return None
    return (*arguments, spelled(tokens))


def _is_named(tokens: list[Token], words: list[str]) -> bool:
    if len(tokens) < 2 or tokens[1].kind not in {"word", "quoted"}:
        return False
    return words[1] not in _LONG_TYPES.get(words[0], set())


def spelled(tokens: list[Token]) -> str:
    """As the server reads it: words with a blank between them, signs without."""
    found = ""
    for token in tokens:
        both = found[-1:].isalnum() and token.kind in {"word", "quoted", "number"}
        found += (" " if both or (found[-1:] in {")", '"'} and token.kind == "word") else "") + (
            token.raw
        )
    return found


def _body(reader: Reader) -> str | None:
    """The text behind AS, where it is one text."""
    for position in range(reader.at, len(reader.tokens) - 1):
        token, following = reader.tokens[position : position + 2]
        if token.kind == "word" and token.text == "AS" and following.kind == "string":
            after = reader.tokens[position + 2 : position + 3]
            # AS 'object file', 'symbol'
            return None if after and after[0].text == "," else following.value
    return None


def text(reader: Reader) -> str | None:
    """The quoted text that comes next, None where there is none that can be read."""
    if reader.at >= len(reader.tokens) or reader.tokens[reader.at].kind != "string":
        return None
    found = reader.tokens[reader.at].value
    reader.at += 1
    return found
