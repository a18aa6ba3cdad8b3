"""Every table as a whole: absent, of another kind, shadowed, and with something acting on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.text import login_starts_with
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident, literal

__all__ = ["tables"]

# When an unknown trigger fires: on each table another moment.
_MOMENTS = (
    ("BEFORE", "INSERT"),
    ("AFTER", "UPDATE"),
    ("BEFORE", "TRUNCATE"),
    ("AFTER", "DELETE"),
    ("BEFORE", "UPDATE"),
)

_NOTHING = """
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NEW; END $$;
"""


def tables(shape: Shape) -> Iterator[Mutation]:
    for number, table in enumerate(shape.tables):
        yield _missing(shape, table)
        yield from turns(_absent(shape, table), number)
        yield _unlogged(shape, table)
        yield from turns(_shadowed(shape, table), number)
        yield from turns(_acted_upon(shape, table), number, 5)
        yield _forced(shape, table)


def _gone(shape: Shape, table: str) -> dict[str, Any]:
    found = any(owner == table for owner, _ in shape.found)
    return {"kind": "table absent", "right": ("C1.2", "0.2") if found else ("C1.2",)}


def _missing(shape: Shape, table: str) -> Mutation:
    return Mutation(
        id=f"table missing: {table}",
        words=f"the table {table} is missing",
        sql=f"DROP TABLE {shape.name(table)} CASCADE",
        **_gone(shape, table),
    )


def _absent(shape: Shape, table: str) -> Iterator[Mutation]:
    at = shape.name(table)
    rest = _gone(shape, table)
    yield Mutation(
        id=f"table elsewhere: {table}",
        words=f"the table {table} is in another schema",
        sql=f"CREATE SCHEMA apms; ALTER TABLE {at} SET SCHEMA apms",
        **rest,
    )
    yield Mutation(
        id=f"table of nearly the name: {table}",
        words=f"the table {table} is written with a capital",
        sql=f"ALTER TABLE {at} RENAME TO {ident(table.capitalize())}",
        **rest,
    )
    for kind in ("VIEW", "MATERIALIZED VIEW"):
        yield Mutation(
            id=f"{kind.lower()} for table: {table}",
            words=f"a {kind.lower()} stands in the place of the table {table}",
            sql=f"ALTER TABLE {at} RENAME TO {ident(table + '_v1')};"
            f"CREATE {kind} {at} AS SELECT * FROM {shape.name(table + '_v1')}",
            **rest,
        )


def _unlogged(shape: Shape, table: str) -> Mutation:
    # A logged table cannot refer to one that is not.
    free = "".join(
        f"ALTER TABLE {shape.name(key['table'])} DROP CONSTRAINT {ident(key['name'])};\n"
        for key in shape.keys_to(table)
    )
    return Mutation(
        id=f"table unlogged: {table}",
        words=f"the table {table} is empty after a crash",
        sql=f"{free}ALTER TABLE {shape.name(table)} SET UNLOGGED",
        kind="table unlogged",
        right=("C1.2",),
    )


def _shadowed(shape: Shape, table: str) -> Iterator[Mutation]:
    rest: dict[str, Any] = {"kind": "table shadowed", "right": ("C1.2",)}
    yield Mutation(
        id=f"table shadowed: {table}",
        words=f"the application finds another {table} first, in the schema of its own name",
        admin=f"CREATE SCHEMA apms_app; CREATE TABLE apms_app.{ident(table)} (id text)",
        **rest,
    )
    yield Mutation(
        id=f"table shadowed by a setting: {table}",
        words=f"the application finds a view called {table} first, by its search_path",
        admin="CREATE SCHEMA archive;"
        f"CREATE VIEW archive.{ident(table)} AS SELECT * FROM {shape.name(table)};"
        + login_starts_with("search_path = archive, public"),
        **rest,
    )


def _forced(shape: Shape, table: str) -> Mutation:
    at = shape.name(table)
    return Mutation(
        id=f"row security forced: {table}",
        words=f"row-level security hides rows of {table} from the owner too",
        sql=f"CREATE POLICY partly ON {at} USING (id > 'a');"
        f"ALTER TABLE {at} ENABLE ROW LEVEL SECURITY;"
        f"ALTER TABLE {at} FORCE ROW LEVEL SECURITY",
        kind="row security forced",
        right=("0.9",),
    )


def _acted_upon(shape: Shape, table: str) -> Iterator[Mutation]:
    at = shape.name(table)
    rest: dict[str, Any] = {"kind": "something else acts", "right": ("C1.11",)}
    yield Mutation(
        id=f"rule on deletion: {table}",
        words=f"a rule discards deletions from {table}",
        sql=f"CREATE RULE keep AS ON DELETE TO {at} DO INSTEAD NOTHING",
        **rest,
    )
    yield Mutation(
        id=f"rule on insertion: {table}",
        words=f"a rule copies rows that enter {table}",
        sql=f"CREATE TABLE public.copies (id text);"
        f"CREATE RULE copy AS ON INSERT TO {at} DO ALSO INSERT INTO public.copies VALUES (NEW.id)",
        **rest,
    )
    yield Mutation(
        id=f"row security: {table}",
        words=f"row-level security hides the rows of {table} from others than the owner",
        sql=f"ALTER TABLE {at} ENABLE ROW LEVEL SECURITY",
        **rest,
    )
    yield Mutation(
        id=f"inherited: {table}",
        words=f"another table brings its rows into {table}",
        sql=f"CREATE TABLE public.older () INHERITS ({at})",
        **rest,
    )
    yield Mutation(
        id=f"inherits: {table}",
        words=f"{table} inherits from another table",
        sql=f"CREATE TABLE public.named (id text NOT NULL); ALTER TABLE {at} INHERIT public.named",
        **rest,
    )
    yield Mutation(
        id=f"exclusion: {table}",
        words=f"an exclusion constraint refuses rows of {table}",
        sql=f"ALTER TABLE {at} ADD CONSTRAINT alone EXCLUDE (created_at WITH =)"
        " WHERE (created_at > '2100-01-01')",
        **rest,
    )
    timing, event = _MOMENTS[list(shape.tables).index(table) % len(_MOMENTS)]
    level = "STATEMENT" if event == "TRUNCATE" else "ROW"
    yield Mutation(
        id=f"unknown trigger {event}: {table}",
        words=f"an unknown trigger fires {timing} {event} on {table}",
        sql=f"{_NOTHING}CREATE TRIGGER other {timing} {event} ON {at}"
        f" FOR EACH {level} EXECUTE FUNCTION public.nothing()",
        **rest,
    )
    known = [item for item in shape.manifest["functions"] if table not in item["tables"]]
    for function in known[:1]:
        yield Mutation(
            id=f"trigger on the wrong table: {function['name']} on {table}",
            words=f"the function {function['name']} acts on {table}, which is none of its tables",
            sql=f"CREATE TRIGGER other BEFORE UPDATE ON {at}"
            f" FOR EACH ROW EXECUTE FUNCTION {shape.name(function['name'])}()",
            **rest,
        )
    yield Mutation(
        id=f"unexpected CHECK: {table}",
        words=f"a CHECK that nobody asked for refuses rows of {table}",
        sql=f"ALTER TABLE {at} ADD CONSTRAINT recent CHECK (created_at < {literal('2100-01-01')})",
        kind="something else acts",
        right=("C1.4",),
    )
    yield Mutation(
        id=f"unexpected unique key: {table}",
        words=f"a unique key that nobody asked for refuses rows of {table}",
        sql=f"CREATE UNIQUE INDEX alone ON {at} (created_at) WHERE created_at > '2100-01-01'",
        kind="something else acts",
        right=("C1.8",),
    )
