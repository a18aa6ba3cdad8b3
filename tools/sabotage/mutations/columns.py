"""Every column's presence, type, nullability, default and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sabotage.change import Mutation, past_triggers
from tools.sabotage.mutations.text import GUARDED
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident, literal
from tools.sabotage.subjects import type_checks

__all__ = ["columns"]

Item = Mapping[str, Any]

# Declared type → another one, which holds the values that are there.
_OTHER_TYPES = {
    "text": "character varying(300)",
    "uuid": "text",
    "integer": "bigint",
    "boolean": "text",
    "date": "timestamp(6) without time zone",
    "timestamp(6) without time zone": "timestamp(6) with time zone",
    "jsonb": "json",
}

# Function the default computes → what nearly means the same.
_OTHER_DEFAULTS = {
    "random_uuid": "md5(random()::text)",
    "now": "now() + interval '7 hours'",
    "today": "CURRENT_DATE + 1",
}


def columns(shape: Shape) -> Iterator[Mutation]:
    for table in shape.tables:
        for number, column in enumerate(shape.tables[table]["columns"]):
            if number % 3 == 0:
                yield _missing(shape, table, column)
            yield _type(shape, table, column)
            yield from _nullability(shape, table, column)
            yield from turns(_defaults(shape, table, column), number)
        yield from turns(_others(shape, table), list(shape.tables).index(table), 2)


def _missing(shape: Shape, table: str, column: Item) -> Mutation:
    name = column["name"]
    right = ["C1.7"]
    if (table, name) in shape.found:
        right.append("0.2")
    if name == "id":
        right += ["C1.8", "C2.A"]
    # Without the key there is nothing that the references could be compared with.
    unknown = ("0.7",) if (table, name) == ("config_versions", "id") else ()
    return Mutation(
        id=f"column missing: {table}.{name}",
        words=f"the column {table}.{name} is missing",
        sql=f"ALTER TABLE {shape.name(table)} DROP COLUMN {ident(name)} CASCADE",
        kind="column missing",
        right=tuple(right),
        unknown=unknown,
    )


def _type(shape: Shape, table: str, column: Item) -> Mutation:
    name, declared = column["name"], column["type"]
    if declared.startswith("character varying("):
        # One character more: nothing that is there would notice.
        length = int(declared.partition("(")[2].rstrip(")"))
        other = f"character varying({length + 1})"
    else:
        other = _OTHER_TYPES[declared]
    commands = []
    if declared in {"uuid", "jsonb"} or "default" in column:
        commands.append(f"ALTER COLUMN {ident(name)} DROP DEFAULT")
    commands.append(f"ALTER COLUMN {ident(name)} TYPE {other} USING {ident(name)}::{other}")
    default = column.get("default", {})
    if "value" in default:
        commands.append(
            f"ALTER COLUMN {ident(name)} SET DEFAULT {literal(default['value'])}::{other}"
        )
    elif "function" in default:
        computed = {"random_uuid": "gen_random_uuid()", "now": "now()", "today": "CURRENT_DATE"}
        commands.append(
            f"ALTER COLUMN {ident(name)} SET DEFAULT {computed[default['function']]}::{other}"
        )
    before = ""
    if declared == "uuid":
        before = "".join(_without(shape, key) for key in shape.keys_of(table, name))
    return Mutation(
        id=f"column type: {table}.{name}",
        words=f"{table}.{name} is {other} instead of {declared}",
        sql=before + _past_guards(shape, table, name, commands),
        kind="column type",
        right=type_checks(shape, table, name),
    )


def _without(shape: Shape, key: Item) -> str:
    return f"ALTER TABLE {shape.name(key['table'])} DROP CONSTRAINT {ident(key['name'])};\n"


def _past_guards(shape: Shape, table: str, column: str, commands: list[str]) -> str:
    """The condition of a trigger holds on to the type of the columns it names."""
    altered = f"ALTER TABLE {shape.name(table)} {', '.join(commands)};"
    guards = [guard for guard in shape.guards(table) if GUARDED[guard["function"]][1] == column]
    for guard in guards:
        altered = (
            f"DROP TRIGGER {ident(guard['name'])} ON {shape.name(table)};\n{altered}\n"
            f"CREATE TRIGGER {ident(guard['name'])} {guard['timing']}"
            f" {' OR '.join(guard['events'])} ON {shape.name(table)} FOR EACH {guard['level']}"
            f" WHEN ({GUARDED[guard['function']][0]})"
            f" EXECUTE FUNCTION {shape.name(guard['function'])}();"
        )
    return altered


def _nullability(shape: Shape, table: str, column: Item) -> Iterator[Mutation]:
    name = column["name"]
    if name in shape.tables[table]["primary_key"]:
        return
    if not column["nullable"]:
        yield Mutation(
            id=f"column nullable: {table}.{name}",
            words=f"{table}.{name} may be empty",
            sql=f"ALTER TABLE {shape.name(table)} ALTER COLUMN {ident(name)} DROP NOT NULL",
            kind="column nullability",
            right=("C1.7",),
        )
        return
    fill = (
        f"UPDATE {shape.name(table)} SET {ident(name)} = {_filler(shape, table, column)}"
        f" WHERE {ident(name)} IS NULL"
    )
    yield Mutation(
        id=f"column mandatory: {table}.{name}",
        words=f"{table}.{name} may not be empty",
        admin=past_triggers(f"DO $fill$ BEGIN {fill}; END $fill$"),
        sql=f"ALTER TABLE {shape.name(table)} ALTER COLUMN {ident(name)} SET NOT NULL",
        kind="column nullability",
        right=("C1.7",),
    )


def _filler(shape: Shape, table: str, column: Item) -> str:
    """SQL expression: something to put where nothing is."""
    name, declared = column["name"], column["type"]
    declared_list = shape.list_of(table, name)
    if declared_list:
        return literal(declared_list[0])
    for key in shape.keys_of(table, name):
        parent = shape.name(key["references"]["table"])
        return f"(SELECT id FROM {parent} ORDER BY id LIMIT 1)"
    if declared.startswith("character varying("):
        length = int(declared.partition("(")[2].rstrip(")"))
        return f"left(id, {length})"
    return {
        "text": "id",
        "uuid": "gen_random_uuid()",
        "integer": "1",
        "boolean": "true",
        "date": "CURRENT_DATE",
        "timestamp(6) without time zone": "now()",
        "jsonb": "'{}'",
    }[declared]


def _defaults(shape: Shape, table: str, column: Item) -> Iterator[Mutation]:
    name = column["name"]
    at = f"ALTER TABLE {shape.name(table)} ALTER COLUMN {ident(name)}"
    default = column.get("default")
    if default is None:
        yield Mutation(
            id=f"column default added: {table}.{name}",
            words=f"{table}.{name} has a default that nobody asked for",
            sql=f"{at} SET DEFAULT {_constant(shape, table, column)}",
            kind="column default",
            right=("C1.7",),
        )
        return
    yield Mutation(
        id=f"column default missing: {table}.{name}",
        words=f"{table}.{name} has no default",
        sql=f"{at} DROP DEFAULT",
        kind="column default",
        right=("C1.7",),
    )
    if "function" in default:
        other = _OTHER_DEFAULTS[default["function"]]
    else:
        other = _constant(shape, table, column, besides=default["value"])
    yield Mutation(
        id=f"column default changed: {table}.{name}",
        words=f"{table}.{name} has the default {other}",
        sql=f"{at} SET DEFAULT {other}",
        kind="column default",
        right=("C1.7",),
    )


def _constant(shape: Shape, table: str, column: Item, besides: object = None) -> str:
    """A constant of the column's type, another one than `besides`."""
    accepted = shape.list_of(table, column["name"])
    if accepted:
        return literal(next(value for value in accepted if value != besides))
    declared = column["type"]
    if declared == "integer":
        return literal(0 if besides == 1 else 1)
    if declared == "boolean":
        return literal(not besides)
    return {
        "uuid": "'11111111-1111-4111-8111-111111111111'",
        "date": "'2026-01-01'",
        "timestamp(6) without time zone": "'2026-01-01'",
        "jsonb": "'{}'",
    }.get(declared, "'x'")


def _plain(shape: Shape, table: str) -> str:
    """A column of text that no rule of the database speaks of."""
    ruled = {name for check in shape.tables[table]["checks"] for name in check["columns"]}
    declared = {
        name for item in shape.relations if item["table"] == table for name in item["columns"]
    }
    return next(
        str(column["name"])
        for column in shape.tables[table]["columns"]
        if column["type"].startswith(("text", "character"))
        and column["name"] not in {"id", *ruled, *declared}
    )


def _others(shape: Shape, table: str) -> Iterator[Mutation]:
    """What can be done to any column, on one of each table."""
    at = f"ALTER TABLE {shape.name(table)}"
    own = shape.tables[table]["columns"]
    plain = _plain(shape, table)
    declared = shape.column(table, plain)["type"]
    rest: dict[str, Any] = {"kind": "column, otherwise", "right": ("C1.7",)}
    yield Mutation(
        id=f"column not null not valid: {table}.created_at",
        words=f"NOT NULL of {table}.created_at is NOT VALID",
        sql=f"{at} ALTER COLUMN created_at DROP NOT NULL; {at} ADD NOT NULL created_at NOT VALID",
        since=18,
        **rest,
    )
    yield Mutation(
        id=f"column sorted otherwise: {table}.{plain}",
        words=f"{table}.{plain} has a collation of its own",
        sql=f'{at} ALTER COLUMN {ident(plain)} TYPE {declared} COLLATE "C"',
        **rest,
    )
    yield Mutation(
        id=f"column unknown and mandatory: {table}",
        words=f"{table} has a mandatory column that nobody knows",
        sql=f"{at} ADD COLUMN reviewer text NOT NULL DEFAULT '';"
        f"{at} ALTER COLUMN reviewer DROP DEFAULT",
        **rest,
    )
    yield Mutation(
        id=f"column of another case: {table}.{plain}",
        words=f"{table}.{plain} is written with a capital",
        sql=f"{at} RENAME COLUMN {ident(plain)} TO {ident(plain.capitalize())}",
        **rest,
    )
    yield Mutation(
        id=f"column generated: {table}.{plain}",
        words=f"{table}.{plain} is computed from the id",
        sql=f"{at} DROP COLUMN {ident(plain)} CASCADE;"
        f"{at} ADD COLUMN {ident(plain)} {declared} GENERATED ALWAYS AS (left(id, 5)) STORED",
        **rest,
    )
    yield Mutation(
        id=f"column virtual: {table}.{plain}",
        words=f"{table}.{plain} is computed from the id when it is read",
        sql=f"{at} DROP COLUMN {ident(plain)} CASCADE;"
        f"{at} ADD COLUMN {ident(plain)} {declared} GENERATED ALWAYS AS (left(id, 5)) VIRTUAL",
        since=18,
        **rest,
    )
    number = next((column["name"] for column in own if column["type"] == "integer"), None)
    if number is not None:
        identity = "GENERATED ALWAYS AS IDENTITY"
        yield Mutation(
            id=f"column identity: {table}.{number}",
            words=f"{table}.{number} is an identity",
            sql=f"{at} DROP COLUMN {ident(number)} CASCADE;"
            f"{at} ADD COLUMN {ident(number)} integer {identity}",
            **rest,
        )
