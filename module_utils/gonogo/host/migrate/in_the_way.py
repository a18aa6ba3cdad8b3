# ruff: noqa: S608 - names are quoted by the server, all else is the migration's own text
"""Which rows a statement has refused, asked on the copy where it was tried.

The transaction of the statement is run once more up to it, so that the rows are those which it has
seen; then it is made read-only, asked, and rolled back. It is asked in a session of the role that
has run the migration: what an expression of it calls has been called with these rights already.
Whatever cannot be asked says nothing.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ...contract.errors import GonogoError, shown
from ...contract.records.deployment import Failure, InTheWay, Named
from ...contract.records.migration import Demand, Plan, Statement
from ..session.connection import DatabaseError
from . import single
from .application import Session, begin
from .apply import Work, works

__all__ = ["in_the_way"]

_NOT_NULL = "23502"
_KINDS = {"23503": "foreign key", "23505": "unique", "23514": "check"}
# Values that are none of a type, too long for it, or out of its range.
_TYPES = {"22P02", "22001", "22003", "22007", "22008"}
_TOO_LONG = "22001"
_CAN_TEST_INPUT = 160000
_SAMPLES = 20
_SAMPLE_LENGTH = 60
_OF_A_LENGTH = re.compile(r"(?:var)?char(?:acter)?(?:\s+varying)?\s*\(\s*(\d+)\s*\)", re.IGNORECASE)

_TABLE = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname),
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_index AS i
          CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
          WHERE i.indrelid = c.oid AND i.indisprimary AND k.position <= i.indnkeyatts
          ORDER BY k.position),
    ARRAY(SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
_CONSTRAINT = """
SELECT CASE con.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' ELSE '' END,
    pg_catalog.pg_get_expr(con.conbin, con.conrelid),
    ARRAY(SELECT pg_catalog.quote_ident(a.attname)
          FROM pg_catalog.unnest(con.conkey) WITH ORDINALITY AS k (number, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.number
          ORDER BY k.position),
    (SELECT pg_catalog.format('%%I.%%I', pn.nspname, p.relname) FROM pg_catalog.pg_class AS p
     JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace WHERE p.oid = con.confrelid),
    ARRAY(SELECT pg_catalog.quote_ident(a.attname)
          FROM pg_catalog.unnest(con.confkey) WITH ORDINALITY AS k (number, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = con.confrelid AND a.attnum = k.number
          ORDER BY k.position),
    con.confmatchtype = 'f'
FROM pg_catalog.pg_constraint AS con
JOIN pg_catalog.pg_class AS c ON c.oid = con.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND con.conname = %s
"""
# Under the path of the migration: its text names the table.
_FOUND = """
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)
"""
# Whether a value is text: of any other type, not its text is what is converted.
_IS_TEXT = """
SELECT t.typcategory OPERATOR(pg_catalog.=) 'S' FROM pg_catalog.pg_type AS t
WHERE t.oid OPERATOR(pg_catalog.=)
    (SELECT pg_catalog.pg_typeof({value}) FROM {table} LIMIT 1)::pg_catalog.oid
"""
# A row that cannot be seen must be an error: the statement has seen it.
_ASKING = """
SELECT pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '60s', true)
"""


def in_the_way(connect: Callable[[], Any], plan: Plan, error: Failure) -> InTheWay | None:
    """The rows that have made the server refuse a statement of the plan on this copy; None where
    that is another error, or where nobody can tell."""
    found = _failed(plan, error)
    if found is None:
        return None
    work, statement = found
    before = work.statements[: work.statements.index(statement)] if work.own_transaction else []
    try:
        with connect() as connection:
            return _asked(connection, plan, _Refused(work, before, statement, error))
    except (DatabaseError, GonogoError):
        return None


@dataclass(frozen=True)
class _Refused:
    """A statement that was refused, and those before it in its transaction."""

    work: Work
    before: Sequence[Statement]
    statement: Statement
    error: Failure


@dataclass(frozen=True)
class _Table:
    """A table, `quoted`; `key` are the columns of its primary key, and `column` is the one that was
    asked for, quoted, where it has it."""

    quoted: str
    key: Sequence[str]
    column: str | None


def _failed(plan: Plan, error: Failure) -> tuple[Work, Statement] | None:
    """The statement that an error is about, where it is one whose rows can be told."""
    asks = error.sqlstate in {_NOT_NULL, *_KINDS, *_TYPES}
    if not asks or error.committed is not False or error.line is None:
        return None
    for work in works(plan.steps):
        for one in work.statements:
            last = one.first_line + one.text.count("\n")
            here = one.file == error.file and one.line <= error.line <= last
            if here and one.opening == error.statement and one.verb in {"ALTER", "CREATE"}:
                return work, one
    return None


def _asked(connection: Any, plan: Plan, refused: _Refused) -> InTheWay | None:
    connection.execute(f"BEGIN {refused.work.mode}".strip().encode())
    try:
        if plan.session is not None:
            begin(connection, plan.session)
        for one in refused.before:
            single.run(connection, one)
        connection.execute(_ASKING)
        connection.execute("SET TRANSACTION READ ONLY")
        question = _Question(Session(connection, apart=plan.session is not None), refused)
        return next(filter(None, map(question.answer, question.queries())), None)
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")


@dataclass(frozen=True)
class _Question:
    """What is asked in a transaction in which the statement could run now."""

    session: Session
    refused: _Refused

    def queries(self) -> Iterator[tuple[_Table, str]]:
        """Each query that may show the rows, with their table."""
        error = self.refused.error
        if error.sqlstate in _TYPES:
            yield from self._converted()
            return
        table = self._table(error.named)
        if table is None or error.named is None:
            return
        if error.sqlstate == _NOT_NULL:
            # A column that is not there yet has no value in any row.
            where = f" WHERE {table.column} IS NULL" if table.column else ""
            yield table, f"SELECT * FROM {table.quoted}{where}"
            return
        demand = self._known(error.named) or self._said(error)
        query = demand and self._query(table, demand)
        if query:
            yield table, query

    def answer(self, found: tuple[_Table, str]) -> InTheWay | None:
        """What a query says; None where it finds no row."""
        table, query = found
        connection = self.session.connection
        count = f"SELECT pg_catalog.count(*) FROM ({query}) AS standing"
        rows = int(connection.execute(count.encode()).fetchone()[0])
        if not rows:
            return None
        return InTheWay(
            table=table.quoted,
            rows=rows,
            samples=self._samples(table, query),
            query=f"{query};",
            behind=bool(self.refused.before),
        )

    def _samples(self, table: _Table, query: str) -> tuple[str, ...]:
        if not table.key:
            return ()
        names = self.session.ask(
            "SELECT pg_catalog.quote_ident(w.name) FROM pg_catalog.unnest(%s::text[]) AS w (name)",
            [list(table.key)],
        )
        keys = [f"standing.{name}" for (name,) in names]
        texts = ", ".join(f"{key}::pg_catalog.text" for key in keys)
        asked = f"SELECT {texts} FROM ({query}) AS standing ORDER BY {', '.join(keys)}"
        rows = self.session.connection.execute(f"{asked} LIMIT {_SAMPLES}".encode()).fetchall()
        return tuple(
            ", ".join(
                f"{name}={shown(value, limit=_SAMPLE_LENGTH)}"
                for name, value in zip(table.key, row)
            )
            for row in rows
        )

    def _table(self, named: Named | None) -> _Table | None:
        if named is None:
            return None
        asked = [named.column, named.schema, named.table]
        for quoted, key, columns in self.session.ask(_TABLE, asked):
            return _Table(quoted, key, next(iter(columns), None))
        return None

    def _known(self, named: Named) -> Demand | None:
        """The constraint that the server names, where it is there: what VALIDATE asks."""
        asked = [named.schema, named.table, named.constraint]
        for kind, condition, keys, parent, parent_keys, full in self.session.ask(
            _CONSTRAINT, asked
        ):
            return Demand(
                kind,
                named.table,
                named.constraint,
                condition=condition,
                keys=keys,
                parent=parent,
                parent_keys=parent_keys,
                full=full,
            )
        return None

    def _said(self, error: Failure) -> Demand | None:
        """What the statement itself asks: by the name that the server says, or the only one whose
        name the server has found."""
        kind = _KINDS[str(error.sqlstate)]
        every = [one for one in self.refused.statement.demands if one.kind == kind]
        name = error.named.constraint if error.named else None
        named = [one for one in every if one.name == name]
        unnamed = [one for one in every if one.name is None]
        found = named or unnamed
        return found[0] if len(found) == 1 else None

    def _query(self, table: _Table, demand: Demand) -> str | None:
        if demand.kind == "check" and demand.condition:
            return f"SELECT * FROM {table.quoted} WHERE NOT ({demand.condition})"
        if demand.kind == "unique":
            return _alike(table, demand)
        if demand.kind == "foreign key" and demand.parent:
            return self._orphans(table, demand)
        return None

    def _orphans(self, table: _Table, demand: Demand) -> str | None:
        parent = demand.parent_keys or self._key_of(str(demand.parent))
        if len(parent) != len(demand.keys):
            return None
        keys = [f"child.{key}" for key in demand.keys]
        pairs = " AND ".join(f"parent.{p} = {c}" for p, c in zip(parent, keys))
        empty = f"pg_catalog.num_nulls({', '.join(keys)})"
        refers = f"NOT EXISTS (SELECT FROM {demand.parent} AS parent WHERE {pairs})"
        where = f"{empty} = 0 AND {refers}"
        if demand.full and len(keys) > 1:
            where = f"{where} OR {empty} BETWEEN 1 AND {len(keys) - 1}"
        return f"SELECT child.* FROM {table.quoted} AS child WHERE {where}"

    def _key_of(self, name: str) -> list[str]:
        """The quoted columns of the primary key of a table that the migration names."""
        table = self._named(name)
        quoted = self.session.ask(
            "SELECT pg_catalog.quote_ident(w.name) FROM pg_catalog.unnest(%s::text[]) AS w (name)",
            [list(table.key) if table else []],
        )
        return [key for (key,) in quoted]

    def _named(self, name: str) -> _Table | None:
        rows = self.session.connection.execute(_FOUND, [name]).fetchall()
        return self._table(Named(*rows[0])) if rows else None

    def _converted(self) -> Iterator[tuple[_Table, str]]:
        for demand in self.refused.statement.demands:
            table = self._named(demand.table) if demand.kind == "type" else None
            condition = self._misfit(table, demand) if table else None
            if table and condition:
                yield table, f"SELECT * FROM {table.quoted} WHERE {condition}"

    def _misfit(self, table: _Table, demand: Demand) -> str | None:
        """The condition of rows whose value is none of the new type."""
        connection, (key,), type_ = self.session.connection, demand.keys, demand.type or ""
        text = f"({key})::pg_catalog.text"
        limited = _OF_A_LENGTH.fullmatch(type_)
        if self.refused.error.sqlstate == _TOO_LONG and limited:
            # Spaces at the end do not count.
            trimmed = f"pg_catalog.rtrim({text})"
            return f"pg_catalog.char_length({trimmed}) > {limited.group(1)}"
        if connection.info.server_version < _CAN_TEST_INPUT:
            return None
        is_text = connection.execute(_IS_TEXT.format(value=key, table=table.quoted).encode())
        if is_text.fetchone() != (True,):
            return None
        quoted = type_.replace("'", "''")
        return f"NOT pg_catalog.pg_input_is_valid({text}, '{quoted}')"


def _alike(table: _Table, demand: Demand) -> str:
    keys = ", ".join(demand.keys)
    where = [] if demand.nulls_alike else [f"pg_catalog.num_nulls({keys}) = 0"]
    where += [f"({demand.condition})"] if demand.condition else []
    only = f" WHERE {' AND '.join(where)}" if where else ""
    counted = f"pg_catalog.count(*) OVER (PARTITION BY {keys}) AS rows_alike"
    return (
        f"SELECT * FROM (SELECT *, {counted} FROM {table.quoted}{only}) AS found"
        " WHERE rows_alike > 1"
    )
