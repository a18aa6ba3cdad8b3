"""Runs one statement of a file as the one statement it was cut as.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from typing import Any

from ...contract.errors import GonogoError
from ...contract.records.migration import Statement
from ...contract.session_settings import PINNED

__all__ = ["line_of", "run"]

# By these the server reads a text. It tells of every change of them.
_READING = ("standard_conforming_strings", "client_encoding")


def run(connection: Any, statement: Statement) -> int:
    """Run a statement of a plan and return its row count. Database errors pass through.

    Raises GonogoError where the server would read the text in another way than it was cut, and
    where it has read several statements.
    """
    for name in _READING:
        value = connection.info.parameter_status(name)
        if value != PINNED[name]:
            raise _refused(
                statement,
                "the session has come to read SQL in another way than the file was cut",
                f"{name} is {value}, and must be {PINNED[name]}.",
            )
    cursor = connection.execute(statement.text.encode())
    rows = int(cursor.rowcount)
    if cursor.nextset():
        raise _refused(
            statement, "the server has read several statements where the file was cut to one", ""
        )
    return rows


def line_of(statement: Statement, position: str | None) -> int:
    """The line of the file in which the server has found an error."""
    if not position:
        return statement.line
    return statement.first_line + statement.text[: int(position) - 1].count("\n")


def _refused(statement: Statement, primary: str, detail: str) -> GonogoError:
    place = f"{statement.file}:{statement.line}: {statement.opening}"
    return GonogoError(
        primary,
        detail=f"{detail}\n{place}".strip(),
        hint="Take out of the file what changes the session's settings; a function may do it, too.",
    )
