"""The manifest of the runbook, as mutations are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from gonogo.contract.records.reading import plain
from gonogo.controller import runbook
from tools.project import RUNBOOK

__all__ = ["Shape", "ident", "literal"]

Item = Mapping[str, Any]


class Shape:
    """A runbook's manifest, for one profile, and what follows from it."""

    def __init__(self, directory: Path = RUNBOOK, profile: str = "target") -> None:
        self.runbook = runbook.load(directory, profile=profile, parameters={}, templates=False)
        self.manifest: Item = plain(self.runbook.manifest)
        self.schema = str(self.manifest["schema"])
        self.tables: dict[str, Item] = {table["name"]: table for table in self.manifest["tables"]}
        self.foreign_keys: list[Item] = list(self.manifest["foreign_keys"])
        self.relations: list[Item] = list(self.manifest["relations"])
        self.loose: list[Item] = list(self.manifest["loose_relations"])

    def name(self, table: str) -> str:
        """The table's qualified name as SQL."""
        return f"{ident(self.schema)}.{ident(table)}"

    def column(self, table: str, column: str) -> Item:
        return next(item for item in self.tables[table]["columns"] if item["name"] == column)

    @cached_property
    def ours(self) -> frozenset[str]:
        return frozenset(self.tables)

    @cached_property
    def found(self) -> frozenset[tuple[str, str]]:
        """Table and column of what preflight has to find by name."""
        return frozenset(
            (entry["table"], name)
            for entry in self.manifest["found_columns"]
            for name in entry["any_of"]
        )

    def parents(self, table: str, column: str) -> list[str]:
        """What the column refers to by the manifest, declared or not."""
        return [
            relation["references"]["table"]
            for relation in (*self.relations, *self.loose)
            if relation["table"] == table and relation["columns"] == [column]
        ]

    def keys_of(self, table: str, column: str) -> list[Item]:
        """Foreign keys of the column."""
        return [
            key for key in self.foreign_keys if key["table"] == table and key["columns"] == [column]
        ]

    def keys_to(self, table: str) -> list[Item]:
        """Foreign keys that point at the table."""
        return [key for key in self.foreign_keys if key["references"]["table"] == table]

    def guards(self, table: str) -> list[Item]:
        """Triggers that refuse something."""
        return [item for item in self.tables[table]["triggers"] if item["purpose"] == "guard"]

    def list_of(self, table: str, column: str) -> list[str] | None:
        """The values a CHECK allows in the column."""
        for check in self.tables[table]["checks"]:
            if check["columns"] == [column] and "accepts" in check:
                return list(check["accepts"])
        return None

    def workspace_of(self, table: str, alias: str) -> str:
        """SQL expression: the workspace that a row belongs to, as text."""
        column, *above = self.tables[table]["tenant"]
        if not above:
            return f"{alias}.{ident(column)}::text"
        (parent,) = self.parents(table, column)
        inner = f"{alias}_"
        return (
            f"(SELECT {self.workspace_of(parent, inner)} FROM {self.name(parent)} AS {inner}"
            f" WHERE {inner}.id = {alias}.{ident(column)})"
        )


def ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value of the manifest as an SQL constant."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
