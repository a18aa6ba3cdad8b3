"""Every index of the model and of the queries people wait for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident, literal
from tools.sabotage.subjects import index_checks

__all__ = ["indexes"]

Index = Mapping[str, Any]


def indexes(shape: Shape) -> Iterator[Mutation]:
    for table in shape.tables:
        for number, index in enumerate(shape.tables[table]["indexes"]):
            yield from _of(shape, index)
            yield from turns(_otherwise(shape, table, index), number)


def _of(shape: Shape, index: Index) -> Iterator[Mutation]:
    name = index["name"]
    rest: dict[str, Any] = {"kind": "index", "right": index_checks(name)}
    yield Mutation(
        id=f"index missing: {name}",
        words=f"the index {name} is missing",
        sql=f"DROP INDEX {shape.name(name)}",
        **rest,
    )
    yield Mutation(
        id=f"index invalid: {name}",
        words=f"an interrupted CREATE INDEX CONCURRENTLY has left {name} invalid",
        admin="UPDATE pg_index SET indisvalid = false"
        f" WHERE indexrelid = {literal(shape.name(name))}::regclass",
        **rest,
    )


def _otherwise(shape: Shape, table: str, index: Index) -> Iterator[Mutation]:
    name, columns = index["name"], list(index["columns"])
    descending = list(index.get("descending", []))
    drop = f"DROP INDEX {shape.name(name)};\n"
    where = ""
    if "where" in index:
        held = ", ".join(map(literal, index["where"]["holds"]))
        where = f"{ident(index['where']['column'])} IN ({held})"
    rest: dict[str, Any] = {"kind": "index", "right": index_checks(name)}

    def anew(columns: Sequence[str], *, where: str = where, using: str = "") -> str:
        listed = ", ".join(
            ident(column) + (" DESC" if column in descending else "") for column in columns
        )
        condition = f" WHERE {where}" if where else ""
        method = f" USING {using}" if using else ""
        return (
            f"{drop}CREATE INDEX {ident(name)} ON {shape.name(table)}{method} ({listed}){condition}"
        )

    if len(columns) > 1:
        yield Mutation(
            id=f"index in another order: {name}",
            words=f"the index {name} has its columns in another order",
            sql=anew([*columns[1:], columns[0]]),
            **rest,
        )
        yield Mutation(
            id=f"index narrower: {name}",
            words=f"the index {name} lacks its last column",
            sql=anew(columns[:-1]),
            **rest,
        )
    else:
        descending.clear()
        yield Mutation(
            id=f"index by hash: {name}",
            words=f"the index {name} knows equality only",
            sql=anew(columns, using="hash"),
            **rest,
        )
        yield Mutation(
            id=f"index on another column: {name}",
            words=f"the index {name} is on another column",
            sql=anew(["id"]),
            **rest,
        )
        descending = list(index.get("descending", []))
    yield Mutation(
        id=f"index of some rows: {name}",
        words=f"the index {name} is about some rows only",
        sql=anew(columns, where=f"{where or 'true'} AND created_at > '2000-01-01'"),
        **rest,
    )
    if descending and len(columns) > 1:
        kept, descending = descending, []
        yield Mutation(
            id=f"index sorted otherwise: {name}",
            words=f"the index {name} is sorted upwards",
            sql=anew(columns),
            **rest,
        )
        descending = kept
    for value in index["where"]["holds"] if "where" in index else []:
        others = [other for other in index["where"]["holds"] if other != value] or ["APPROVED"]
        held = ", ".join(map(literal, others))
        yield Mutation(
            id=f"index without {value}: {name}",
            words=f"the condition of the index {name} leaves out {value}",
            sql=anew(columns, where=f"{ident(index['where']['column'])} IN ({held})"),
            **rest,
        )
