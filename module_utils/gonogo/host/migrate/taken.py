# ruff: noqa: S608 - the names are quoted by the server
"""What is in the columns that a migration drops: whoever makes them anew does not bring it back.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...contract.records.migration import Plan
from .names import resolved

__all__ = ["Column", "values"]

_QUOTED = """
SELECT pg_catalog.format('%%I.%%I', w.schema, w.name), pg_catalog.quote_ident(w.own)
FROM (VALUES (%s::text, %s::text, %s::text)) AS w (schema, name, own)
"""


@dataclass(frozen=True)
class Column:
    """A column of a table; both names are quoted where that is needed."""

    table: str
    own: str

    @property
    def name(self) -> str:
        return f"{self.table}.{self.own}"

    def values(self, connection: Any) -> int:
        """How many rows have a value in it."""
        query = f"SELECT pg_catalog.count({self.own}) FROM {self.table}"
        return int(connection.execute(query.encode()).fetchone()[0])


def values(connection: Any, plan: Plan, schema: Mapping[str, str]) -> dict[Column, int]:
    """The columns of tables in this `schema` that a migration drops, and how many values each of
    them has."""
    objects = plan.objects
    if plan.session is not None:
        objects = resolved(connection, objects, plan.session)
    found = {}
    for item in objects:
        if item.kind != "column" or item.expected:
            continue
        names = (item.schema, item.table, item.name)
        column = Column(*connection.execute(_QUOTED, names).fetchone())
        if f"table {column.table}" in schema and f"column {column.name}" in schema:
            found[column] = column.values(connection)
    return found
