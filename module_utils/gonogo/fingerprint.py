"""What is in a database, in a few numbers: of two databases the same where their content is.

Of every table the number of its rows and an order-independent hash of them, of every sequence
where it stands, of the large objects how many there are. Nothing is kept but sums, so the memory
is constant.

The hash of a row is taken of its columns in the order of their names, for a restore may change
their order. It hashes the values themselves, several times faster than what they are written as.
What the server hashes by something that a restore changes (the OID of an enum's label), without
all of its value (the scale of a number) or not at all (json) goes by its text. Two databases are
compared by one method only, which has a name.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, Callable

from . import fingerprint_queries as sql
from .errors import GonogoError

__all__ = ["Content", "best_method", "content", "large_objects", "sequences"]

_METHOD = "columns"
# So much of small tables is asked for at once.
_BATCH_BYTES = 4 << 20
_BATCH_TABLES = 50

# Compiling a query that runs once costs more than it saves; money is written as the locale says.
_PINNED = "SELECT set_config('jit', 'off', false), set_config('lc_monetary', 'C', false)"

# `tables`: name → root (the partitioned table it belongs to, or itself), rows, hash;
# `large_objects`: count, and hash where this role may read them all.
Content = dict[str, Any]


def best_method(_server_version: int) -> str:
    """Name of the way to hash; all versions have the same functions."""
    return _METHOD


def content(
    connect: Callable[[], Any], *, sessions: int, method: str, stop: threading.Event | None = None
) -> Content:
    """Fingerprint every table that a dump has rows of.

    `connect` opens a session that sees what all others see; so many are used side by side, and
    closed at the end. Once `stop` is set nothing more is begun and what there is, is returned.
    Raises GonogoError when nobody knows `method`.
    """
    if method != _METHOD:
        raise GonogoError(
            f"the source of this backup was hashed in a way that is not known here: {method}",
            detail=f"Known: {_METHOD}.",
            hint="Take a new backup.",
        )
    with _opened(connect) as first:
        tables = _tables(first)
        found: Content = {
            "tables": {table["name"]: {"root": table["root"]} for table in tables},
            "large_objects": large_objects(first),
        }
        batches: SimpleQueue[list[dict[str, Any]]] = SimpleQueue()
        for batch in _batches(tables):
            batches.put(batch)

        def work(connection: Any) -> None:
            while not (stop and stop.is_set()):
                try:
                    batch = batches.get_nowait()
                except Empty:
                    return
                for name, rows, total in _ask(
                    connection, " UNION ALL ".join(t["query"] for t in batch)
                ):
                    found["tables"][name].update(rows=rows, hash=total)

        def with_own_session() -> None:
            with _opened(connect) as connection:
                work(connection)

        others = min(sessions, batches.qsize()) - 1
        with ThreadPoolExecutor(max_workers=max(others, 1)) as pool:
            running = [pool.submit(with_own_session) for _ in range(others)]
            work(first)
            for task in running:
                task.result()
    return found


def sequences(connection: Any) -> dict[str, list[Any]]:
    """Name → [last value, whether it was given out] of every sequence, as they stand now."""
    found = {}
    names = [row[0] for row in _ask(connection, sql.SEQUENCES)]
    for start in range(0, len(names), _BATCH_TABLES):
        query = " UNION ALL ".join(
            sql.sequence(name) for name in names[start : start + _BATCH_TABLES]
        )
        found.update({name: [value, called] for name, value, called in _ask(connection, query)})
    return found


def _opened(connect: Callable[[], Any]) -> Any:
    connection = connect()
    _ask(connection, _PINNED)
    return connection


def _tables(connection: Any) -> list[dict[str, Any]]:
    """name, root, bytes and the query that fingerprints it."""
    (text,) = _ask(connection, sql.TABLES)[0]
    return [{**table, "query": sql.fingerprint(table)} for table in json.loads(text or "[]")]


def _batches(tables: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Large tables by themselves and first, small ones together."""
    batch: list[dict[str, Any]] = []
    for table in sorted(tables, key=lambda table: -int(table["bytes"])):
        batch.append(table)
        if len(batch) == _BATCH_TABLES or sum(int(t["bytes"]) for t in batch) > _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def large_objects(connection: Any) -> dict[str, Any]:
    """`count`, and `hash` where this role may read them all."""
    ((readable,),) = _ask(connection, sql.MAY_READ_LARGE_OBJECTS)
    ((count, total),) = _ask(connection, sql.LARGE_OBJECTS if readable else sql.COUNT_LARGE_OBJECTS)
    return {"count": count, "hash": total}


def _ask(connection: Any, query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
