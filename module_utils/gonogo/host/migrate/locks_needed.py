"""Which tables a migration will lock, and in which modes, known before it is applied.

What a copy of the database has shown counts first. Of a statement that was not measured there, its
text says which tables it names, and of most forms in which mode it locks them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from ...contract.records.migration import BY_PATH, Plan, Statement
from .application import asked, search_path
from .needs import Measured

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

# What a name without its schema means, and the table of an index that is named.
_VISIBLE = """
SELECT w.name, n.nspname::pg_catalog.text
FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_class AS c
    ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(w.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
"""
_OF_INDEXES = """
SELECT w.name, tn.nspname || '.' || t.relname
FROM pg_catalog.unnest(%s::text[]) AS w (name)
JOIN pg_catalog.pg_namespace AS n ON true
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND n.nspname || '.' || c.relname = w.name
JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
"""

_Modes = dict[str, set[str]]


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
    found = Needed()
    measured = Measured.of(plan.measured).locks
    statements = [one for step in plan.steps for one in step.statements if not skip(one)]
    by_text: list[Statement] = []
    for statement in statements:
        locks = None if statement.outside else measured.get((statement.file, statement.line))
        for name, mode in locks or ():
            found.certain.setdefault(name, set()).add(mode)
        if locks is None:
            by_text.append(statement)
            locks_nothing = statement.outside or statement.lock == "none"
            found.rehearsed = found.rehearsed and bool(locks_nothing)
    _add(connection, plan, by_text, found)
    return found


def _add(connection: Any, plan: Plan, statements: Sequence[Statement], found: Needed) -> None:
    """What the texts of the statements say."""
    schemas = _schemas(connection, plan, statements)
    wanted: list[tuple[str, str, bool]] = []
    for statement in statements:
        said = statement.outside or ""
        found.snapshots |= "CONCURRENTLY" in said and said.split()[0] in _FOR_SNAPSHOTS
        for schema, name, mode, certain in _of_text(statement):
            place = schemas.get(name) if schema == BY_PATH else schema
            if place is not None:
                wanted.append((f"{place}.{name}", mode, certain))
    names = sorted({name for name, _, _ in wanted})
    tables = dict(connection.execute(_OF_INDEXES, [names]).fetchall()) if names else {}
    for name, mode, certain in wanted:
        modes = found.certain if certain else found.possible
        modes.setdefault(tables.get(name, name), set()).add(mode)


def _schemas(connection: Any, plan: Plan, statements: Sequence[Statement]) -> Mapping[str, str]:
    """The schemas of the names that are written without one, under the path of the migration."""
    names = sorted({name for one in statements for schema, name in one.tables if schema == BY_PATH})
    if not names:
        return {}
    path = search_path(connection, plan.session or {})
    return dict(asked(connection, _VISIBLE, [names], path=path))


def _of_text(statement: Statement) -> Iterator[tuple[str, str, str, bool]]:
    """Schema and name of a table, a mode, and whether the statement is certain to need it."""
    for number, (schema, name) in enumerate(statement.tables):
        certain, possible = _modes(statement, (schema, name), first=number == 0)
        for mode in certain:
            yield schema, name, mode, True
        for mode in possible:
            yield schema, name, mode, False


def _modes(
    statement: Statement, table: tuple[str, str], *, first: bool
) -> tuple[Sequence[str], Sequence[str]]:
    if statement.outside:
        verb = statement.outside.split()[0]
        return _CONCURRENTLY.get(verb, (_UPDATE_EXCLUSIVE,)), ()
    if statement.lock == "rows":
        return (_ROW_EXCLUSIVE,), ()
    if statement.lock == "unknown":
        certain = (_ROW_EXCLUSIVE,) if first and statement.verb == "INSERT" else ()
        return certain, (_ACCESS_EXCLUSIVE,)
    if statement.verb == "ALTER":
        return _altered(statement, table, first=first)
    kinds = {effect.kind for effect in statement.effects}
    if statement.verb == "CREATE":
        made = next((_CREATED[kind] for kind in sorted(kinds) if kind in _CREATED), None)
        # A new table refers to others, or becomes a part of one.
        refers = kinds & {"table", "column", "constraint"}
        return ((made,), ()) if made else ((_SHARE_ROW,) if refers else (), (_ACCESS_EXCLUSIVE,))
    if statement.verb in _VERBS:
        return (_VERBS[statement.verb],), ()
    return (), (_ACCESS_EXCLUSIVE,)


def _altered(
    statement: Statement, table: tuple[str, str], *, first: bool
) -> tuple[Sequence[str], Sequence[str]]:
    keys = [effect for effect in statement.effects if effect.foreign_key is not None]
    if not first:
        # The table that a new key refers to, or a part.
        return ((_SHARE_ROW,), ()) if keys else ((_UPDATE_EXCLUSIVE,), (_ACCESS_EXCLUSIVE,))
    own = [effect for effect in statement.effects if (effect.schema, effect.table) == table]
    if any(effect.kind == "column" for effect in own):
        return (_ACCESS_EXCLUSIVE,), ()
    if own and all(effect.foreign_key is not None for effect in own):
        return (_SHARE_ROW,), ()
    return (_UPDATE_EXCLUSIVE,), (_ACCESS_EXCLUSIVE,)
