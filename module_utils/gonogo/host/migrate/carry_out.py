"""The whole of a deployment: look, compare with the records, apply, look again.

Works the same on a real database and on a copy of it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ..compare import schema_catalog
from ..session.connection import DatabaseError, described
from . import history
from .apply import Applied, apply
from .history.contradictions import about, contradictions
from .history.interface import SESSION, TRANSACTION, History
from .needs import Measured
from .recognise import look

__all__ = ["deploy", "find_out", "inspect"]

# Indexes that a build CONCURRENTLY has left unfinished. They cost every write, and no query
# uses them.
_INVALID = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS p JOIN pg_catalog.pg_inherits AS h
                    ON h.inhparent = p.indexrelid WHERE h.inhrelid = i.indexrelid)
ORDER BY 1
"""
# How a schema calls one.
_INDEX = "index "


def inspect(connection: Any, plan: Mapping[str, Any]) -> dict[str, Any]:
    """What is there of a migration, and what the records say of it; changes nothing.

    `plan` has `objects` and `history`, as controller/runbook/migration.py makes them. Returns
    `state` (absent, applied, half or unfinished: all but statements outside of transactions is
    there), `objects`, `history` (the migration `tool` and the `entries` of its record, None where
    it keeps none here) and `contradictions`.
    """
    found = look(connection, plan["objects"])
    tool, migrations = history.of(plan["history"])
    entries = tool.entries(connection)
    state = _unfinished(plan, found) or found["state"]
    effective = "applied" if state == "unfinished" else state
    return {
        "state": state,
        "objects": found["objects"],
        "history": {"tool": plan["history"]["tool"], "entries": about(migrations, entries)},
        "contradictions": contradictions(tool, migrations, effective, entries),
    }


def deploy(
    connect: Callable[[], Any],
    plan: Mapping[str, Any],
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    resume: bool = False,
    sealed: str | None = None,
    check_only: bool = False,
) -> dict[str, Any]:
    """Apply a migration where it is absent. `plan` has `steps` beside what `inspect` wants, and
    perhaps `measured`: the bill of the same on a copy.

    `connect` opens an autocommit session of this project; `confirm` raises when this
    run may not work on any more; `resume` does what is left of a state `unfinished`; `sealed` is
    the digest of the schema as it is on record, and to no other is anything applied.

    Returns `action`: `none` (it is there), `would_apply`, `applied`, `refused`, `moved` (the schema
    is not the sealed one, nothing was done) or `failed`;
    `before` and `after` as of `inspect`; `bill`, `attempts`, `error`, `files` as of `apply`;
    `changed` (names of what differs between the schema before and after), `schema_before` and
    `schema_after` (digests), `catalog_before` and `catalog_after` (the schemas themselves),
    `leftovers` (each with `index` and the `command` that removes it) and `seconds`. `after` is None
    where nobody could look any more.
    """
    with connect() as connection:
        started = time.monotonic()
        before = inspect(connection, plan)
        result = {**_nothing(), "before": before, "after": before}
        if before["state"] == "applied":
            return result
        blocking = any(c["blocks"] for c in before["contradictions"])
        half = before["state"] == "half" or (before["state"] == "unfinished" and not resume)
        if blocking or half:
            return {**result, "action": "refused"}
        catalog = schema_catalog.read(connection)
        kept = {"catalog_before": catalog, "schema_before": _digest(catalog)}
        if check_only:
            return {**result, **kept, "action": "would_apply"}
        if sealed is not None and sealed != kept["schema_before"]:
            return {**result, "action": "moved"}
        invalid = _invalid(connection)
        done = _applied(connection, plan, before, budgets, confirm)
    after, catalog_after, left = _afterwards(connect, plan)
    changed = sorted(d.name for d in schema_catalog.compare(catalog, catalog_after or {}))
    there = after is not None and after["state"] == "applied"
    # The answer to COMMIT may be lost although it was carried out; the schema knows.
    lost_answer = done.error is not None and done.error["committed"] is None
    return {
        **result,
        "action": "applied" if there and (not done.error or lost_answer) else "failed",
        "after": after,
        "bill": done.bill + (done.unsure if there and lost_answer else []),
        "attempts": done.attempts,
        "error": done.error,
        "files": done.files,
        "changed": changed if catalog_after is not None else None,
        **kept,
        "schema_after": _digest(catalog_after),
        "catalog_after": catalog_after,
        "leftovers": _leftovers(left or [], invalid),
        "seconds": round(time.monotonic() - started, 3),
    }


def find_out(connection: Any, plan: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    """What has become of a deployment that nobody has heard of any more; changes nothing.

    `plan` is as for `inspect`, `before` the schema that was sealed before the first statement.
    Returns as `deploy` does: `applied` where the migration is there in full, else `failed`, with
    what differs from the sealed schema in `changed`, and in `leftovers` the unfinished indexes that
    were not in it, or were whole.
    """
    after, catalog = inspect(connection, plan), schema_catalog.read(connection)
    there = after["state"] == "applied"
    return {
        **_nothing(),
        "action": "applied" if there else "failed",
        "after": after,
        "files": [step["file"] for step in plan["steps"]] if there else [],
        "changed": sorted(d.name for d in schema_catalog.compare(before, catalog)),
        "schema_before": _digest(before),
        "schema_after": _digest(catalog),
        "leftovers": _leftovers(_invalid(connection), _invalid_in(before)),
    }


def _nothing() -> dict[str, Any]:
    return {
        "action": "none",
        "bill": [],
        "attempts": [],
        "error": None,
        "files": [],
        "changed": [],
        "schema_before": None,
        "schema_after": None,
        "catalog_before": None,
        "catalog_after": None,
        "leftovers": [],
        "seconds": 0.0,
    }


def _applied(
    connection: Any,
    plan: Mapping[str, Any],
    before: Mapping[str, Any],
    budgets: Budgets,
    confirm: Callable[[], None],
) -> Applied:
    tool, migrations = history.of(plan["history"])
    there = {(o["file"], o["line"]) for o in before["objects"] if o["made"] and o["done"]}
    missing = {(o["file"], o["line"]) for o in before["objects"] if not o["done"]}

    def skip(statement: Mapping[str, Any]) -> bool:
        where = (statement["file"], statement["line"])
        return before["state"] == "unfinished" and (where in there or where not in missing)

    within: dict[str, Callable[[Any], None]] = {}
    if before["history"]["entries"] is not None and before["state"] != "unfinished":
        within = {m.file: partial(tool.record, migration=m) for m in migrations}
    # Where the migration's own file has been applied before, its record was written with it.
    take = partial(_lock_out, tool, budgets=budgets, confirm=confirm)
    with _held(tool, connection, take) if tool.lock_scope == SESSION else nullcontext():
        return apply(
            connection,
            plan["steps"],
            budgets=budgets,
            confirm=confirm,
            opening=take if tool.lock_scope == TRANSACTION else None,
            within=within,
            measured=Measured.of(plan.get("measured") or []),
            skip=skip,
        )


@contextmanager
def _held(tool: History, connection: Any, take: Callable[[Any], None]) -> Iterator[None]:
    """Hold the tool's lock; a session that is lost holds none, and what it has done stays."""
    take(connection)
    try:
        yield
    finally:
        with suppress(DatabaseError):
            tool.release(connection)


def _lock_out(
    tool: History, connection: Any, budgets: Budgets, confirm: Callable[[], None]
) -> None:
    for attempt in range(1, budgets.attempts + 1):
        confirm()
        if tool.take(connection):
            return
        if attempt < budgets.attempts:
            time.sleep(budgets.wait)
    raise GonogoError(
        f"a deployment of {tool.name}'s is at work on this database",
        detail=f"Its lock ({tool.lock_name}) was not free in {budgets.attempts} attempts.",
        hint="Wait for it to end, then run the playbook again.",
    )


def _afterwards(
    connect: Callable[[], Any], plan: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, str] | None, list[str] | None]:
    """What is there now, seen by a session of its own; None where there is no server to ask."""
    try:
        with connect() as connection:
            return inspect(connection, plan), schema_catalog.read(connection), _invalid(connection)
    except GonogoError:
        return None, None, None
    except DatabaseError as error:
        if described(error)["sqlstate"]:
            raise
        return None, None, None


def _unfinished(plan: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """`unfinished` where all that is missing is made by statements outside of transactions."""
    if found["state"] != "half":
        return None
    alone = {step["file"] for step in plan["steps"] if not step["transaction"]}
    missing: Sequence[Mapping[str, Any]] = [o for o in found["objects"] if not o["done"]]
    # What is there and wrong is nobody's to finish.
    simple = all(o["file"] in alone and not o["but"] for o in missing)
    return "unfinished" if simple else None


def _invalid(connection: Any) -> list[str]:
    return [row[0] for row in connection.execute(_INVALID).fetchall()]


def _invalid_in(catalog: Mapping[str, str]) -> set[str]:
    """The same, of a schema as it was read."""
    return {
        name[len(_INDEX) :]
        for name, definition in catalog.items()
        if name.startswith(_INDEX) and definition.startswith("invalid")
    }


def _leftovers(now: Sequence[str], before: Collection[str]) -> list[dict[str, str]]:
    return [
        {"index": name, "command": f"DROP INDEX CONCURRENTLY {name};"}
        for name in now
        if name not in before
    ]


def _digest(catalog: Mapping[str, str] | None) -> str | None:
    return None if catalog is None else sha256(line(catalog))
