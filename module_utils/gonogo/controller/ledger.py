"""The ledger of a run: the rows it may have created, in the order they can be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["children_first"]


def children_first(
    records: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Group ledger records by table, children before their parents.

    The manifest lists the tables in the order of their creation, parents first; a table it does
    not know (such as workspaces) existed before all of them and comes last. Returns
    `[{"table": [schema, name], "ids": [text, ...]}, ...]`.
    """
    position = {table["name"]: number for number, table in enumerate(manifest["tables"])}
    grouped: dict[str, list[str]] = {}
    for record in records:
        grouped.setdefault(record["table"], []).append(record["key"]["id"])

    def order(table: str) -> tuple[int, str]:
        return -position.get(table.split(".", 1)[1], -1), table

    return [
        {"table": table.split(".", 1), "ids": sorted(set(grouped[table]))}
        for table in sorted(grouped, key=order)
    ]
