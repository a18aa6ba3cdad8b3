"""What the proof says of two states of one database: one is read, something is changed, the other
is read, and the change is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gonogo.host.compare import schema_catalog
from gonogo.host.compare.carried import is_carried
from gonogo.host.compare.schema_catalog import Difference, compare
from tests.integration.support.universe import Object
from tests.integration.support.universe.loading import objects

__all__ = ["Comparison"]


@dataclass
class Comparison:
    """`connection` is a superuser's who may change catalogs; `schema` is what there was."""

    connection: Any
    objects: list[Object]
    schema: dict[str, str]

    @classmethod
    def of(cls, connection: Any) -> Comparison:
        connection.execute("SET allow_system_table_mods = on")
        return cls(connection, objects(connection), schema_catalog.read(connection))

    def ask(self, query: str) -> list[Any]:
        return list(self.connection.execute(query.encode()).fetchall())

    def differences(self, *statements: str, carried: bool = True) -> list[Difference]:
        """What the proof says when these were done to one side.

        Of what a dump carries only, or of all that is told.
        """
        with self.connection.transaction(force_rollback=True):
            for statement in statements:
                self.connection.execute(statement.encode())
            changed = schema_catalog.read(self.connection)
        found = compare(self.schema, changed)
        return [one for one in found if not carried or is_carried(one, self.schema, changed)]
