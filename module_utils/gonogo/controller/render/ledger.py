"""The ledger of a run: the rows it may have created, in the order they can be deleted.

Their ids follow from the run's token, so no ledger can name a row that no run has made.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from ...contract.errors import GonogoError, shown
from ...contract.records.ledger import LedgerRow, LedgerTable
from ..declared.manifest import Relation

__all__ = ["by_table", "children_first", "digest", "refuse_others", "row_id"]


def children_first(
    rows: Sequence[LedgerRow], *, schema: str, relations: Sequence[Relation]
) -> list[LedgerRow]:
    """Sort the rows of a ledger so that children come before their parents.

    Who is whose child is said by the relations of the manifest, whether or not a foreign key
    enforces them; all its tables are in one schema.
    """
    # Lists, and no sets: the same rows are in the same order in every process.
    children: dict[str, list[str]] = {row.table: [] for row in rows}
    for relation in relations:
        child, parent = (f"{schema}.{name}" for name in (relation.table, relation.references.table))
        if child != parent and child in children and parent in children:
            children[parent].append(child)
    try:
        order = list(TopologicalSorter(children).static_order())
    except CycleError as error:
        raise GonogoError(
            "the run's rows cannot be deleted one table after the other",
            detail=f"The tables refer to each other: {', '.join(error.args[1])}.",
            hint="Let the phase scripts make rows in fewer of them.",
        ) from error
    position = {table: number for number, table in enumerate(order)}
    return sorted(rows, key=lambda row: position[row.table])


def digest(token: str, phase: str, *words: str) -> bytes:
    """What everything a phase makes follows from, 32 bytes."""
    return hashlib.sha256("\0".join((token, phase, *words)).encode()).digest()


def row_id(token: str, *, phase: str, table: str, label: str) -> str:
    """The id of a row that a run makes; `table` is without its schema."""
    # Of version 4, as gen_random_uuid() makes them: nothing tells the row from another.
    return str(uuid.UUID(bytes=digest(token, phase, "id", table, label)[:16], version=4))


def refuse_others(rows: Sequence[LedgerRow], token: str) -> None:
    """Raise GonogoError for a row that is not one that the run of this token makes."""
    for number, row in enumerate(rows, start=1):
        schema, _, table = row.table.partition(".")
        wanted = {"id": row_id(token, phase=row.phase, table=table, label=row.label)}
        if not schema or row.key != wanted:
            raise GonogoError(
                f"ledger.jsonl line {number} names a row that is not the run's; nothing was "
                "removed",
                detail=f"{shown(row.table)}: its id does not follow from the run.",
                hint="Find out who has written it. Remove the run's rows by hand.",
            )


def by_table(rows: Sequence[LedgerRow]) -> list[LedgerTable]:
    """Group rows by their table, in their order."""
    grouped: dict[str, set[str]] = {}
    for row in rows:
        grouped.setdefault(row.table, set()).add(str(row.key["id"]))
    return [LedgerTable(table.split(".", 1), sorted(ids)) for table, ids in grouped.items()]
