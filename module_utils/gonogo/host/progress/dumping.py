"""How far pg_dump is: the files of the archive, and what the server says of its COPYs.

Of a dump nobody knows beforehand how large it becomes. What is known of the source are estimates of
rows; what is finished is what was copied when somebody looked, and is copied no more. What was
never seen was small.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from . import server
from .server import Copy
from .telling import Step, lent

__all__ = ["Dumping", "Rows"]


class Rows:
    """Rows that were copied, of tables of which about so many rows are known."""

    def __init__(self, estimated: dict[int, int]) -> None:
        self._estimated = estimated
        self._seen: dict[int, int] = {}
        self._active: set[int] = set()

    def saw(self, copies: Sequence[Copy]) -> None:
        self._active = {copy.table for copy in copies}
        for copy in copies:
            self._seen[copy.table] = max(copy.rows, self._seen.get(copy.table, 0))

    def finished(self) -> int:
        """Tables that were seen and are finished."""
        return len(self._seen.keys() - self._active)

    def done(self, unseen: int) -> int:
        """Rows by now, where so many more tables are finished that were not seen: as many as the
        others have on average."""
        rows = sum(
            seen if table in self._active else max(seen, self._estimated.get(table, 0))
            for table, seen in self._seen.items()
        )
        others = [rows for table, rows in self._estimated.items() if table not in self._seen]
        if not others:
            return rows
        return rows + sum(others) * min(max(unseen, 0), len(others)) // len(others)

    @property
    def of(self) -> int | None:
        return sum(self._estimated.values()) or None


class Dumping:
    """The look of a step that writes an archive to `directory`.

    The session that is lent is one in the database that is dumped.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rows: Rows | None = None

    def __call__(self, step: Step) -> None:
        begun, size = _files(self._directory)
        with contextlib.suppress(Exception):
            self._ask(step, begun)
        step.count("tables begun", begun, None)
        step.count("bytes written", size)

    def _ask(self, step: Step, begun: int) -> None:
        with lent() as connection:
            found = server.copies(connection)
            if found is None:
                return
            if self._rows is None:
                self._rows = Rows(server.estimates(connection))
        rows = self._rows
        rows.saw(found)
        unseen = begun - len(found) - rows.finished()
        if rows.of:
            step.count("rows", rows.done(unseen), rows.of, about=True)
        step.touch(server.touched(found))


def _files(directory: Path) -> tuple[int, int]:
    """How many files of rows there are, and the size of all files."""
    tables = size = 0
    with os.scandir(directory) as files:
        for file in files:
            size += file.stat(follow_symlinks=False).st_size
            tables += file.name.partition(".")[0].isdigit()
    return tables, size
