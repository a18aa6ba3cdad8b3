"""Every reference: pointing at nothing, or into another workspace. Duplicates of every key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sabotage.change import Mutation, past_triggers
from tools.sabotage.shape import Shape, ident, literal
from tools.sabotage.subjects import reference_checks

__all__ = ["rows"]

Relation = Mapping[str, Any]


def rows(shape: Shape) -> Iterator[Mutation]:
    for relation in shape.relations:
        yield from _orphans(shape, relation)
        if relation["references"]["table"] in shape.ours and _crosses(shape, relation):
            yield _crossing(shape, relation)
    for table in shape.tables:
        if shape.tables[table]["tenant"] == ["workspace_id"]:
            yield _moved(shape, table)
        for key in shape.tables[table]["unique"]:
            yield _duplicate(shape, table, key)
    yield from _sites(shape)


def _orphans(shape: Shape, relation: Relation) -> Iterator[Mutation]:
    table, (column,) = relation["table"], relation["columns"]
    parent = relation["references"]["table"]
    nothing = "gen_random_uuid()" if parent == "workspaces" else "'nothing'"
    right = reference_checks(table, column)
    yield Mutation(
        id=f"orphan: {table}.{column}",
        words=f"one row of {table} refers to no row of {parent}",
        admin=past_triggers(
            f"UPDATE {shape.name(table)} SET {ident(column)} = {nothing}"
            f" WHERE id = (SELECT min(id) FROM {shape.name(table)})"
        ),
        kind="orphan",
        right=right,
    )
    yield Mutation(
        id=f"parent gone: {table}.{column}",
        words=f"the row of {parent} that a row of {table} refers to is gone",
        admin=past_triggers(
            f"DELETE FROM {shape.name(parent)} WHERE id = (SELECT {ident(column)}"
            f" FROM {shape.name(table)} WHERE {ident(column)} IS NOT NULL ORDER BY id LIMIT 1)"
        ),
        kind="orphan",
        # Without the workspace that everything starts from, preflight stops.
        right=(*right, "0.3") if parent == "workspaces" else right,
    )


def _crosses(shape: Shape, relation: Relation) -> bool:
    """Whether the row would still be known by something else to belong to another workspace."""
    table, (column,) = relation["table"], relation["columns"]
    if shape.tables[table]["tenant"][0] != column:
        return True
    return any(
        other["table"] == table
        and other["columns"] != [column]
        and other["references"]["table"] in shape.ours
        for other in shape.relations
    )


def _crossing(shape: Shape, relation: Relation) -> Mutation:
    table, (column,) = relation["table"], relation["columns"]
    parent = relation["references"]["table"]
    return Mutation(
        id=f"crossing: {table}.{column}",
        words=f"one row of {table} refers to a row of {parent} in another workspace",
        # The first that can: a unique key may stand in the way of others.
        admin=past_triggers(
            f"""
            UPDATE {shape.name(table)} AS child SET {ident(column)} = other.id
            FROM (
                SELECT c.id AS child, p.id
                FROM {shape.name(table)} AS c, {shape.name(parent)} AS p
                WHERE c.{ident(column)} IS NOT NULL
                  AND {shape.workspace_of(table, "c")} <> {shape.workspace_of(parent, "p")}
                ORDER BY c.id, p.id LIMIT 1
            ) AS other
            WHERE child.id = other.child
            """
        ),
        kind="crossing workspaces",
        right=("C5.4", "V4.1"),
    )


def _moved(shape: Shape, table: str) -> Mutation:
    return Mutation(
        id=f"moved to another workspace: {table}",
        words=f"one row of {table} has moved to another workspace",
        # The first that can: a unique key may stand in the way of others.
        admin=past_triggers(
            f"""
            DO $move$
            DECLARE
                row_id text;
            BEGIN
                FOR row_id IN SELECT id FROM {shape.name(table)} ORDER BY id LOOP
                    BEGIN
                        UPDATE {shape.name(table)} AS t SET workspace_id = (
                            SELECT w.id FROM public.workspaces AS w WHERE w.id <> t.workspace_id
                            ORDER BY w.id LIMIT 1)
                        WHERE t.id = row_id AND t.workspace_id IS NOT NULL;
                        IF found THEN
                            RETURN;
                        END IF;
                    EXCEPTION WHEN unique_violation THEN
                        NULL;
                    END;
                END LOOP;
                RAISE EXCEPTION 'no row can be moved';
            END $move$
            """
        ),
        kind="crossing workspaces",
        right=("C5.4", "V4.1"),
    )


def _duplicate(shape: Shape, table: str, key: Mapping[str, Any]) -> Mutation:
    """A second row that the key forbids, beneath a key that says that it is valid."""
    name, at = key["name"], shape.name(table)
    same = ", ".join(
        ident(column["name"]) for column in shape.tables[table]["columns"] if column["name"] != "id"
    )
    held = ""
    if "where" in key:
        held = f" AND {ident(key['where']['column'])} = {literal(key['where']['holds'][0])}"
    filled = " AND ".join(f"{ident(column)} IS NOT NULL" for column in key["columns"])
    switched = (
        "UPDATE pg_index SET indisready = {0}, indisvalid = {0}"
        f" WHERE indexrelid = {literal(shape.name(name))}::regclass;\n"
    )
    right = ("V2.2",) if "where" in key else ("C1.8",)
    fill = "".join(
        f"UPDATE {at} SET {ident(column)} = {literal('A')}"
        f" WHERE id = (SELECT min(id) FROM {at}) AND {ident(column)} IS NULL;\n"
        for column in key["columns"]
        if shape.column(table, column)["nullable"] and not shape.parents(table, column)
    )
    return Mutation(
        id=f"duplicate: {name}",
        words=f"two rows of {table} are equal in what {name} keeps apart",
        admin=past_triggers(
            f"DO $fill$ BEGIN {fill} END $fill$;\n"
            + switched.format("false")
            + f"INSERT INTO {at} (id, {same}) SELECT 'twice', {same} FROM {at}"
            f" WHERE {filled}{held} ORDER BY id LIMIT 1;\n" + switched.format("true")
        ),
        kind="duplicate",
        right=right,
    )


def _sites(shape: Shape) -> Iterator[Mutation]:
    for relation in shape.loose:
        if relation["references"]["table"] != "sites":
            continue
        table, (column,) = relation["table"], relation["columns"]
        yield Mutation(
            id=f"unknown site: {table}.{column}",
            words=f"one row of {table} names a site that is not registered",
            sql=f"UPDATE {shape.name(table)} SET {ident(column)} = 'NOWHERE'"
            f" WHERE id = (SELECT min(id) FROM {shape.name(table)})",
            kind="orphan",
            right=("C1.12",),
            reported=True,
        )
