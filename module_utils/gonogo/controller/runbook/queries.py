"""The queries of an application: of a file that a person names, and of pg_stat_statements.

They are never executed: the copy of the database is asked whether it understands them, before the
migration and afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...contract import canonical
from ...contract.errors import InputError
from ...contract.records.queries import QueriesRecord, RecordedQuery
from ...contract.redaction import is_secret
from ..reading.faults import one_of_all
from ..sql.lexer import LexicalError, lexemes
from ..sql.placeholders import numbered
from ..sql.statements import Piece, pieces

__all__ = ["NAMED", "SERVED", "Query", "QueryFile", "cleaned", "read", "recorded"]

_KEY = "gonogo_queries"
# Where a query is from.
NAMED, SERVED = "named", "served"
# What PREPARE takes.
_VERBS = frozenset(
    {"(", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE"}
)
_MOST, _BYTES, _SHOWN = 5000, 4_000_000, 80
_HINT = "The file has the application's queries as it sends them, each with a semicolon behind it."


@dataclass(frozen=True)
class Query:
    """A statement that PREPARE takes. `words` is how it begins, without its values; `source` where
    it is from, and `id` which one of these it is."""

    source: str
    id: str
    words: str
    text: str


@dataclass(frozen=True)
class QueryFile:
    """The file that a person has named, and what stands in it."""

    path: Path
    sha256: str
    queries: tuple[Query, ...]


def read(path: Path) -> QueryFile:
    """Read a file of queries. Raises one InputError for all that is none."""
    if not path.is_file():
        raise InputError(
            "there is no such file of queries on the controller",
            key=_KEY,
            hint=_HINT,
        )
    content = path.read_bytes()
    if len(content) > _BYTES:
        raise InputError(f"has more than {_BYTES} bytes", key=_KEY, file=str(path), hint=_HINT)
    found = _cut(path, content)
    faults = [fault for piece in found for fault in _faults(path, piece)]
    if faults:
        raise one_of_all(faults)
    if not 0 < len(found) <= _MOST:
        problem = f"has {len(found)} queries, more than {_MOST}" if found else "has no query"
        raise InputError(problem, key=_KEY, file=str(path), hint=_HINT)
    lines = [piece.line for piece in found]
    queries = tuple(
        _query(NAMED, f"{path.name}:{piece.line}{_of_line(lines, number)}", piece)
        for number, piece in enumerate(found)
    )
    return QueryFile(path, canonical.sha256(content), queries)


def _of_line(lines: Sequence[int], number: int) -> str:
    """Which query of its line it is, where it is not the first."""
    earlier = lines[:number].count(lines[number])
    return f" ({earlier + 1})" if earlier else ""


def _cut(path: Path, content: bytes) -> list[Piece]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}:{line}: is not UTF-8", file=str(path), hint="Save it as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path.name}:{line}: a NUL character", file=str(path), hint=_HINT)
    try:
        return [piece for piece in pieces(text) if piece.tokens]
    except LexicalError as error:
        raise InputError(
            f"{path.name}:{error.line}: {error.problem}", file=str(path), hint=error.hint
        ) from None


def _faults(path: Path, piece: Piece) -> Iterable[InputError]:
    if piece.verb not in _VERBS:
        yield InputError(
            f"{path.name}:{piece.line}: is no query: {piece.verb}",
            file=str(path),
            hint="It may begin with SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES or TABLE.",
        )
    elif is_secret(piece.text):
        yield InputError(
            f"{path.name}:{piece.line}: a query holds what looks like a password",
            file=str(path),
            hint="Write a placeholder such as $1 in the place of each value: the queries are kept "
            "in the evidence.",
        )


def _query(source: str, name: str, piece: Piece) -> Query:
    text = numbered(piece.bare.rstrip("; \t\r\n"))
    return Query(source, name, _words(piece), text)


def _words(piece: Piece) -> str:
    """How a query begins, for people: a value in quotes may be somebody's. In ASCII, as not every
    server's encoding has every character."""
    found: list[str] = []
    for lexeme in lexemes(piece.bare):
        raw = piece.bare[lexeme.start : lexeme.end]
        found.append("'...'" if lexeme.kind == "string" else raw)
    words = " ".join("".join(found).split()).rstrip("; ")
    return words.encode("ascii", "backslashreplace").decode()[:_SHOWN]


def cleaned(record: QueriesRecord) -> QueriesRecord:
    """What the evidence keeps of the server's record: what is one query, without its comments and
    without a value in it."""
    kept = []
    for one in record.queries:
        piece = _one(one.text)
        if piece is not None:
            kept.append(RecordedQuery(one.queryid, piece.bare.rstrip("; \t\r\n")))
    return replace(record, queries=tuple(kept))


def recorded(record: QueriesRecord) -> tuple[Query, ...]:
    """The queries of the evidence."""
    found = ((one.queryid, _one(one.text)) for one in record.queries)
    return tuple(_query(SERVED, f"queryid {name}", piece) for name, piece in found if piece)


def _one(text: str) -> Piece | None:
    """A text that is one query without a value."""
    try:
        found = [piece for piece in pieces(text) if piece.tokens]
    except LexicalError:
        return None
    if len(found) != 1 or found[0].verb not in _VERBS or is_secret(text):
        return None
    return None if any(token.kind == "string" for token in found[0].tokens) else found[0]
