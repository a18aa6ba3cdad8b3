"""Whether a statement changes definitions alone: every row that is there stays as it is, whatever
rows these are.

Known are the forms that do; of any other form, and of what calls a function while it runs, that is
not said. What a statement asks of rows that are there (`demands`) it may refuse, and refusing
changes none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from .lexer import Token
from .statements import readable

__all__ = ["looks_at_rows", "only_defines"]

_NOISE = {"OR", "REPLACE", "UNIQUE", "RECURSIVE", "CONSTRAINT", "UNLOGGED"}
# Behind CREATE; that of a table with the rows of a query is not one of them.
_CREATED = {"AGGREGATE", "COLLATION", "DOMAIN", "FUNCTION", "INDEX", "OPERATOR", "POLICY"}
_CREATED |= {"PROCEDURE", "RULE", "SCHEMA", "SEQUENCE", "STATISTICS", "TABLE", "TRIGGER", "TYPE"}
_CREATED |= {"VIEW"}
# Behind ALTER.
_ALTERED = {"DEFAULT", "DOMAIN", "FUNCTION", "INDEX", "POLICY", "PROCEDURE", "ROUTINE", "SCHEMA"}
_ALTERED |= {"SEQUENCE", "STATISTICS", "TABLE", "TRIGGER", "TYPE", "VIEW"}
# Behind DROP: what holds no rows.
_DROPPED = {"AGGREGATE", "FUNCTION", "INDEX", "POLICY", "PROCEDURE", "ROUTINE", "RULE"}
_DROPPED |= {"STATISTICS", "TRIGGER", "VIEW"}
# What else changes neither a row nor an object that holds any.
_OTHERS = {"COMMENT", "GRANT", "LOCK", "RESET", "REVOKE", "SET"}
# Of these a body comes that is not run now.
_WITH_A_BODY = {"AGGREGATE", "FUNCTION", "PROCEDURE", "RULE", "TRIGGER", "VIEW", "POLICY"}
# Parts of an ALTER TABLE after which DROP takes nothing with it.
_DROPPED_PARTS = {"CONSTRAINT", "DEFAULT", "EXPRESSION", "IDENTITY", "NOT"}
_QUERIES = {"SELECT", "VALUES", "WITH", "EXECUTE", "TABLE"}
# What may stand before a parenthesis: words of SQL, types, and functions of the server that read
# no row and write none.
_CALLED = {"BIT", "CHAR", "CHARACTER", "DECIMAL", "INTERVAL", "NUMERIC", "TIME", "TIMESTAMP"}
_CALLED |= {"TIMESTAMPTZ", "VARCHAR", "VARYING", "BPCHAR", "FLOAT", "TIMETZ", "VARBIT"}
_CALLED |= {"NOW", "CLOCK_TIMESTAMP", "STATEMENT_TIMESTAMP", "TRANSACTION_TIMESTAMP", "NEXTVAL"}
_CALLED |= {"GEN_RANDOM_UUID", "UUIDV4", "UUIDV7", "COALESCE", "NULLIF", "LENGTH", "CHAR_LENGTH"}
_CALLED |= {"LOWER", "UPPER", "BTRIM", "GREATEST", "LEAST", "CURRENT_TIMESTAMP", "CURRENT_DATE"}
_CALLED |= {"ARRAY", "IN", "AND", "OR", "NOT", "CHECK", "KEY", "UNIQUE", "USING", "WITH", "AS"}
_CALLED |= {"DEFAULT", "INCLUDE", "WHERE", "SET", "IDENTITY", "VALUES", "FROM", "TO", "REFERENCES"}
_CALLED |= {"HASH", "LIST", "RANGE", "ENUM", "ON", "BETWEEN", "ANY", "ALL", "IS", "LIKE", "THEN"}
_CALLED |= {"WHEN", "ELSE", "CASE", "BTREE", "GIN", "GIST", "BRIN", "SPGIST", "DISTINCT", "NULLS"}
_CALLED |= {"EXCLUDE", "SELECT", "INSERT", "UPDATE", "DELETE", "COLUMN", "ADD", "ALTER"}
# Behind these comes the name of a table, and not what is called.
_TABLES_BEHIND = {"ON", "ONLY", "REFERENCES"}


def only_defines(text: str) -> bool:
    """False also for what cannot be read. Never raises."""
    found = readable(text)
    return bool(found) and all(_defines(piece.tokens) for piece in found)


def looks_at_rows(text: str) -> bool:
    """Whether the server may refuse the statement for the rows that a table has."""
    for piece in readable(text):
        words = _words(piece.tokens)
        if words[:1] == ["CREATE"] and "INDEX" in words[:3]:
            return True
        if words[:2] == ["ALTER", "TABLE"] and {"ADD", "ATTACH", "SET", "VALIDATE"} & {*words}:
            return True
        if words[:2] == ["ALTER", "DOMAIN"]:
            return True
    return False


def _defines(tokens: Sequence[Token]) -> bool:
    words = _words(tokens)
    verb, *rest = words
    if verb in _OTHERS:
        return True
    kind = next((word for word in rest if word not in _NOISE), "")
    if verb == "CREATE":
        return kind in _CREATED and (kind in _WITH_A_BODY or _makes(kind, tokens, words))
    if verb == "ALTER":
        return kind in _ALTERED and _alters(kind, tokens, words)
    return verb == "DROP" and kind in _DROPPED and "CASCADE" not in words


def _makes(kind: str, tokens: Sequence[Token], words: Sequence[str]) -> bool:
    """A schema may be made with what is in it, a table with the rows of a query."""
    if kind == "SCHEMA":
        return "CREATE" not in words[1:]
    pairs = [*itertools.pairwise(words)]
    if kind == "TABLE" and any(("AS", word) in pairs for word in _QUERIES):
        return False
    if kind == "TABLE" and pairs.count(("AS", "(")) > pairs.count(("ALWAYS", "AS")):
        return False
    # The rows of a new table are none.
    return kind != "INDEX" or not any(_calls(tokens))


def _alters(kind: str, tokens: Sequence[Token], words: Sequence[str]) -> bool:
    if kind == "TYPE":
        return "ATTRIBUTE" not in words
    if kind == "DOMAIN":
        return "ADD" not in words or not any(_calls(tokens))
    if kind != "TABLE":
        return True
    pairs = [*itertools.pairwise(words)]
    if ("AS", "(") in pairs or ("DATA", "TYPE") in pairs:
        # A generated column is computed of each row; another type converts them.
        return False
    return not (_retypes(words) or _drops(tokens) or any(_calls(tokens)))


def _retypes(words: Sequence[str]) -> bool:
    """TYPE says another type, or is a name: that is not told apart."""
    return "TYPE" in words[2:]


def _drops(tokens: Sequence[Token]) -> bool:
    """Whether something goes that holds rows or values, or whatever hangs on it."""
    words = [token.text if token.kind == "word" else "" for token in tokens]
    for at, word in enumerate(words):
        if word == "DROP" and (words[at + 1 : at + 2] or [""])[0] not in _DROPPED_PARTS:
            return True
        if word == "CASCADE" and words[at - 1] not in {"DELETE", "UPDATE"}:
            return True
    return False


def _calls(tokens: Sequence[Token]) -> Iterator[str]:
    """What stands before a parenthesis and may be a function that the statement calls."""
    for at, token in enumerate(tokens[:-1]):
        opens = tokens[at + 1].kind == "sign" and tokens[at + 1].text == "("
        if not opens or token.kind not in {"word", "quoted"}:
            continue
        qualified = at > 0 and tokens[at - 1].text == "."
        known = token.kind == "word" and token.text in _CALLED and not qualified
        if not known and _before_name(tokens, at) not in _TABLES_BEHIND:
            yield token.raw


def _before_name(tokens: Sequence[Token], at: int) -> str:
    """The word before a name with its qualifiers, whose last part is at this place."""
    while at >= 2 and tokens[at - 1].text == ".":
        at -= 2
    return tokens[at - 1].text if at and tokens[at - 1].kind == "word" else ""


def _words(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens if token.kind in {"word", "sign"}]
