"""Every foreign key: there, where it leads, what it does, and whether it is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.text import add_key
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident
from tools.sabotage.subjects import foreign_key_checks

__all__ = ["foreign_keys"]

Key = Mapping[str, Any]

_OTHER_ACTION = {
    "RESTRICT": "CASCADE",
    "CASCADE": "RESTRICT",
    "SET NULL": "CASCADE",
    "NO ACTION": "CASCADE",
}


def foreign_keys(shape: Shape) -> Iterator[Mutation]:
    for number, key in enumerate(shape.foreign_keys):
        yield from _of(shape, key)
        yield from turns(_actions(shape, key), number)
        yield from turns(_others(shape, key), number, 2)


def _drop(shape: Shape, key: Key) -> str:
    return f"ALTER TABLE {shape.name(key['table'])} DROP CONSTRAINT {ident(key['name'])};\n"


def _of(shape: Shape, key: Key) -> Iterator[Mutation]:
    name = key["name"]
    drop = _drop(shape, key)
    right = foreign_key_checks()
    yield Mutation(
        id=f"key missing: {name}",
        words=f"the foreign key {name} is missing",
        sql=drop,
        kind="foreign key missing",
        right=foreign_key_checks(present=False),
    )
    other = _OTHER_ACTION[key["on_delete"]]
    yield Mutation(
        id=f"key on delete {other}: {name}",
        words=f"{name} is ON DELETE {other}, not {key['on_delete']}",
        sql=drop + add_key(shape, key, on_delete=other),
        kind="foreign key's action",
        right=right,
    )


def _actions(shape: Shape, key: Key) -> Iterator[Mutation]:
    name = key["name"]
    drop = _drop(shape, key)
    right = foreign_key_checks()
    yield Mutation(
        id=f"key on delete NO ACTION: {name}",
        words=f"{name} is ON DELETE NO ACTION, not {key['on_delete']}",
        sql=drop + add_key(shape, key, on_delete="NO ACTION"),
        kind="foreign key's action",
        right=right,
    )
    other = "NO ACTION" if key["on_update"] != "NO ACTION" else "CASCADE"
    yield Mutation(
        id=f"key on update {other}: {name}",
        words=f"{name} is ON UPDATE {other}, not {key['on_update']}",
        sql=drop + add_key(shape, key, on_update=other),
        kind="foreign key's action",
        right=right,
    )


def _others(shape: Shape, key: Key) -> Iterator[Mutation]:
    name = key["name"]
    drop = _drop(shape, key)
    right = foreign_key_checks()
    rest: dict[str, Any] = {"kind": "foreign key in force", "right": right}
    yield Mutation(
        id=f"key not valid: {name}",
        words=f"{name} is NOT VALID",
        sql=drop + add_key(shape, key, more="NOT VALID"),
        **rest,
    )
    yield Mutation(
        id=f"key deferred: {name}",
        words=f"{name} is checked at the end of the transaction",
        sql=drop + add_key(shape, key, more="DEFERRABLE INITIALLY DEFERRED"),
        **rest,
    )
    yield Mutation(
        id=f"key not enforced: {name}",
        words=f"{name} is NOT ENFORCED",
        sql=drop + add_key(shape, key, more="NOT ENFORCED"),
        since=18,
        **rest,
    )
    yield Mutation(
        id=f"key switched off: {name}",
        words=f"the triggers behind {name} are disabled",
        admin=f"""
        DO $each$
        DECLARE
            command text;
        BEGIN
            FOR command IN
                SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname)
                FROM pg_trigger JOIN pg_constraint AS c ON c.oid = tgconstraint
                WHERE c.conname = '{name}' AND tgrelid = c.conrelid
            LOOP
                EXECUTE command;
            END LOOP;
        END $each$
        """,
        **rest,
    )
    rest["kind"] = "foreign key's target"
    yield Mutation(
        id=f"key twice: {name}",
        words=f"beside {name} there is a second one that cascades otherwise",
        sql=add_key(shape, key, name="second", on_delete=_OTHER_ACTION[key["on_delete"]]),
        **rest,
    )
    parent = key["references"]["table"]
    declared = "uuid" if parent == "workspaces" else "text"
    yield Mutation(
        id=f"key to another table: {name}",
        words=f"{name} leads to a table of the same name in another schema",
        sql=f"CREATE SCHEMA archive;"
        f"CREATE TABLE archive.{ident(parent)} (id {declared} PRIMARY KEY);"
        + drop
        + add_key(shape, key, parent=f"archive.{ident(parent)}", more="NOT VALID"),
        **rest,
    )
