"""What a statement says of a column that it makes: type, default, whether it may be empty."""

from __future__ import annotations

from dataclasses import replace

from ...contract.records.migration import Column
from . import routines
from .statements import Token

__all__ = ["changed", "is_column", "read"]

# What an item of CREATE TABLE begins with that is no column.
_OTHERS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "LIKE", "NOT"}
# What stands behind the type.
_BEHIND = {"CONSTRAINT", "NOT", "NULL", "DEFAULT", "GENERATED", "CHECK", "UNIQUE", "PRIMARY"}
_BEHIND |= {"REFERENCES", "COLLATE", "COMPRESSION", "STORAGE", "DEFERRABLE", "INITIALLY"}
_BEHIND |= {"OPTIONS", "NO", "ENFORCED"}
# No types: what they stand for.
_SERIAL = {"SMALLSERIAL": "smallint", "SERIAL2": "smallint", "SERIAL": "integer"}
_SERIAL |= {"SERIAL4": "integer", "BIGSERIAL": "bigint", "SERIAL8": "bigint"}
_SIGNS = {"(", ")", "[", "]", ",", "."}
_CONSTANTS = {"TRUE": "true", "FALSE": "false"}


def is_column(tokens: list[Token]) -> bool:
    """Whether an item of CREATE TABLE is a column."""
    return bool(tokens) and (
        tokens[0].kind == "quoted" or (tokens[0].kind == "word" and tokens[0].text not in _OTHERS)
    )


def read(tokens: list[Token]) -> Column:
    """Read what stands behind the name of a column, to the end of the item."""
    clauses = _clauses(tokens)
    words = [_words(clause) for clause in clauses]
    kind = clauses[0] if clauses else []
    serial = _SERIAL.get(kind[0].text) if len(kind) == 1 and kind[0].kind == "word" else None
    identity = any(w[:1] == ["GENERATED"] and "IDENTITY" in w for w in words)
    key = any(w[:1] == ["PRIMARY"] for w in words)
    default = next((c for c, w in zip(clauses, words, strict=True) if w[:1] == ["DEFAULT"]), None)
    value = None if serial or default is None else default[1:]
    has_default = bool(serial) or (value is not None and not _is_null(value))
    return Column(
        type=serial or _type(kind),
        required=bool(serial) or identity or key or ["NOT", "NULL"] in words,
        has_default=has_default,
        default=_constant(value) if value and has_default else None,
        identity=identity,
        generated=any(w[:1] == ["GENERATED"] and "IDENTITY" not in w for w in words),
    )


def changed(column: Column, kind: str) -> Column:
    """What is still known of it after an effect on it or on its table."""
    if kind in {"not null", "constraint", "unnamed"}:
        return replace(column, required=None)
    if kind == "default":
        return replace(column, has_default=None, default=None)
    return Column()


def _clauses(tokens: list[Token]) -> list[list[Token]]:
    """The type, and each of what stands behind it."""
    found: list[list[Token]] = [[]]
    depth = 0
    for number, token in enumerate(tokens):
        sign = token.text if token.kind == "sign" else ""
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        starts = not depth and token.kind == "word" and token.text in _BEHIND
        if starts and not (number and _is_joined(tokens[number - 1].text, token.text)):
            found.append([])
        found[-1].append(token)
    return found


def _is_joined(before: str, word: str) -> bool:
    """Whether a word goes on with what has begun: NOT NULL, DEFAULT NULL, BY DEFAULT."""
    return (word == "NULL" and before in {"NOT", "DEFAULT"}) or (
        word == "DEFAULT" and before in {"BY", "SET"}
    )


def _words(tokens: list[Token]) -> list[str]:
    return [token.text if token.kind == "word" else "" for token in tokens]


def _type(tokens: list[Token]) -> str | None:
    plain = all(
        token.kind in {"word", "quoted", "number"} or token.text in _SIGNS for token in tokens
    )
    return routines.spelled(tokens) if tokens and plain else None


def _is_null(value: list[Token]) -> bool:
    return [token.text for token in value] == ["NULL"]


def _constant(value: list[Token]) -> str | None:
    """What stands behind DEFAULT, where it is a plain constant."""
    sign = ""
    if len(value) == 2 and value[0].text in {"-", "+"} and value[1].kind == "number":
        sign, value = value[0].text, value[1:]
    if len(value) != 1:
        return None
    (token,) = value
    if token.kind == "string":
        return token.value
    if token.kind == "number":
        return sign + token.raw
    return _CONSTANTS.get(token.text) if token.kind == "word" else None
