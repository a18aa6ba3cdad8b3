"""Which tables a migration will lock, and in which modes, known before it is applied.

What a copy of the database has shown counts first. Of a statement that was not measured there, its
text says which tables it names, and of most forms in which mode it locks them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ...contract.records.migration import BY_PATH, Plan, Statement
from .application import asked, search_path
from .apply import works
from .needs import Measured, Needs

__all__ = ["CONFLICTS", "MODES", "Needed", "needed"]

# The modes of table locks, the weakest first, and the table of their conflicts: as PostgreSQL's
# documentation has them (Explicit Locking).
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
(
    _ACCESS_SHARE,
    _ROW_SHARE,
    _ROW_EXCLUSIVE,
    _UPDATE_EXCLUSIVE,
    _SHARE,
    _SHARE_ROW,
    _EXCLUSIVE,
    _ACCESS_EXCLUSIVE,
) = MODES
CONFLICTS: Mapping[str, frozenset[str]] = {
    _ACCESS_SHARE: frozenset(MODES[7:]),
    _ROW_SHARE: frozenset(MODES[6:]),
    _ROW_EXCLUSIVE: frozenset(MODES[4:]),
    _UPDATE_EXCLUSIVE: frozenset(MODES[3:]),
    _SHARE: frozenset(MODES[2:]) - {_SHARE},
    _SHARE_ROW: frozenset(MODES[2:]),
    _EXCLUSIVE: frozenset(MODES[1:]),
    _ACCESS_EXCLUSIVE: frozenset(MODES),
}

# A statement CONCURRENTLY locks its table in the weak mode, and waits for whoever has a lock that
# conflicts with the strong one.
_CONCURRENTLY = {
    "CREATE": (_UPDATE_EXCLUSIVE, _SHARE),
    "REINDEX": (_UPDATE_EXCLUSIVE, _ACCESS_EXCLUSIVE),
    "DROP": (_UPDATE_EXCLUSIVE, _ACCESS_EXCLUSIVE),
    "DETACH": (_UPDATE_EXCLUSIVE, _ACCESS_EXCLUSIVE),
}
# These also wait for whoever has a snapshot that is older than the index.
_FOR_SNAPSHOTS = {"CREATE", "REINDEX"}
_CREATED = {"index": _SHARE, "trigger": _SHARE_ROW, "view": _ACCESS_EXCLUSIVE}
_VERBS = {
    "CLUSTER": _ACCESS_EXCLUSIVE,
    "DROP": _ACCESS_EXCLUSIVE,
    "REINDEX": _SHARE,
    "TRUNCATE": _ACCESS_EXCLUSIVE,
}

# What a name without its schema means.
_VISIBLE = """
SELECT w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_class AS c
    ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(w.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
"""
# Who plans a query opens every index of its tables: an index that is locked is its table.
_THERE = """
SELECT n.nspname || '.' || c.relname, coalesce(tn.nspname || '.' || t.relname,
    n.nspname || '.' || c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%s::text[])
"""
_REFERENCES = re.compile(r"\bREFERENCES\b", re.IGNORECASE)

_Modes = dict[str, set[str]]
# A relation, a mode, and whether it is certain to be needed.
_Wanted = tuple[str, str, bool]


@dataclass
class Needed:
    """Relation → modes: `certain` ones, and `possible` ones of statements whose text leaves the
    mode open. `snapshots` is whether a statement waits for old snapshots, `rehearsed` whether
    every statement that locks something was measured."""

    certain: _Modes = field(default_factory=dict)
    possible: _Modes = field(default_factory=dict)
    snapshots: bool = False
    rehearsed: bool = True

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """All that may be locked, the strongest mode last."""
        names = sorted({*self.certain, *self.possible})
        return {
            name: tuple(
                mode
                for mode in MODES
                if mode in self.certain.get(name, ()) or mode in self.possible.get(name, ())
            )
            for name in names
        }

    def against(self, table: str, mode: str) -> tuple[tuple[str, ...], bool]:
        """The modes that conflict with a lock which somebody has, and whether any is certain."""
        ours = self.tables.get(table, ())
        against = tuple(one for one in ours if one in CONFLICTS.get(mode, MODES))
        return against, any(one in self.certain.get(table, ()) for one in against)


def needed(
    connection: Any, plan: Plan, skip: Callable[[Statement], bool] = lambda _statement: False
) -> Needed:
    """What the statements will lock of what is there; `skip` tells those that are done already.

    Database errors pass through.
    """
    left = [one for step in plan.steps for one in step.statements if not skip(one)]
    schemas = _schemas(connection, plan, left)
    measured = Measured.of(plan.measured)
    wanted: list[_Wanted] = []
    found = Needed()
    for statement in left:
        locks = measured.locks.get((statement.file, statement.line))
        said = statement.outside or ""
        found.snapshots |= "CONCURRENTLY" in said and said.split()[0] in _FOR_SNAPSHOTS
        if locks is None or said:
            wanted += _of_text(_placed(statement, schemas))
            found.rehearsed &= bool(said) or statement.lock == "none"
        else:
            wanted += [(name, mode, True) for name, mode in locks]
    ahead: list[tuple[int, dict[str, str]]] = []
    for work in works(plan.steps, skip):
        statements = [_placed(one, schemas) for one in work.statements]
        if work.own_transaction:
            locked = Needs(measured).ahead(statements, _EVERYTHING)
            ahead.append((len(statements), locked))
    names = {name for name, _, _ in wanted} | {name for _, locked in ahead for name in locked}
    tables = dict(connection.execute(_THERE, [sorted(names)]).fetchall()) if names else {}
    for count, locked in ahead:
        there = {name: mode for name, mode in locked.items() if name in tables}
        # As `apply` does: one table alone is what its statement waits for.
        if len(there) > 1 or (there and measured.locks and count > 1):
            wanted += [(name, mode, True) for name, mode in there.items()]
    for name, mode, certain in wanted:
        if name in tables:
            modes = found.certain if certain else found.possible
            modes.setdefault(tables[name], set()).add(mode)
    return found


class _Everything:
    """In the place of a meter: what is not there is left out afterwards."""

    def knows(self, table: Sequence[str]) -> bool:
        del table
        return True


_EVERYTHING: Any = _Everything()


def _schemas(connection: Any, plan: Plan, statements: Sequence[Statement]) -> Mapping[str, str]:
    """The schemas of the names that are written without one, under the path of the migration."""
    names = sorted({name for one in statements for schema, name in one.tables if schema == BY_PATH})
    if not names:
        return {}
    path = search_path(connection, plan.session or {})
    return dict(asked(connection, _VISIBLE, [names], path=path))


def _placed(statement: Statement, schemas: Mapping[str, str]) -> Statement:
    """With the schemas of its tables; what nobody has is made before it is used."""
    tables = tuple(
        (schemas[name] if schema == BY_PATH else schema, name)
        for schema, name in statement.tables
        if schema != BY_PATH or name in schemas
    )
    return replace(statement, tables=tables)


def _of_text(statement: Statement) -> Iterator[_Wanted]:
    for number, table in enumerate(statement.tables):
        certain, possible = _modes(statement, first=number == 0)
        name = ".".join(table)
        yield from ((name, mode, True) for mode in certain)
        yield from ((name, mode, False) for mode in possible)


def _modes(statement: Statement, *, first: bool) -> tuple[Sequence[str], Sequence[str]]:
    """The modes that the statement is certain to need for one of its tables, and other ones."""
    if statement.outside:
        verb = statement.outside.split()[0]
        return _CONCURRENTLY.get(verb, (_UPDATE_EXCLUSIVE,)), ()
    if statement.lock == "rows":
        return (_ROW_EXCLUSIVE,), ()
    if statement.lock == "unknown":
        certain = (_ROW_EXCLUSIVE,) if first and statement.verb == "INSERT" else ()
        return certain, (_ACCESS_EXCLUSIVE,)
    if statement.verb == "ALTER":
        return _altered(statement, first=first)
    kinds = {effect.kind for effect in statement.effects}
    if statement.verb == "CREATE":
        made = next((_CREATED[kind] for kind in sorted(kinds) if kind in _CREATED), None)
        # A new table refers to others, or becomes a part of one.
        refers = kinds & {"table", "column", "constraint"}
        return ((made,), ()) if made else ((_SHARE_ROW,) if refers else (), (_ACCESS_EXCLUSIVE,))
    if statement.verb in _VERBS:
        return (_VERBS[statement.verb],), ()
    return (), (_ACCESS_EXCLUSIVE,)


def _altered(statement: Statement, *, first: bool) -> tuple[Sequence[str], Sequence[str]]:
    refers = _REFERENCES.search(statement.text) is not None
    if not first:
        # The table that a new key refers to, or a part.
        return ((_SHARE_ROW,), ()) if refers else ((_UPDATE_EXCLUSIVE,), (_ACCESS_EXCLUSIVE,))
    if any(effect.kind == "column" for effect in statement.effects):
        return (_ACCESS_EXCLUSIVE,), ()
    return (_SHARE_ROW if refers else _UPDATE_EXCLUSIVE,), (_ACCESS_EXCLUSIVE,)
