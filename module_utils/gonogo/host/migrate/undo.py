# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""Takes a migration back, in one transaction that is rehearsed first.

The rehearsal says what would be lost; nothing is committed unless an approval for exactly that is
given: for these very rows, not for as many. Rows of tables that stay are compared before and after.
Only tables this session has locked for writing can differ, so only those are read: the others are
let be, and nobody waits for them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable, TypeVar

from psycopg import sql

from ...contract.budgets import Budgets
from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.login import Login, Timeouts, application_name
from ...contract.records.migration import Plan
from ...contract.records.run import Declared
from ...contract.records.trace import StatementTrace
from ...contract.records.undo import Undo
from ...contract.schemas import OF_USERS
from ..compare import immaterial, reprint, schema_catalog
from ..session import exclusive, link
from ..session.catalog import WRITTEN
from ..session.connection import DatabaseError, connect, described
from ..session.identity import observe
from . import history, single
from .application import running
from .history import Entry, History, Migration
from .history.interface import SESSION
from .recognise import Recognised
from .record import look
from .tool_lock import Opening, held
from .trace import Meter

__all__ = ["MEND", "Unlike", "take_back", "undo", "unlike"]

# What helps where an undo is wrong.
MEND = (
    "Correct the scripts that take the migration back: `undo` in runbook.yml, or those of its "
    "tool. Of a folder of migrations the backup can be the way back instead: gonogo_irreversible."
)
_STAGE = "undo"
_WAITED = {"55P03", "40P01", "40001"}

_TABLES = f"""
SELECT n.nspname::text, c.relname::text,
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND {OF_USERS}
ORDER BY 1, 2
"""

# What triggers and keys would only do at COMMIT is done now, and compared.
_NOW = "SET CONSTRAINTS ALL IMMEDIATE"
_OID = "SELECT pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', %s::text, %s::text))::bigint"
_KEY = """
SELECT a.attname::text
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
WHERE k.contype = 'p' AND n.nspname = %s AND c.relname = %s
ORDER BY a.attnum
"""

Table = tuple[str, str]
_T = TypeVar("_T")


@dataclass
class _Outlook:
    """What the scripts would do, found out by doing it."""

    changes: list[str]
    removed: list[str]  # of the changes: what is there no more
    became: Mapping[str, tuple[str | None, str | None]]  # of the others: definitions
    kept: dict[Table, list[str]]  # tables written to → the columns that stay
    doomed: list[Table]
    made: list[Table]
    dropped: dict[Table, list[str]]  # columns of tables that stay
    catalog: dict[str, str]
    statements: tuple[StatementTrace, ...]
    immaterial: Sequence[str]


@dataclass(frozen=True)
class Unlike:
    """What of a schema is not as it was, and what of that has no meaning."""

    names: Sequence[str]
    immaterial: Sequence[str]


def unlike(
    connection: Any,
    before: Mapping[str, str],
    left: Mapping[str, str],
    *,
    migrated: Mapping[str, str],
) -> Unlike:
    """What of the schema that was `left` is not as it was `before`; `migrated` is the one in
    between, and `connection` in a database that has the one that was left, or that one."""
    anew = {one.name for one in schema_catalog.compare(migrated, left) if one.kind == "extra"}
    found = immaterial.sifted(schema_catalog.compare(before, left), left, made=anew)
    equal = reprint.same(connection, found.real)
    return Unlike([one.name for one in found.real if one.name not in equal], found.told)


def undo(
    login: Login,
    *,
    run_id: str,
    declared: Declared,
    plan: Plan,
    schema_before: Mapping[str, str] | None,
    approved_content: str | None,
    fence: Sequence[str],
    budgets: Budgets,
    timeouts: Timeouts,
) -> Undo | exclusive.Occupants:
    """Take a migration back on a real database; nobody else of this project works on it meanwhile.

    Returns who else does, with nothing done, where there is somebody. Raises GonogoError when the
    wrong database answers, and as `take_back` does.
    """
    name = application_name(run_id, _STAGE)
    with connect(login, name=name, timeouts=timeouts) as connection:
        occupants = exclusive.enter(
            connection, observed=observe(connection), declared=declared, fence=fence
        )
        if occupants:
            return occupants
        result, catalog = _taken_back(
            connection,
            plan,
            schema_before=schema_before,
            approved_content=approved_content,
            budgets=budgets,
        )
        if result.committed:
            with connect(login, name=name, timeouts=timeouts, read_only=True) as second:
                _seen_by_others(second, plan, catalog)
    return result


def take_back(
    connection: Any,
    plan: Plan,
    *,
    schema_before: Mapping[str, str] | None,
    approved_content: str | None,
    budgets: Budgets,
) -> Undo:
    """Rehearse the undo scripts; commit them if `approved_content` is the digest of what they do.

    `plan` has the steps of the undo, and the objects and the history of the migration;
    `schema_before` is the schema as it was before the migration, None where nobody has kept it.
    Raises GonogoError, with nothing changed, when a runbook's scripts would change rows of tables
    that stay (a tool's files may, and the result says it), or leave anything else than the schema
    as it was, where a later migration is applied, and where a deployment of the migration tool's is
    at work.
    """
    result, _ = _taken_back(
        connection,
        plan,
        schema_before=schema_before,
        approved_content=approved_content,
        budgets=budgets,
    )
    return result


def _taken_back(
    connection: Any,
    plan: Plan,
    *,
    schema_before: Mapping[str, str] | None,
    approved_content: str | None,
    budgets: Budgets,
) -> tuple[Undo, Mapping[str, str]]:
    """As `take_back`, and the schema that the scripts leave."""
    started = time.monotonic()
    state = _look(connection, plan).state
    if state == "absent":
        return Undo(state), {}
    tool, migrations = history.of(plan.history)
    if plan.session is not None:
        _refuse_later(tool, migrations, tool.entries(connection) or [])
    # Within a transaction nobody is waited for: it has locks that others wait for.
    patience = budgets if tool.lock_scope == SESSION else replace(budgets, attempts=1)
    with held(tool, connection, patience) as opening:
        outlook = _patiently(
            connection, budgets, lambda: _rehearsed(connection, plan, schema_before, opening)
        )
        done = _patiently(
            connection,
            budgets,
            lambda: _carried_out(connection, plan, outlook, approved_content, opening),
        )
    seconds = round(time.monotonic() - started, 3)
    return replace(done, state=state, seconds=seconds), outlook.catalog


def _refuse_later(tool: History, migrations: Sequence[Migration], entries: Sequence[Entry]) -> None:
    later = tool.later(migrations, entries)
    if later:
        raise GonogoError(
            f"{tool.name}'s record has later migrations, which would have to be taken back first",
            detail=listed(later, joint="\n"),
            hint="Take them back first, or take this one back with a migration of its own.",
        )


def _patiently(connection: Any, budgets: Budgets, work: Callable[[], _T]) -> _T:
    """Do it again where a lock was not to be had in time; every other error ends it."""
    for attempt in range(1, budgets.attempts + 1):
        limits = {"lock_timeout": budgets.lock, "statement_timeout": budgets.statement}
        for setting, seconds in limits.items():
            value = f"{max(1, round(seconds * 1000))}ms"
            connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (setting, value))
        try:
            return work()
        except DatabaseError as error:
            told = described(error)
            if not connection.closed:
                connection.execute("ROLLBACK")
            if told["sqlstate"] in _WAITED and attempt < budgets.attempts and not connection.closed:
                time.sleep(budgets.wait)
                continue
            raise GonogoError(
                "the migration could not be taken back; nothing has changed",
                detail="\n".join(
                    text
                    for text in (f"{told['sqlstate']}: {told['message']}", told["detail"])
                    if text
                ),
                hint=told["hint"] or "Something outside the migration may depend on it.",
            ) from error
        except BaseException:
            if not connection.closed:
                connection.execute("ROLLBACK")
            raise
    raise AssertionError("at least one attempt")


def _rehearsed(
    connection: Any,
    plan: Plan,
    schema_before: Mapping[str, str] | None,
    opening: Opening,
) -> _Outlook:
    connection.execute("BEGIN")
    opening(connection)
    tables = _tables(connection)
    catalog = schema_catalog.read(connection)
    with running(connection, plan.session) as session:
        meter = Meter(connection, session)
        meter.begin([])
        for step in plan.steps:
            for statement in step.statements:
                meter.run(session.find(statement))
    connection.execute(_NOW)
    after = _tables(connection)
    written = [(schema, name) for schema, name in connection.execute(WRITTEN).fetchall()]
    left = schema_catalog.read(connection)
    if plan.session is not None:
        # Of a tool's migration its record tells, too.
        _unrecord(connection, plan)
    found = _look(connection, plan)
    connection.execute("ROLLBACK")
    meter.end()
    differences = schema_catalog.compare(catalog, left)
    told = _as_before(connection, catalog, left, schema_before)
    remaining = [o.object for o in found.objects if o.expected and o.exists and o.conclusive]
    if found.state != "absent":
        raise GonogoError(
            "the undo scripts do not take everything back; nothing has changed",
            detail="left: " + listed(remaining) if remaining else None,
            hint=MEND,
        )
    kept = {table: tables[table] for table in written if table in after and table in tables}
    return _Outlook(
        changes=[difference.name for difference in differences],
        removed=[difference.name for difference in differences if difference.kind == "missing"],
        became={one.name: (one.first, one.second) for one in differences if one.kind != "missing"},
        kept={table: [c for c in columns if c in after[table]] for table, columns in kept.items()},
        doomed=[table for table in tables if table not in after],
        made=[table for table in after if table not in tables],
        dropped={
            table: [c for c in columns if c not in after[table]]
            for table, columns in tables.items()
            if table in after and set(columns) - set(after[table])
        },
        catalog=left,
        statements=tuple(meter.traces),
        immaterial=told,
    )


def _as_before(
    connection: Any,
    catalog: Mapping[str, str],
    left: Mapping[str, str],
    before: Mapping[str, str] | None,
) -> Sequence[str]:
    """What the scripts change, they must change to what it was before the migration; returns what
    of it is different without a meaning."""
    if before is None:
        return ()
    changed = [difference.name for difference in schema_catalog.compare(catalog, left)]
    back = unlike(connection, before, left, migrated=catalog)
    wrong = [name for name in changed if name in back.names]
    if wrong:
        raise GonogoError(
            "the undo scripts do not leave the schema as it was; nothing has changed",
            detail="not as before the deployment: " + listed(wrong),
            hint=MEND,
        )
    return back.immaterial


def _carried_out(
    connection: Any, plan: Plan, outlook: _Outlook, approved: str | None, opening: Opening
) -> Undo:
    """The same once more, on rows that nobody can add to any more; committed if approved."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    touched = [*outlook.doomed, *outlook.kept, *outlook.dropped]
    if touched:
        # Before the first query: the snapshot is taken when nobody can write to them any more.
        names = sql.SQL(", ").join(sql.Identifier(*t) for t in dict.fromkeys(touched))
        mode = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names)
        connection.execute(mode)
    opening(connection)
    locked_at = time.monotonic()
    tool, _ = history.of(plan.history)
    compared = {t: columns for t, columns in outlook.kept.items() if t not in tool.tables}
    lost = _lost(connection, outlook)
    # A table that was made anew is another one, even where it is as empty.
    oids = [connection.execute(_OID, table).fetchone()[0] for table in outlook.doomed]
    before = {t: _fingerprint(connection, t, columns) for t, columns in compared.items()}
    with running(connection, plan.session):
        for step in plan.steps:
            for statement in step.statements:
                single.run(connection, statement)
    _unrecord(connection, plan)
    connection.execute(_NOW)
    written = {(schema, name) for schema, name in connection.execute(WRITTEN).fetchall()}
    known = {*compared, *outlook.dropped, *tool.tables}
    if plan.session is not None:
        # A tool's files may bring rows back, and a table with them.
        before |= dict.fromkeys(outlook.made, (0, "0"))
        compared |= {t: ["*"] for t in outlook.made}
        known.update(outlook.made)
    unseen = sorted(".".join(t) for t in written - known)
    after = {t: _fingerprint(connection, t, columns) for t, columns in compared.items()}
    moved = {".".join(t): (before[t], after[t]) for t in sorted(compared) if after[t] != before[t]}
    differences = {name: _difference(*pair) for name, pair in moved.items()}
    told = {"changes": outlook.changes, "lost": lost, "oids": oids}
    content = sha256(line({**told, "altered": differences} if moved else told))
    holds = {**dict.fromkeys(outlook.changes, (None, "")), **lost, **differences}
    refused = [*(moved if plan.session is None else ()), *unseen]
    commit = approved is not None and approved == content and not refused
    if commit:
        link.require()
    connection.execute("COMMIT" if commit else "ROLLBACK")
    locked_for = time.monotonic() - locked_at
    if refused:
        raise GonogoError(
            "the undo scripts would change rows that are not the migration's; nothing has changed",
            detail=", ".join(refused),
            hint="Look for triggers and cascades on these tables.",
        )
    return Undo(
        state="",
        content=content,
        holds=holds,
        changes=tuple(outlook.changes),
        removed=tuple(outlook.removed),
        became=outlook.became,
        lost={name: rows for name, (rows, _) in lost.items()},
        compared=tuple(sorted(".".join(table) for table in compared)),
        altered={name: (was[0], now[0]) for name, (was, now) in moved.items()},
        immaterial=tuple(outlook.immaterial),
        locked=tuple(sorted(".".join(table) for table in dict.fromkeys(touched))),
        locked_seconds=round(locked_for, 3),
        committed=commit,
        statements=outlook.statements,
    )


def _seen_by_others(connection: Any, plan: Plan, expected: Mapping[str, str]) -> None:
    state = _look(connection, plan).state
    differences = schema_catalog.compare(expected, schema_catalog.read(connection))
    if state != "absent" or differences:
        raise GonogoError(
            "after COMMIT the schema is not what the rehearsal has shown",
            detail=f"The migration is {state}; " + listed([d.name for d in differences]),
            hint="Somebody else changes the schema; look, then run the playbook again.",
        )


def _look(connection: Any, plan: Plan) -> Recognised:
    tool, _ = history.of(plan.history)
    return look(connection, plan, tool.entries(connection))


def _unrecord(connection: Any, plan: Plan) -> None:
    tool, migrations = history.of(plan.history)
    if tool.entries(connection) is not None:
        for migration in migrations:
            tool.unrecord(connection, migration)


def _tables(connection: Any) -> dict[Table, list[str]]:
    rows = connection.execute(_TABLES).fetchall()
    return {(schema, name): list(columns) for schema, name, columns in rows}


def _lost(connection: Any, outlook: _Outlook) -> dict[str, tuple[int, str]]:
    """Rows of the tables that go, and values of the columns that go, where there are any.

    With each a hash: of the rows, or of the values and the keys of their rows.
    """
    lost: dict[str, tuple[int, str]] = {}
    for table in outlook.doomed:
        lost[".".join(table)] = _fingerprint(connection, table, ["*"])
    for table, columns in outlook.dropped.items():
        key = [row[0] for row in connection.execute(_KEY, table).fetchall()]
        for column in columns:
            lost[".".join((*table, column))] = _fingerprint(
                connection, table, [*key, column], present=column
            )
    return {name: found for name, found in lost.items() if found[0]}


def _difference(before: tuple[int, str], after: tuple[int, str]) -> tuple[int, str]:
    """What tells the rows that were changed: those that were let be are in both sums."""
    return after[0] - before[0], str(int(after[1]) - int(before[1]))


def _fingerprint(
    connection: Any, table: Table, columns: Sequence[str], *, present: str | None = None
) -> tuple[int, str]:
    """Number of rows and an order-independent hash of these columns of a table, `*` for all; only
    of rows that have a value in the column `present`.
    """
    row = sql.SQL(", ").join(
        sql.SQL("t.*") if column == "*" else sql.SQL("t.") + sql.Identifier(column)
        for column in columns
    )
    # Left out of the sums and not by a condition, which an index could answer.
    has = sql.SQL("t.{} IS NOT NULL").format(sql.Identifier(present)) if present else None
    query = sql.SQL(
        "SELECT count(t.ctid) FILTER (WHERE {has}), coalesce("
        "sum(pg_catalog.hashtextextended(ROW({row})::text, 0)::numeric) FILTER (WHERE {has}), 0)"
        "::text FROM ONLY {table} AS t"
    ).format(row=row, table=sql.Identifier(*table), has=has or sql.SQL("true"))
    found = connection.execute(query).fetchone()
    return (int(found[0]), str(found[1]))
