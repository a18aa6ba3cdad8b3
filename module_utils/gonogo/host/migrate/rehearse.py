"""A migration and the way back from it, tried on a copy of the database.

`look` says what is there. `there` applies the migration where it is absent, takes it back, compares
with what was there before, and applies it again: what is left is the database as it is going to be.
`back` is asked later, when rows have been written to what the migration has made.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.errors import GonogoError
from ...contract.side_by_side import sessions
from ..compare import fingerprint, reprint, schema_catalog
from ..session.connection import DatabaseError
from . import history
from .again import again as tried_again
from .alone import alone
from .carry_out import deploy, inspect
from .over_budget import of_the_host, over_budget, patient
from .undo import take_back

__all__ = ["back", "look", "there"]

# How a session is opened: `patient` ones may take as long as they like.
Connect = Callable[..., Any]

_NAMED = "SELECT pg_catalog.format('%%I.%%I', %s::text, %s::text)"
_UNDONE = ("seconds", "locked", "locked_seconds", "lost", "compared")


def look(
    connect: Connect,
    plan: Mapping[str, Any] | None,
    undo: Mapping[str, Any] | None,
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    resume: bool = False,
    untold: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """As `there`, where nothing is to be applied; without a `plan` the state is not known.

    `untold` are the statements of which no object tells whether they have been applied.
    """
    del undo, budgets, confirm, resume
    with connect() as connection:
        state = inspect(connection, plan)["state"] if plan else None
        schema = schema_catalog.read(connection)
        retried = tried_again(connection, untold)
        return {**_nothing(), "state": state, "schema": schema, "retried": retried}


def there(
    connect: Connect,
    plan: Mapping[str, Any],
    undo: Mapping[str, Any] | None,
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    resume: bool = False,
    untold: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Apply a migration, take it back, apply it again. Nothing is ended for the time it takes.

    `plan` and `undo` (None where the runbook has none) are what `deploy` and `take_back` take, and
    so is `resume`. What was there in part is not taken back: it would not be as it was.

    Returns `state` (of the migration, before), `deployment` (of the first time, as `deploy`
    returns it, None where there was nothing to apply), `undone` (seconds, tables nobody else could
    use and for how long), `again` (seconds), `rows_changed` (table that was there before → rows
    before and after the migration, where its rows are others), `rows_removed` (table that has fewer
    rows than before, or is gone → rows and hash of what it held), `schema` (as it is now),
    `problem` (`step`: apply, undo or again; `message`, `detail`, `hint`, and `severity`: `hold`
    where it may be the host's, else `no_go`; None where all went well), `slow` (as `over_budget`
    returns it) and `alone` (where something was over its budget and was tried again:
    whether nothing else was in its way then).
    """
    found = _nothing()
    with connect() as connection:
        before = inspect(connection, plan)
        schema = schema_catalog.read(connection)
        own = _own_tables(connection, plan)
    found.update(state=before["state"], schema=schema)
    if before["state"] == "applied":
        with connect() as connection:
            return {**found, "retried": tried_again(connection, untold)}
    rows = _rows(connect, own)
    allowed, budgets = budgets, patient(budgets)
    done = deploy(connect, plan, budgets=budgets, confirm=confirm, resume=resume)
    del done["catalog_before"]
    applied = done.pop("catalog_after")
    found["deployment"] = done
    if done["action"] != "applied":
        return {**found, "problem": {"step": "apply", "severity": _severity(done["error"])}}
    found["slow"] = over_budget([done["bill"]], allowed)
    found["schema"] = applied
    now = _rows(connect, own)
    found["rows_changed"] = {
        name: [table["rows"], now[name]["rows"] if name in now else None]
        for name, table in rows.items()
        if table != now.get(name)
    }
    found["rows_removed"] = {
        name: [table["rows"], table["hash"]]
        for name, table in rows.items()
        if table["rows"] > (now[name]["rows"] if name in now else 0)
    }
    if undo is None or before["state"] != "absent":
        return found
    try:
        found["undone"] = _taken_back(connect, undo, schema=schema, budgets=budgets)
        _as_it_was(connect, schema, rows, own)
    except GonogoError as error:
        return {**found, "problem": _problem("undo", error)}
    with alone() if found["slow"] else contextlib.nullcontext() as found["alone"]:
        started = time.monotonic()
        second = deploy(connect, plan, budgets=budgets, confirm=confirm)
        found["again"] = {"seconds": round(time.monotonic() - started, 3)}
    if second["action"] == "applied" and found["slow"]:
        found["slow"] = over_budget([done["bill"], second["bill"]], allowed)
    differences = schema_catalog.compare(applied, second["catalog_after"] or {})
    if second["action"] != "applied" or differences:
        unequal = GonogoError(
            "taken back and applied again, the migration does not leave the same schema",
            detail=", ".join(d.name for d in differences[:20])
            or (second["error"] or {}).get("message"),
            hint="Correct the scripts under `undo` in runbook.yml: what they leave behind stands "
            "in the way of the migration.",
        )
        severity = _severity(second["error"])
        return {**found, "problem": {**_problem("again", unequal), "severity": severity}}
    return found


def back(
    connect: Connect,
    plan: Mapping[str, Any],
    undo: Mapping[str, Any] | None,
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    resume: bool = False,
    untold: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Take the migration back as the database is now, in a transaction that is rolled back.

    Returns `undone` (as `there`, with `lost`: table or column → rows that would go) and `problem`;
    both are None where the migration is not there, or has no undo.
    """
    del resume, untold
    found: dict[str, Any] = {"undone": None, "problem": None}
    try:
        with connect() as connection:
            confirm()
            if undo is None or inspect(connection, plan)["state"] != "applied":
                return found
            tried = take_back(
                connection,
                undo,
                schema_before=None,
                approved_content=None,
                budgets=patient(budgets),
            )
    except GonogoError as error:
        return {**found, "problem": _problem("undo", error)}
    return {**found, "undone": {key: tried[key] for key in _UNDONE}}


def _nothing() -> dict[str, Any]:
    return {
        "state": None,
        "deployment": None,
        "undone": None,
        "again": None,
        "rows_changed": {},
        "rows_removed": {},
        "schema": None,
        "retried": None,
        "problem": None,
        "slow": [],
        "alone": None,
    }


def _taken_back(
    connect: Connect, undo: Mapping[str, Any], *, schema: Mapping[str, str], budgets: Budgets
) -> dict[str, Any]:
    started = time.monotonic()
    with connect() as connection:
        take = partial(take_back, connection, undo, schema_before=schema, budgets=budgets)
        # Nobody else works on this copy: what was seen is what is there.
        done = take(approved_content=take(approved_content=None)["content"])
    if not done["committed"]:
        raise GonogoError(
            "what the undo would do is not the same twice",
            hint="Look for what draws on the time or on chance in the scripts under `undo`, and in "
            "the triggers of their tables.",
        )
    seconds = round(time.monotonic() - started, 3)
    return {**{key: done[key] for key in _UNDONE}, "seconds": seconds}


def _as_it_was(
    connect: Connect,
    schema: Mapping[str, str],
    rows: Mapping[str, Mapping[str, Any]],
    own: Collection[str],
) -> None:
    """Raise GonogoError unless schema and rows are what they were before the migration."""
    with connect() as connection:
        differences = reprint.differences(connection, schema, schema_catalog.read(connection))
    if differences:
        raise GonogoError(
            "the undo scripts do not leave the schema as it was",
            detail=", ".join(d.name for d in differences[:20]),
            hint="Correct the scripts under `undo` in runbook.yml.",
        )
    now = _rows(connect, own)
    others = [name for name in sorted({*rows, *now}) if rows.get(name) != now.get(name)]
    if others:
        raise GonogoError(
            "the undo scripts do not leave the rows as they were",
            detail=", ".join(others[:20]),
            hint="The migration changes rows that its undo does not bring back.",
        )


def _rows(connect: Connect, own: Collection[str]) -> dict[str, dict[str, Any]]:
    """Table → rows and hash; not of the tool's `own`: its record of an undone migration stays."""
    with connect() as connection:
        method = fingerprint.best_method(connection.info.server_version)
    content = fingerprint.content(lambda: connect(patient=True), sessions=sessions(), method=method)
    return {
        name: {"rows": table["rows"], "hash": table["hash"]}
        for name, table in content["tables"].items()
        if name not in own
    }


def _own_tables(connection: Any, plan: Mapping[str, Any]) -> set[str]:
    tool, _ = history.of(plan["history"])
    return {str(connection.execute(_NAMED, table).fetchone()[0]) for table in tool.tables}


def _severity(error: Mapping[str, Any] | None) -> str:
    """Of an error of `deploy`: `hold` where it may be that of the host, at that moment."""
    if error and of_the_host(error["sqlstate"], lost=error["lost"]):
        return "hold"
    return "no_go"


def _problem(step: str, error: GonogoError) -> dict[str, Any]:
    cause = error.__cause__
    elsewhere = isinstance(cause, DatabaseError) and (
        cause.sqlstate is None or of_the_host(cause.sqlstate)
    )
    return {
        "step": step,
        "severity": "hold" if elsewhere else "no_go",
        "message": error.primary,
        "detail": error.detail,
        "hint": error.hint,
    }
