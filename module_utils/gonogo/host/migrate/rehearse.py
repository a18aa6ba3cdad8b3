"""A migration and the way back from it, tried on a copy of the database.

`inspect` says what exists. `apply_revert_reapply` applies the migration where it is absent, takes
it back, compares with what was there before, and applies it again: what is left is the database as
it is going to be. `try_revert` is asked later, when rows have been written to what the migration
has made.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.records.deployment import Deployment, Failure, Inspection
from ...contract.records.drift import Drift
from ...contract.records.migration import Plan, Statement
from ...contract.records.rehearsal import Problem, Reapplied, Retried, Reverted, Trial, TriedRevert
from ...contract.records.undo import Undo
from ...contract.side_by_side import sessions
from ..compare import fingerprint, immaterial, schema_catalog
from ..session.connection import DatabaseError
from . import deployment, history
from .again import again as tried_again
from .alone import alone
from .deployment import Outcome
from .history.interface import APPLIED
from .in_the_way import in_the_way
from .over_budget import of_the_host, over_budget, patient
from .replay import Replay, changes_of
from .taken import Column, values
from .undo import MEND, take_back, unlike

__all__ = ["PARTS", "Request", "apply_revert_reapply", "inspect", "try_revert"]

_STEPS = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement
FROM pg_catalog.pg_sequence AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
"""
_NAMED = "SELECT pg_catalog.format('%%I.%%I', %s::text, %s::text)"


@dataclass(frozen=True)
class Request:
    """What is to be tried, and how.

    `connect` opens a session; a `patient` one may take as long as it likes. `plan` is None where
    the run does not deploy, `undo` where the runbook has none; `confirm` and `resume` are those of
    `deployment.deploy`. `untold` are the statements of which no object tells whether they have been
    applied. `replay` is the history of a folder, where the migration is one of a folder.
    """

    connect: Callable[..., Any]
    plan: Plan | None
    undo: Plan | None
    budgets: Budgets
    confirm: Callable[[], None]
    resume: bool = False
    untold: Sequence[Statement] = ()
    replay: Replay | None = None


@dataclass(frozen=True)
class _Rows:
    rows: int
    hash: str


@dataclass(frozen=True)
class _Before:
    """The copy before the migration; `own` are the tables of the migration tool, `values` those in
    the columns that the migration drops."""

    state: str
    schema: Mapping[str, str]
    own: Collection[str]
    rows: Mapping[str, _Rows] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[Column, int] = field(default_factory=dict)


def inspect(request: Request) -> Trial:
    """What exists, where nothing is to be applied; without a plan the state is not known."""
    with request.connect() as connection:
        plan = request.plan
        found = deployment.inspect(connection, plan) if plan else None
        schema = schema_catalog.read(connection)
        retried = _retried(request, connection, found)
    state = found.state if found else None
    return Trial(state=state, schema=schema, retried=retried, drift=_drift(request, schema))


def apply_revert_reapply(request: Request) -> Trial:
    """Apply a migration, take it back, apply it again. Nothing is ended for the time it takes.

    What existed in part is not taken back: it would not be as it was.
    """
    plan = _plan(request)
    before = _before(request, plan)
    drift = _drift(request, before.schema)
    found = Trial(state=before.state, schema=before.schema, drift=drift)
    if before.state == "applied":
        with request.connect() as connection:
            look = deployment.inspect(connection, plan)
            return replace(found, retried=_retried(request, connection, look))
    before = replace(before, rows=_rows(request, before.own), values=_values(request, before))
    first = _deployed(request, plan, resume=request.resume)
    found = replace(found, deployment=first.record)
    if first.record.action != "applied":
        told = _with_rows(request, plan, first.record)
        return replace(found, deployment=told, problem=Problem("apply", _severity(told.error)))
    rows = _rows(request, before.own)
    found = replace(
        found,
        slow=over_budget([first.record.statements], request.budgets),
        schema=first.catalog_after,
        rows_changed=_changed(before.rows, rows),
        rows_removed=_removed(before.rows, rows),
    )
    found = _with_history(request, found, before.schema, first.catalog_after or {})
    if request.undo is None or before.state != "absent":
        return found
    try:
        found = replace(found, undone=_reverted(request, request.undo, before))
        _as_it_was(request, before, first.catalog_after or {})
    except GonogoError as error:
        return replace(found, problem=_problem("undo", error))
    return _reapplied(request, plan, found, first)


def _with_rows(request: Request, plan: Plan, record: Deployment) -> Deployment:
    """The record with the rows that have made a statement fail, where they can be told."""
    if record.error is None:
        return record
    rows = in_the_way(request.connect, plan, record.error)
    return replace(record, error=replace(record.error, in_the_way=rows))


def _drift(request: Request, schema: Mapping[str, str]) -> Drift | None:
    """What the folder's history says of the copy as it is now."""
    if request.replay is None:
        return None
    request.replay.applied(schema)
    return request.replay.result


def _with_history(
    request: Request, found: Trial, before: Mapping[str, str], after: Mapping[str, str]
) -> Trial:
    """With what the folder's history says, and what of the change no statement accounts for."""
    replay = request.replay
    if replay is None:
        return found
    replay.pending(after)
    with request.connect() as connection:
        changes = changes_of(connection, replay.plan, before, after)
    return replace(found, drift=replay.result, schema_changes=changes)


def _retried(request: Request, connection: Any, found: Inspection | None) -> Retried:
    """What comes of applying again what no object tells; and all of a tool's migration that is
    there by its names, and on no record of the tool's."""
    plan = request.plan
    if plan is None or plan.session is None or found is None or found.state != "applied":
        return tried_again(connection, request.untold)
    if _is_on_record(plan, found):
        return tried_again(connection, request.untold, plan.session)
    every = [statement for step in plan.steps for statement in step.statements]
    return tried_again(connection, every, plan.session)


def _is_on_record(plan: Plan, found: Inspection) -> bool:
    entries = found.history.entries or ()
    applied = {entry.name for entry in entries if entry.state == APPLIED}
    return all(one.name in applied for one in plan.history.migrations)


def _reapplied(request: Request, plan: Plan, found: Trial, first: Outcome) -> Trial:
    """Applied once more, alone where something was over a budget."""
    with alone() if found.slow else contextlib.nullcontext() as quiet:
        started = time.monotonic()
        second = _deployed(request, plan)
        seconds = round(time.monotonic() - started, 3)
    found = replace(found, alone=quiet.is_so if quiet else None, again=Reapplied(seconds))
    if second.record.action == "applied" and found.slow:
        traces = [first.record.statements, second.record.statements]
        found = replace(found, slow=over_budget(traces, request.budgets))
    left = second.catalog_after or {}
    compared = schema_catalog.compare(first.catalog_after or {}, left)
    differences = immaterial.sifted(compared, left).real
    if second.record.action == "applied" and not differences:
        return found
    error = second.record.error
    if error and _severity(error) == "hold":
        message = f"taken back, the migration could not be applied again: {error.message}"
        return replace(found, problem=Problem("again", "hold", message, error.detail))
    unequal = GonogoError(
        "taken back and applied again, the migration does not leave the same schema",
        detail=listed([d.name for d in differences]) or (error.message if error else None),
        hint=f"What the undo leaves behind stands in the way of the migration. {MEND}",
    )
    return replace(found, problem=_problem("again", unequal))


def try_revert(request: Request) -> TriedRevert:
    """Take the migration back as the database is now, in a transaction that is rolled back.

    Nothing is tried where the migration is not applied, or has no undo.
    """
    try:
        with request.connect() as connection:
            request.confirm()
            if request.undo is None:
                return TriedRevert()
            if deployment.inspect(connection, _plan(request)).state != "applied":
                return TriedRevert()
            tried = take_back(
                connection,
                request.undo,
                schema_before=None,
                approved_content=None,
                budgets=patient(request.budgets),
            )
    except GonogoError as error:
        return TriedRevert(problem=_problem("undo", error))
    return TriedRevert(undone=_as_reverted(tried, tried.seconds))


# What can be asked for.
PARTS: Mapping[str, Callable[[Request], Trial | TriedRevert]] = {
    "inspect": inspect,
    "apply_revert_reapply": apply_revert_reapply,
    "try_revert": try_revert,
}


def _plan(request: Request) -> Plan:
    assert request.plan is not None  # who asks for it has one
    return request.plan


def _before(request: Request, plan: Plan) -> _Before:
    with request.connect() as connection:
        state = deployment.inspect(connection, plan).state
        return _Before(
            state,
            schema_catalog.read(connection),
            _own_tables(connection, plan),
            sequences=_sequences(connection),
        )


def _deployed(request: Request, plan: Plan, *, resume: bool = False) -> Outcome:
    return deployment.deploy(
        request.connect,
        plan,
        budgets=patient(request.budgets),
        confirm=request.confirm,
        resume=resume,
    )


def _changed(
    before: Mapping[str, _Rows], now: Mapping[str, _Rows]
) -> dict[str, tuple[int, int | None]]:
    """`rows_changed` of a trial."""
    return {
        name: (table.rows, now[name].rows if name in now else None)
        for name, table in before.items()
        if table != now.get(name)
    }


def _removed(before: Mapping[str, _Rows], now: Mapping[str, _Rows]) -> dict[str, tuple[int, str]]:
    """`rows_removed` of a trial."""
    return {
        name: (table.rows, table.hash)
        for name, table in before.items()
        if table.rows > (now[name].rows if name in now else 0)
    }


def _reverted(request: Request, undo: Plan, before: _Before) -> Reverted:
    started = time.monotonic()
    with request.connect() as connection:
        budgets, schema = patient(request.budgets), before.schema
        take = partial(take_back, connection, undo, schema_before=schema, budgets=budgets)
        # Nobody else works on this copy: what was seen is what is there.
        done = take(approved_content=take(approved_content=None).content)
    if not done.committed:
        raise GonogoError(
            "what the undo would do is not the same twice",
            hint="Look for what draws on the time or on chance in the scripts under `undo`, and in "
            "the triggers of their tables.",
        )
    return _as_reverted(done, round(time.monotonic() - started, 3))


def _as_reverted(done: Undo, seconds: float) -> Reverted:
    return Reverted(
        seconds, done.locked, done.locked_seconds, done.lost, done.compared, done.immaterial
    )


def _as_it_was(request: Request, before: _Before, migrated: Mapping[str, str]) -> None:
    """Raise GonogoError unless schema and rows are what they were before the migration."""
    with request.connect() as connection:
        now = schema_catalog.read(connection)
        differences = unlike(connection, before.schema, now, migrated=migrated).names
        now_at = _sequences(connection)
    if differences:
        raise GonogoError(
            "the undo scripts do not leave the schema as it was",
            detail=listed(differences),
            hint=MEND,
        )
    others = _other_rows(request, before)
    if others:
        raise GonogoError(
            "the undo scripts do not leave the rows as they were",
            detail=listed(others),
            hint="What the migration takes away and its undo does not bring back is only in the "
            f"backup. {MEND}",
        )
    # A number that was given out and is none of a row's is a gap; one given out twice is an error.
    behind = [
        name for name, number in before.sequences.items() if now_at.get(name, number) < number
    ]
    if behind:
        raise GonogoError(
            "the undo scripts leave sequences behind where they were: a number would be given out "
            "twice",
            detail=listed(behind),
            hint=MEND,
        )


def _other_rows(request: Request, before: _Before) -> list[str]:
    """Every table whose rows are not what they were, and every column whose values are not there,
    with how many there were and are."""
    rows = _rows(request, before.own)
    others = [n for n in sorted({*before.rows, *rows}) if before.rows.get(n) != rows.get(n)]
    if not others:
        return []
    with request.connect(patient=True) as connection:
        told = {}
        for column, held in before.values.items():
            left = column.values(connection)
            if left < held:
                told[column.name] = f"{column.name}: {held} values before, {left} now"
        emptied = {column.table for column in before.values if column.name in told}
    for name in others:
        was, now = (one.get(name, _Rows(0, "")).rows for one in (before.rows, rows))
        if was != now:
            told[name] = f"{name}: {was} rows before, {now} now"
        elif name not in emptied:
            told[name] = f"{name}: other values in its {was} rows"
    return [told[name] for name in sorted(told)]


def _sequences(connection: Any) -> dict[str, int]:
    """Name → what it says next; of one that counts down, as a negative number."""
    steps = dict(connection.execute(_STEPS).fetchall())
    found = {}
    for name, (value, called) in fingerprint.sequences(connection).items():
        step = steps.get(name, 1)
        found[name] = (value + step * called) * (1 if step > 0 else -1)
    return found


def _rows(request: Request, own: Collection[str]) -> dict[str, _Rows]:
    """Table → rows and hash; not of the tool's `own`: its record of an undone migration stays."""
    with request.connect() as connection:
        method = fingerprint.best_method(connection.info.server_version)
    patiently = partial(request.connect, patient=True)
    # Nothing stops it, so all of them are read.
    content = fingerprint.content(patiently, sessions=sessions(), method=method)
    return {
        name: _Rows(table.rows or 0, table.hash or "")
        for name, table in content.tables.items()
        if name not in own
    }


def _values(request: Request, before: _Before) -> dict[Column, int]:
    """What is in the columns that the migration drops, where it has an undo."""
    if request.undo is None:
        return {}
    with request.connect(patient=True) as connection:
        return values(connection, _plan(request), before.schema)


def _own_tables(connection: Any, plan: Plan) -> set[str]:
    tool, _ = history.of(plan.history)
    return {str(connection.execute(_NAMED, table).fetchone()[0]) for table in tool.tables}


def _severity(error: Failure | None) -> str:
    """Of an error of a deployment: `hold` where it may be that of the host, at that moment."""
    if error and of_the_host(error.sqlstate, lost=error.lost):
        return "hold"
    return "no_go"


def _problem(step: str, error: GonogoError) -> Problem:
    cause = error.__cause__
    elsewhere = isinstance(cause, DatabaseError) and (
        cause.sqlstate is None or of_the_host(cause.sqlstate)
    )
    severity = "hold" if elsewhere else "no_go"
    return Problem(step, severity, error.primary, error.detail, error.hint)
