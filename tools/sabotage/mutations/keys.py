"""Every primary and unique key: there, on which columns, for which rows, and in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident, literal

__all__ = ["keys"]

Key = Mapping[str, Any]


def keys(shape: Shape) -> Iterator[Mutation]:
    for table in shape.tables:
        yield from _primary(shape, table)
        for key in shape.tables[table]["unique"]:
            if "where" in key:
                yield from _partial(shape, table, key)
            else:
                yield from _unique(shape, table, key)
        number = list(shape.tables).index(table)
        yield from turns(_refusing(shape, table), number, 3)


def _primary(shape: Shape, table: str) -> Iterator[Mutation]:
    at = f"ALTER TABLE {shape.name(table)}"
    name = ident(f"{table}_pkey")
    drop = f"{at} DROP CONSTRAINT {name} CASCADE;\n"
    columns = shape.tables[table]["primary_key"]
    listed = ", ".join(map(ident, columns))
    rest: dict[str, Any] = {"kind": "primary key", "right": ("C1.8",)}
    yield Mutation(
        id=f"primary key missing: {table}",
        words=f"{table} has no primary key",
        sql=drop,
        **rest,
    )
    yield Mutation(
        id=f"primary key unique: {table}",
        words=f"the primary key of {table} is only a unique key",
        sql=f"{drop}{at} ADD CONSTRAINT {name} UNIQUE ({listed})",
        **rest,
    )
    yield Mutation(
        id=f"primary key wider: {table}",
        words=f"the primary key of {table} has a column more",
        sql=f"{drop}{at} ADD CONSTRAINT {name} PRIMARY KEY ({listed}, created_at)",
        **rest,
    )
    yield Mutation(
        id=f"primary key deferrable: {table}",
        words=f"the primary key of {table} is DEFERRABLE",
        sql=f"{drop}{at} ADD CONSTRAINT {name} PRIMARY KEY ({listed}) DEFERRABLE",
        **rest,
    )
    yield Mutation(
        id=f"primary key invalid: {table}",
        words=f"the index of the primary key of {table} is invalid",
        admin=_broken(shape, f"{table}_pkey"),
        **rest,
    )


def _broken(shape: Shape, index: str) -> str:
    """As a superuser: an index as an interrupted CREATE INDEX CONCURRENTLY leaves it."""
    return (
        "UPDATE pg_index SET indisvalid = false"
        f" WHERE indexrelid = {literal(shape.name(index))}::regclass"
    )


def _index(
    shape: Shape, table: str, name: str, columns: Sequence[str], where: str = "", more: str = ""
) -> str:
    listed = ", ".join(map(ident, columns))
    condition = f" WHERE {where}" if where else ""
    return (
        f"CREATE UNIQUE INDEX {ident(name)} ON {shape.name(table)} ({listed}){more}{condition};\n"
    )


def _unique(shape: Shape, table: str, key: Key) -> Iterator[Mutation]:
    name, columns = key["name"], list(key["columns"])
    drop = f"DROP INDEX {shape.name(name)};\n"
    rest: dict[str, Any] = {"kind": "unique key", "right": ("C1.8",)}

    def anew(columns: Sequence[str], where: str = "", more: str = "") -> str:
        return drop + _index(shape, table, name, columns, where, more)

    yield Mutation(
        id=f"unique key missing: {name}",
        words=f"the unique key {name} is missing",
        sql=drop,
        **rest,
    )
    yield Mutation(
        id=f"unique key not unique: {name}",
        words=f"the index {name} is not unique",
        sql=anew(columns).replace("UNIQUE ", ""),
        **rest,
    )
    for column in columns:
        narrower = [other for other in columns if other != column]
        # It is too strict; what the rows hold must not be in its way.
        yield Mutation(
            id=f"unique key narrower: {name} without {column}",
            words=f"the unique key {name} lacks {column}: too strict",
            sql=anew(narrower, where="created_at > '2100-01-01'")
            + _index(shape, table, f"{name}_2", columns),
            **rest,
        )
    yield Mutation(
        id=f"unique key wider: {name}",
        words=f"the unique key {name} has a column more: too weak",
        sql=anew([*columns, "created_at"]),
        **rest,
    )
    yield Mutation(
        id=f"unique key exchanged: {name}",
        words=f"the unique key {name} has the id for its last column",
        sql=anew([*columns[:-1], "id"]),
        **rest,
    )
    yield Mutation(
        id=f"unique key partial: {name}",
        words=f"the unique key {name} is about some rows only",
        sql=anew(columns, where="created_at > '2000-01-01'"),
        **rest,
    )
    yield Mutation(
        id=f"unique key of any case: {name}",
        words=f"the unique key {name} has an expression in it",
        sql=anew(columns).replace(f"({ident(columns[0])}", f"(lower({ident(columns[0])}::text)"),
        **rest,
    )
    yield Mutation(
        id=f"unique key deferrable: {name}",
        words=f"the unique key {name} is checked later",
        sql=f"{drop}ALTER TABLE {shape.name(table)} ADD CONSTRAINT {ident(name)}"
        f" UNIQUE ({', '.join(map(ident, columns))}) DEFERRABLE",
        **rest,
    )
    yield Mutation(
        id=f"unique key invalid: {name}",
        words=f"the unique key {name} is invalid",
        admin=_broken(shape, name),
        **rest,
    )
    if any(shape.column(table, column)["nullable"] for column in columns):
        yield Mutation(
            id=f"unique key of nothing: {name}",
            words=f"to the unique key {name} empty is equal to empty",
            sql=anew(columns, more=" NULLS NOT DISTINCT"),
            since=15,
            **rest,
        )


def _partial(shape: Shape, table: str, key: Key) -> Iterator[Mutation]:
    name, columns = key["name"], list(key["columns"])
    column, values = key["where"]["column"], list(key["where"]["holds"])
    drop = f"DROP INDEX {shape.name(name)};\n"
    held = f"{ident(column)} IN ({', '.join(map(literal, values))})"
    rest: dict[str, Any] = {"kind": "conditional unique key", "right": ("C1.5",)}
    # Two rows can be entered that must not be: these try it.
    open_: dict[str, Any] = {
        "kind": "conditional unique key",
        "right": ("C1.5", "C3.5", "V2.1", "V2.3"),
    }

    def anew(columns: Sequence[str], where: str) -> str:
        return drop + _index(shape, table, name, columns, where)

    yield Mutation(id=f"one ACTIVE missing: {name}", words=f"{name} is missing", sql=drop, **open_)
    yield Mutation(
        id=f"one ACTIVE not unique: {name}",
        words=f"{name} is not unique",
        sql=anew(columns, held).replace("UNIQUE ", ""),
        **open_,
    )
    yield Mutation(
        id=f"one ACTIVE wider: {name}",
        words=f"{name} has a column more",
        sql=anew([*columns, "version_number"], held),
        **open_,
    )
    yield Mutation(
        id=f"one ACTIVE exchanged: {name}",
        words=f"{name} has another column",
        sql=anew([columns[0], "version_number", "source_file_name"], held),
        **open_,
    )
    for missing in columns:
        left = [other for other in columns if other != missing]
        yield Mutation(
            id=f"one ACTIVE narrower: {name} without {missing}",
            words=f"{name} lacks {missing}",
            sql=anew(left, f"{held} AND created_at > '2100-01-01'"),
            **rest,
        )
    conditions = {
        "a condition in small letters": f"{ident(column)} = {literal(values[0].lower())}",
        "a condition turned round": f"NOT ({held}) AND created_at > '2100-01-01'",
        "a condition on another state": f"{ident(column)} = 'DRAFT' AND false",
        "a condition that asks for more": f"{held} AND validation_status = 'VALID'",
        "a condition that asks for a date": f"{held} AND created_at > '2000-01-01'",
        "a condition that takes in more": f"{ident(column)} IN ('ACTIVE', 'SUSPENDED')",
        "a condition that is a pattern": f"{ident(column)} LIKE 'ACTIVE%'",
        "no condition": "",
    }
    for words, condition in conditions.items():
        wider = columns if condition else [*columns, "version_number"]
        yield Mutation(
            id=f"one ACTIVE, {words}: {name}",
            words=f"{name} has {words}",
            sql=anew(wider, condition),
            **rest,
        )
    for flag in ("indisvalid", "indisready", "indislive"):
        yield Mutation(
            id=f"one ACTIVE not {flag}: {name}",
            words=f"{name} is there, but {flag} is false",
            admin=f"UPDATE pg_index SET {flag} = false"
            f" WHERE indexrelid = {literal(shape.name(name))}::regclass",
            **rest,
        )


# No row is made so late, so that the rows there are stand in no key's way.
_LATE = "created_at > '2100-01-01'"


def _refusing(shape: Shape, table: str) -> Iterator[Mutation]:
    """Keys nobody asked for: they refuse rows that are right."""
    at = shape.name(table)
    column = next(
        item["name"]
        for item in shape.tables[table]["columns"]
        if item["name"] not in shape.tables[table]["primary_key"]
    )
    text = next(
        item["name"]
        for item in shape.tables[table]["columns"]
        if item["name"] != "id" and item["type"].startswith(("text", "character"))
    )
    one, other = ident(column), ident(text)
    ways = {
        "for some rows": f"CREATE UNIQUE INDEX ON {at} ({one}) WHERE {_LATE}",
        "of an expression": f"CREATE UNIQUE INDEX ON {at} (lower({other}::text)) WHERE {_LATE}",
        "of a part of a value": f"CREATE UNIQUE INDEX ON {at} (left({other}, 1)) WHERE {_LATE}",
        "of a constant": f"CREATE UNIQUE INDEX ON {at} ((1)) WHERE {_LATE}",
        "with a column that is the same in every row": f"ALTER TABLE {at} ADD COLUMN slot integer"
        f" NOT NULL DEFAULT 0; CREATE UNIQUE INDEX ON {at} ({one}, slot) WHERE {_LATE}",
        "of a computed column": f"ALTER TABLE {at} ADD COLUMN short text GENERATED ALWAYS AS"
        f" (left({other}, 1)) STORED; CREATE UNIQUE INDEX ON {at} (short) WHERE {_LATE}",
        "of time": f"CREATE UNIQUE INDEX ON {at} (date_trunc('day', created_at)) WHERE {_LATE}",
    }
    for words, command in ways.items():
        yield Mutation(
            id=f"key refuses legal rows, {words}: {table}",
            words=f"{table} has a unique key more, {words}",
            sql=command,
            kind="key refuses legal rows",
            right=("C1.8",),
        )
    yield Mutation(
        id=f"key refuses legal rows, as an exclusion: {table}",
        words=f"{table} excludes what is alike in one column",
        sql=f"ALTER TABLE {at} ADD EXCLUDE USING btree ({other} WITH =) WHERE ({_LATE})",
        kind="key refuses legal rows",
        right=("C1.11",),
    )
    for condition in ("source_type = 'DRAFT'", f"status = 'DRAFT' AND {_LATE}"):
        if table == "config_versions":
            yield Mutation(
                id=f"key refuses legal rows, of one state ({condition[:6]}): {table}",
                words=f"{table} allows one version more rarely: {condition}",
                sql=f"CREATE UNIQUE INDEX ON {at} (workspace_id, source_type) WHERE {condition}",
                since=13,
                kind="key refuses legal rows",
                right=("C1.8",),
            )
