"""What is in a database, in a few numbers: of two databases the same where their content is.

Of every table the number of its rows and an order-independent hash of them, of every sequence
where it stands, of the large objects how many there are and a hash of them. Nothing is kept but
sums, so the memory is constant.

The hash of a row is taken of its columns in the order of their names, for a restore may change
their order. It hashes the values themselves, several times faster than what they are written as.
What the server hashes by something that a restore changes (the OID of an enum's label), without
all of its value (the scale of a number) or not at all (json) goes by its text, as its type writes
it. Two databases are compared by one method only, which has a name.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.records.progress import Touched
from ...contract.records.source import Content, LargeObjects, TableContent
from ..progress import Step, step
from ..session import copied
from ..session import snapshot as snapshots
from . import fingerprint_queries as sql
from .fingerprint_queries import Table

__all__ = ["best_method", "content", "large_objects", "require", "sequences"]

_METHOD = "value"
# So much of small tables is asked for at once.
_BATCH_BYTES = 4 << 20
_BATCH_TABLES = 50
# A lock is kept to the end of its transaction, and a server has room for a limited number.
_BATCH_LOCKS = 128


def best_method(_server_version: int) -> str:
    """Name of the way to hash; all versions have the same functions."""
    return _METHOD


def require(method: str) -> None:
    """Raise GonogoError when nobody knows this way to hash."""
    if method != _METHOD:
        raise GonogoError(
            f"the source of this backup was hashed in a way that is not known here: {method}",
            detail=f"Known: {_METHOD}.",
            hint="Take a new backup.",
        )


def content(
    connect: Callable[[], Any],
    *,
    sessions: int,
    method: str,
    stop: threading.Event | None = None,
    snapshot: str | None = None,
    objects: bool = True,
    expected: int | None = None,
) -> Content:
    """Fingerprint every table that a dump has rows of.

    `connect` opens a session; so many are used side by side, and closed at the end. They see what
    the exported `snapshot` sees, in transactions that are short: none takes a lock on more than a
    few tables. Large objects are read where the role may read all `objects`. Once `stop` is set
    nothing more is begun and what there is, is returned. For whoever waits, so many rows are
    `expected`. Raises GonogoError when nobody knows `method`.
    """
    require(method)
    with step("fingerprint") as told, connect() as first:
        with _moment(first, snapshot):
            tables = _tables(first)
            sequences = [(schema, name) for _, schema, name in _ask(first, sql.SEQUENCES)]
        large = LargeObjects(None, None)
        if objects:
            with _moment(first, snapshot):
                large = large_objects(first, stop)
        found = {table.name: TableContent(table.root) for table in tables}
        batches: SimpleQueue[list[Table]] = SimpleQueue()
        for batch in _batches(tables):
            batches.put(batch)

        counted = _Counted(told, tables, expected)

        def work(connection: Any) -> None:
            while not (stop and stop.is_set()):
                try:
                    batch = batches.get_nowait()
                except Empty:
                    return
                counted.begin(batch)
                with _moment(connection, snapshot):
                    for name, rows, total in _fingerprints(connection, batch, stop):
                        counted.end(name, rows)
                        found[name] = replace(found[name], rows=rows, hash=total)

        def with_own_session() -> None:
            with connect() as connection:
                work(connection)

        others = min(sessions, batches.qsize()) - 1
        with ThreadPoolExecutor(max_workers=max(others, 1)) as pool:
            running = [pool.submit(with_own_session) for _ in range(others)]
            work(first)
            for task in running:
                task.result()
    return Content(
        tables=found,
        covered=sorted(table.oid for table in tables),
        covered_sequences=sorted(sequences),
        large_objects=large,
    )


class _Counted:
    """How far it is. Of tables of which nobody has counted the rows, the size is known, about."""

    def __init__(self, told: Step, tables: Sequence[Table], expected: int | None) -> None:
        self._told = told
        self._bytes = {table.name: table.bytes for table in tables if table.bytes}
        size = sum(self._bytes.values())
        if expected is not None:
            told.count("rows", 0, expected)
            self._bytes = {}
        elif size:
            told.count("bytes", 0, size, about=True)
        else:
            told.count("rows", 0)
        told.count("tables", 0, len(tables))

    def begin(self, batch: Sequence[Table]) -> None:
        self._told.touch([Touched(table.name) for table in batch[:1] if len(batch) == 1])

    def end(self, name: str, rows: int) -> None:
        self._told.add("rows", rows)
        self._told.add("tables")
        if self._bytes:
            self._told.add("bytes", self._bytes.get(name, 0))


def _fingerprints(
    connection: Any, batch: Sequence[Table], stop: threading.Event | None
) -> Iterator[tuple[str, int, str]]:
    """Name, rows and hash of each. What an extension keeps has its condition, and its own code."""
    plain = [table for table in batch if table.condition or not table.calling]
    if plain:
        yield from _ask(connection, " UNION ALL ".join(map(sql.fingerprint, plain)))
    for table in batch:
        if table not in plain:
            yield (table.name, *copied.rows(connection, table.name, table.given, stop))


def _pin(connection: Any) -> None:
    """Make sure of what a fingerprint depends on, whatever the session has done before."""
    calls = ", ".join(
        f"pg_catalog.set_config('{key}', '{value}', false)" for key, value in sql.SETTINGS.items()
    )
    _ask(connection, f"SELECT {calls}")


def sequences(connection: Any) -> dict[str, tuple[int, bool]]:
    """Name → last value and whether it was given out, of every sequence, as they stand now."""
    found = {}
    names = [row[0] for row in _ask(connection, sql.SEQUENCES)]
    for start in range(0, len(names), _BATCH_TABLES):
        query = " UNION ALL ".join(
            sql.sequence(name) for name in names[start : start + _BATCH_TABLES]
        )
        found.update({name: (value, called) for name, value, called in _ask(connection, query)})
    return found


@contextlib.contextmanager
def _moment(connection: Any, snapshot: str | None) -> Iterator[None]:
    """The settings made sure of, and what is seen; the locks end with it."""
    _pin(connection)
    if snapshot is None:
        yield
        return
    snapshots.joined(connection, snapshot)
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()


def _tables(connection: Any) -> list[Table]:
    (text,) = _ask(connection, sql.TABLES)[0]
    return [Table(**one) for one in json.loads(text or "[]")]


def _batches(tables: Sequence[Table]) -> Iterator[list[Table]]:
    """Large tables by themselves and first, small ones together."""
    batch: list[Table] = []
    for one in sorted(tables, key=lambda one: -one.bytes):
        batch.append(one)
        if (
            len(batch) == _BATCH_TABLES
            or sum(t.bytes for t in batch) > _BATCH_BYTES
            or sum(t.locks for t in batch) > _BATCH_LOCKS
        ):
            yield batch
            batch = []
    if batch:
        yield batch


def large_objects(connection: Any, stop: threading.Event | None = None) -> LargeObjects:
    """How many there are, and the sum of the hashes of their pieces."""
    count, total, after = 0, 0, -1
    while not (stop and stop.is_set()):
        query = sql.LARGE_OBJECTS.format(after=after, count=_BATCH_TABLES)
        open_ones = [number for (number,) in _ask(connection, query)]
        if not open_ones:
            break
        count, after, position = count + len(open_ones), open_ones[-1], 0
        while open_ones:
            pieces = _ask(connection, sql.chunk(open_ones, position))
            total += sum(int(piece) for _, _, piece in pieces)
            open_ones = [number for number, size, _ in pieces if size == sql.LARGE_OBJECT_CHUNK]
            position += 1
    return LargeObjects(count, str(total))


def _ask(connection: Any, query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
