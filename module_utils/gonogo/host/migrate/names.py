"""What names without a schema mean: the server says it, under the search path of the migration.

What a statement makes is made in the first schema of the path; what it alters or drops is the first
of its name. A name that nobody has is one that is going to be made, so it is in the first schema.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...contract.records.migration import BY_PATH, Column, SchemaObject
from ...contract.session_settings import SEARCH_PATH
from ..session.connection import DatabaseError
from .application import asked, search_path

__all__ = ["resolved"]

_FIRST = "SELECT pg_catalog.current_schema()::pg_catalog.text"
_RELATIONS = """
SELECT w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_class AS c
    ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(w.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
"""
_TYPES = """
SELECT w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_type AS t
    ON t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regtype(pg_catalog.quote_ident(w.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
"""
# The first schema of the path that has one of the name, whatever its arguments.
_FUNCTIONS = """
SELECT DISTINCT ON (w.name) w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_proc AS p ON p.proname::pg_catalog.text OPERATOR(pg_catalog.=) w.name
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
JOIN pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS s (name, place)
    ON s.name OPERATOR(pg_catalog.=) n.nspname
ORDER BY w.name, s.place
"""
# A type as the migration spells it, and as it is spelled under our path.
_SPELLED = "SELECT pg_catalog.to_regtype(%s)::pg_catalog.oid::pg_catalog.int8"
_PRINTED = "SELECT pg_catalog.format_type(%s::bigint::oid, NULL)"

_KINDS = {"function": _FUNCTIONS, "type": _TYPES, "value": _TYPES}
# These are made where the path begins; what stands on a table is where that is.
_MADE = {"function", "sequence", "table", "type", "view"}


def resolved(
    connection: Any, objects: Sequence[SchemaObject], settings: Mapping[str, str]
) -> tuple[SchemaObject, ...]:
    """The objects with the schemas, and the spellings of types, that they have under the path of a
    session with these settings (see `Plan.session`)."""
    names = _Names(connection, search_path(connection, settings))
    names.look(objects)
    return tuple(names.of(item) for item in objects)


def _named(item: SchemaObject) -> tuple[str, str]:
    """The query that finds the schema of an object, and the name that it is asked with."""
    name = item.name if item.table is None or _of_index(item) else item.table
    return _KINDS.get(item.kind, _RELATIONS), name


def _of_index(item: SchemaObject) -> bool:
    return item.kind == "index" and not item.expected


class _Names:
    def __init__(self, connection: Any, path: str) -> None:
        self._connection = connection
        self._path = path
        self._schemas: dict[tuple[str, str], str] = {}
        self._types: dict[str, str] = {}
        self._first = BY_PATH

    def look(self, objects: Sequence[SchemaObject]) -> None:
        """Ask the server for all that these objects leave open."""
        wanted: dict[str, set[str]] = {}
        for item in objects:
            if item.schema == BY_PATH:
                query, name = _named(item)
                wanted.setdefault(query, set()).add(name)
        if wanted:
            self._first = self._ask(_FIRST)[0][0] or BY_PATH
        for query, names in wanted.items():
            for name, schema in self._ask(query, [sorted(names)]):
                self._schemas[query, name] = schema
        for text in set(_spellings(objects)):
            printed = self._printed(text)
            if printed:
                self._types[text] = printed

    def of(self, item: SchemaObject) -> SchemaObject:
        found = item
        if item.schema == BY_PATH:
            found = replace(found, schema=self._schema(item))
        if item.arguments is not None:
            found = replace(found, arguments=tuple(self._type(one) for one in item.arguments))
        if item.column:
            found = replace(found, column=self._column(item.column))
        if item.columns:
            columns = {name: self._column(one) for name, one in item.columns.items()}
            found = replace(found, columns=columns)
        return found

    def _schema(self, item: SchemaObject) -> str:
        if item.kind in _MADE and item.expected:
            return self._first
        return self._schemas.get(_named(item), self._first)

    def _column(self, column: Column) -> Column:
        text = column.type
        if not text:
            return column
        # What stands in parentheses is not in the other spelling.
        known = text not in self._types or "(" not in text
        return replace(column, type=self._type(text) if known else None)

    def _type(self, text: str) -> str:
        return self._types.get(text, text)

    def _printed(self, text: str) -> str | None:
        """None where it means the same to us, or where nobody knows it."""
        # Where a text is none, only this question fails.
        try:
            ((ours,),) = asked(self._connection, _SPELLED, [text], path=SEARCH_PATH)
            ((oid,),) = self._ask(_SPELLED, [text])
        except DatabaseError:
            return None
        if oid is None or ours == oid:
            return None
        return str(self._connection.execute(_PRINTED, [oid]).fetchone()[0])

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return asked(self._connection, query, values, path=self._path)


def _spellings(objects: Iterable[SchemaObject]) -> Iterator[str]:
    for item in objects:
        yield from item.arguments or ()
        columns: Iterable[Column | None] = (item.column, *(item.columns or {}).values())
        for column in columns:
            if column and column.type:
                yield column.type
