"""The ledger of a run: the rows it may have created, in the order they can be deleted.

Their ids follow from the run's token, so no ledger can name a row that no run has made.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ...contract.errors import GonogoError, shown

__all__ = ["by_table", "children_first", "digest", "refuse_others", "row_id"]


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


def digest(token: str, phase: str, *words: str) -> bytes:
    """What everything a phase makes follows from, 32 bytes."""
    return hashlib.sha256("\0".join((token, phase, *words)).encode()).digest()


def row_id(token: str, *, phase: str, table: str, label: str) -> str:
    """The id of a row that a run makes; `table` is without its schema."""
    # Of version 4, as gen_random_uuid() makes them: nothing tells the row from another.
    return str(uuid.UUID(bytes=digest(token, phase, "id", table, label)[:16], version=4))


def refuse_others(records: Records, token: str) -> None:
    """Raise GonogoError for a record whose row is not one that the run of this token makes."""
    for number, record in enumerate(records, start=1):
        schema, _, table = str(record.get("table")).partition(".")
        phase, label = str(record.get("phase")), str(record.get("label"))
        wanted = {"id": row_id(token, phase=phase, table=table, label=label)}
        if not schema or record.get("key") != wanted:
            raise GonogoError(
                f"ledger.jsonl line {number} names a row that is not the run's; nothing was "
                "removed",
                detail=f"{shown(str(record.get('table')))}: its id does not follow from the run.",
                hint="Find out who has written it. Remove the run's rows by hand.",
            )


def by_table(records: Records) -> list[dict[str, Any]]:
    """Group records in their order: `[{"table": [schema, name], "ids": [text, ...]}, ...]`."""
    grouped: dict[str, set[str]] = {}
    for record in records:
        grouped.setdefault(record["table"], set()).add(record["key"]["id"])
    return [{"table": table.split(".", 1), "ids": sorted(ids)} for table, ids in grouped.items()]
