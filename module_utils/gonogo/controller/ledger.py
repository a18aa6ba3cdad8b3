"""The ledger of a run: the rows it may have created, in the order they can be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..errors import GonogoError

__all__ = ["by_table", "children_first"]

Records = Sequence[Mapping[str, Any]]


def children_first(records: Records, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Sort ledger records so that children come before their parents.

    Who is whose child is said by the manifest's relations, whether or not a foreign key enforces
    them.
    """
    children: dict[str, set[str]] = {record["table"]: set() for record in records}
    for relation in manifest["relations"]:
        child, parent = (
            f"{manifest['schema']}.{name}"
            for name in (relation["table"], relation["references"]["table"])
        )
        if child != parent and child in children and parent in children:
            children[parent].add(child)
    try:
        order = list(TopologicalSorter(children).static_order())
    except CycleError as error:
        raise GonogoError(
            "the run's rows cannot be deleted one table after the other",
            detail=f"The tables refer to each other: {', '.join(error.args[1])}.",
            hint="Let the phase scripts make rows in fewer of them.",
        ) from error
    position = {table: number for number, table in enumerate(order)}
    return [dict(record) for record in sorted(records, key=lambda r: position[r["table"]])]


def by_table(records: Records) -> list[dict[str, Any]]:
    """Group records in their order: `[{"table": [schema, name], "ids": [text, ...]}, ...]`."""
    grouped: dict[str, set[str]] = {}
    for record in records:
        grouped.setdefault(record["table"], set()).add(record["key"]["id"])
    return [{"table": table.split(".", 1), "ids": sorted(ids)} for table, ids in grouped.items()]
