"""The values of prepared statements, in SQL.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from ...contract.errors import GonogoError
from ..migrate.history.reading import literal
from ..session.connection import DatabaseError
from .protocol import Heard

__all__ = ["Values"]

_TYPE = """
SELECT pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type AS t WHERE t.oid = %s::oid
"""
# `unknown`: as a text in SQL is that has no type yet.
_UNSAID = (0, 705)
_BINARY = 1


class Values:
    """Writes values as SQL, in a session that knows their types."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._names: dict[int, str | None] = {}

    def of(self, heard: Heard) -> tuple[str, ...]:
        """Raises GonogoError for one that nobody can read."""
        types: Sequence[int] = heard.statement.types
        found = []
        for number, value in enumerate(heard.values):
            oid = types[number] if number < len(types) else 0
            found.append(self._one(value, oid, heard.formats[number]))
        return tuple(found)

    def _one(self, value: bytes | None, oid: int, form: int) -> str:
        name = None if oid in _UNSAID else self._name(oid)
        typed = f"::{name}" if name else ""
        if value is None:
            return f"NULL{typed}"
        text = self._text(value, oid) if form == _BINARY else value.decode("utf-8")
        return f"{literal(text)}{typed}"

    def _name(self, oid: int) -> str | None:
        if oid not in self._names:
            row = self._connection.execute(_TYPE, [oid]).fetchone()
            self._names[oid] = row[0] if row else None
        return self._names[oid]

    def _text(self, value: bytes, oid: int) -> str:
        """As the server writes a value that was sent in binary."""
        answer = self._connection.pgconn.exec_params(
            b"SELECT $1", [value], param_types=[oid], param_formats=[_BINARY]
        )
        if answer.status != psycopg.pq.ExecStatus.TUPLES_OK:
            raise GonogoError(
                "a value that the command has sent cannot be read",
                detail=f"It was sent in binary, as the type with the oid {oid}.",
                hint="Have the driver send its values as text.",
            ) from DatabaseError()
        return bytes(answer.get_value(0, 0) or b"").decode("utf-8")
