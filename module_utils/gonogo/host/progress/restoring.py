"""How far pg_restore is: what it says of its entries, and what the server says of its COPYs.

The rows of every table are known: they were counted when the backup was taken.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable

from . import server
from .telling import Step, lent

__all__ = ["Archived", "Restoring"]

# With several sessions, in any order.
_FINISHED = re.compile(rb"pg_restore(?:\.exe)?: finished item (\d+) ")
# With one, after the other: what is said next is of the next entry.
_ROWS_OF = re.compile(rb'pg_restore(?:\.exe)?: processing data for table "(.*)"')
_NEXT = re.compile(rb"pg_restore(?:\.exe)?: (?:processing|creating|executing) ")


@dataclass(frozen=True)
class Archived:
    """What an archive has: the rows of each table by its entry, and the entry by the name that
    pg_restore has for the table; the entries that come behind rows, such as indexes."""

    rows: Mapping[int, int] = field(default_factory=dict)
    entries: Mapping[bytes, int] = field(default_factory=dict)
    behind: frozenset[int] = frozenset()


class Restoring:
    """The look of a step that restores an archive, and who hears what pg_restore says meanwhile.

    `archived` is called when somebody wants to know. The session that is lent is one on the server.
    """

    def __init__(self, archived: Callable[[], Archived]) -> None:
        self._read = archived
        self._archived: Archived | None = None
        self._finished: set[int] = set()
        self._names: set[bytes] = set()
        self._current: bytes | None = None
        self._lock = threading.Lock()

    def hear(self, line: bytes) -> None:
        """A line of pg_restore."""
        told = _FINISHED.match(line)
        with self._lock:
            if told:
                self._finished.add(int(told[1]))
            elif _NEXT.match(line):
                self._end_current()
                begun = _ROWS_OF.match(line)
                self._current = begun[1] if begun else None

    def ended(self) -> None:
        """A pg_restore has come to its end."""
        with self._lock:
            self._end_current()

    def __call__(self, step: Step) -> None:
        if self._archived is None:
            self._archived = self._read()
        known = self._archived
        with self._lock:
            finished = self._finished | {
                known.entries[name] for name in self._names if name in known.entries
            }
        done = sum(known.rows[entry] for entry in finished & known.rows.keys())
        of = sum(known.rows.values())
        with contextlib.suppress(Exception), lent() as connection:
            found = server.copies(connection) or []
            done += sum(copy.rows for copy in found)
            step.touch([*server.touched(found), *server.builds(connection)])
        # One that is still copied may just have said that it is finished.
        step.count("rows", min(done, of), of)
        step.count("tables", len(finished & known.rows.keys()), len(known.rows))
        behind = len(finished & known.behind)
        # With one session nothing tells of them.
        if behind:
            step.count("indexes and constraints", behind, len(known.behind))

    def _end_current(self) -> None:
        if self._current is not None:
            self._names.add(self._current)
        self._current = None
