"""The whole of a deployment: inspect, compare with the records, apply, inspect again.

Works the same on a real database and on a copy of it.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable

from ...contract.budgets import Budgets
from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ...contract.records.activity import Activity
from ...contract.records.deployment import Deployment, HistoryFound, Inspection, Leftover
from ...contract.records.migration import Plan, Statement
from ..compare import schema_catalog
from ..session.connection import DatabaseError, described
from . import history
from .apply import Applied, apply
from .history.contradictions import about, contradictions
from .history.interface import APPLIED
from .needs import Measured
from .recognise import Recognised
from .record import look, untold
from .tool_lock import held
from .watch import NoWatch

__all__ = ["Around", "Outcome", "deploy", "find_out", "inspect"]

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
# A lock that was not to be had in time, or a look that took too long.
_WAITED = {"55P03", "57014"}
# How a schema calls one.
_INDEX = "index "

# Who is at work on the server, but for what the statements need that are done already.
Around = Callable[[Any, Callable[[Statement], bool]], Activity]


@dataclass(frozen=True)
class Outcome:
    """The record of a deployment, and the schema before and after, where it was read."""

    record: Deployment
    catalog_before: Mapping[str, str] | None = None
    catalog_after: Mapping[str, str] | None = None


@dataclass(frozen=True)
class _Seen:
    """What a session of its own has found after a deployment."""

    inspection: Inspection
    catalog: Mapping[str, str]
    invalid: Sequence[str]


def inspect(connection: Any, plan: Plan) -> Inspection:
    """What exists of a migration, and what the records say of it; changes nothing."""
    tool, migrations = history.of(plan.history)
    entries = tool.entries(connection)
    found = look(connection, plan, entries)
    unfinished = _is_unfinished(plan, found)
    effective = "applied" if unfinished else found.state
    against = contradictions(tool, migrations, effective, entries)
    return Inspection(
        state="unfinished" if unfinished else found.state,
        objects=found.objects,
        history=HistoryFound(plan.history.tool, about(migrations, entries)),
        contradictions=(*against, *untold(tool, plan, found.state)),
    )


def deploy(
    connect: Callable[[], Any],
    plan: Plan,
    *,
    budgets: Budgets,
    confirm: Callable[[], None],
    resume: bool = False,
    sealed: str | None = None,
    check_only: bool = False,
    around: Around | None = None,
    watch: NoWatch | None = None,
) -> Outcome:
    """Apply a migration where it is absent.

    `connect` opens an autocommit session of this project; `confirm` raises when this
    run may not work on any more; `resume` does what is left of a state `unfinished`; `sealed` is
    the digest of the schema as it is on record, and to no other is anything applied. `around`
    looks who is at work, right before the first statement: where that is hopeless, nothing is
    tried. `watch` lets go for others while the statements run.
    """
    watch = watch or NoWatch()
    with connect() as connection:
        started = time.monotonic()
        before = inspect(connection, plan)
        if before.state == "applied":
            # What is judged then is what a later run may find as it was.
            return Outcome(_nothing_done("none", before, schema_catalog.read(connection)))
        if not _may_apply(before, resume=resume):
            return Outcome(_nothing_done("refused", before))
        catalog = schema_catalog.read(connection)
        would = _nothing_done("would_apply", before, catalog)
        if not check_only and sealed is not None and sealed != would.schema_before:
            return Outcome(_nothing_done("moved", before))
        if around is not None:
            would = replace(would, activity=around(connection, _is_done(before)))
        found = Outcome(would, catalog)
        if check_only:
            return found
        if would.activity and any(one.effect == "hold" for one in would.activity.occupants):
            return Outcome(replace(would, action="blocked"), catalog)
        invalid = _invalid(connection)
        with watch.over(connection, partial(_has_done, connect, plan)):
            done = _applied(connection, plan, before, budgets, confirm, watch)
    after = _afterwards(connect, plan)
    record = _record(found.record, done, after, catalog)
    leftovers = _leftovers(after.invalid if after else (), invalid)
    seconds = round(time.monotonic() - started, 3)
    record = replace(record, leftovers=leftovers, seconds=seconds, watched=watch.told)
    return Outcome(record, catalog, after.catalog if after else None)


def find_out(connection: Any, plan: Plan, before: Mapping[str, str]) -> Deployment:
    """What has become of a deployment that nobody has heard of any more; changes nothing.

    `before` is the schema that was sealed before the first statement. The action is `applied` where
    the migration exists in full, else `failed`; the leftovers are the unfinished indexes that were
    not in that schema, or were whole.
    """
    after, catalog = inspect(connection, plan), schema_catalog.read(connection)
    applied = after.state == "applied"
    return Deployment(
        action="applied" if applied else "failed",
        before=None,
        after=after,
        changed=tuple(sorted(d.name for d in schema_catalog.compare(before, catalog))),
        schema_before=_digest(before),
        schema_after=_digest(catalog),
        error=None,
        files=tuple(step.file for step in plan.steps) if applied else (),
        leftovers=_leftovers(_invalid(connection), _invalid_in(before)),
    )


def _may_apply(before: Inspection, *, resume: bool) -> bool:
    if any(contradiction.blocks for contradiction in before.contradictions):
        return False
    return before.state == "absent" or (before.state == "unfinished" and resume)


def _nothing_done(
    action: str, before: Inspection, catalog: Mapping[str, str] | None = None
) -> Deployment:
    return Deployment(
        action=action,
        before=before,
        after=before,
        changed=(),
        schema_before=_digest(catalog),
        schema_after=None,
        error=None,
    )


def _record(
    found: Deployment, done: Applied, after: _Seen | None, catalog: Mapping[str, str]
) -> Deployment:
    """What was found before, with what was done and what was found afterwards."""
    exists = after is not None and after.inspection.state == "applied"
    # The answer to COMMIT may be lost although it was carried out; the schema knows.
    lost_answer = done.error is not None and done.error.committed is None
    changed = schema_catalog.compare(catalog, after.catalog) if after else None
    return replace(
        found,
        action="applied" if exists and (not done.error or lost_answer) else "failed",
        after=after.inspection if after else None,
        statements=(*done.statements, *(done.unsure if exists and lost_answer else ())),
        failed_attempts=tuple(done.failed_attempts),
        error=done.error,
        files=tuple(done.files),
        changed=None if changed is None else tuple(sorted(one.name for one in changed)),
        schema_after=_digest(after.catalog) if after else None,
    )


def _applied(
    connection: Any,
    plan: Plan,
    before: Inspection,
    budgets: Budgets,
    confirm: Callable[[], None],
    watch: NoWatch,
) -> Applied:
    tool, migrations = history.of(plan.history)
    within: dict[str, Callable[[Any], None]] = {}
    entries = before.history.entries
    # Where the migration's own file has been applied before, its record was written with it.
    if entries is not None and (before.state != "unfinished" or plan.session is not None):
        applied = {entry.name for entry in entries if entry.state == APPLIED}
        left = [m for m in migrations if before.state != "unfinished" or m.name not in applied]
        within = {m.file: partial(tool.record, migration=m) for m in left}
    with held(tool, connection, budgets, confirm) as opening:
        return apply(
            connection,
            plan.steps,
            budgets=budgets,
            confirm=confirm,
            opening=opening,
            within=within,
            measured=Measured.of(plan.measured),
            skip=_is_done(before),
            settings=plan.session,
            watch=watch,
        )


def _has_done(connect: Callable[[], Any], plan: Plan, statement: Statement) -> bool:
    """Whether what a statement makes is there, seen by a session of its own. False where no object
    tells, or nobody can be asked."""
    try:
        with connect() as connection:
            objects = inspect(connection, plan).objects
    except (GonogoError, DatabaseError):
        return False
    place = (statement.file, statement.line)
    own = [one for one in objects if (one.file, one.line) == place]
    return any(one.conclusive for one in own) and all(one.matches for one in own)


def _is_done(before: Inspection) -> Callable[[Statement], bool]:
    """Tells the statements that a deployment which is not finished has applied."""
    done = {(o.file, o.line) for o in before.objects if o.expected and o.matches}
    missing = {(o.file, o.line) for o in before.objects if not o.matches}

    def is_done(statement: Statement) -> bool:
        place = (statement.file, statement.line)
        return before.state == "unfinished" and (place in done or place not in missing)

    return is_done


def _afterwards(connect: Callable[[], Any], plan: Plan) -> _Seen | None:
    """What exists now, seen by a session of its own; None where there is no server to ask."""
    try:
        with connect() as connection:
            inspection = inspect(connection, plan)
            return _Seen(inspection, schema_catalog.read(connection), _invalid(connection))
    except GonogoError:
        return None
    except DatabaseError as error:
        # Who has let go of a table may find others in a queue for it.
        if described(error)["sqlstate"] not in {None, *_WAITED}:
            raise
        return None


def _is_unfinished(plan: Plan, found: Recognised) -> bool:
    """Whether all that is missing is made by statements outside of transactions."""
    alone = {step.file for step in plan.steps if not step.transaction}
    missing = [o for o in found.objects if not o.matches]
    if plan.session is not None and not _is_told(plan):
        return False
    # What exists and is wrong is nobody's to finish.
    simple = all(o.file in alone and not o.difference for o in missing)
    return found.state == "partial" and simple


def _is_told(plan: Plan) -> bool:
    """Whether an object tells of each statement outside of the transaction that it has run."""
    return all(
        statement.verb in {"SET", "RESET"} or any(o.conclusive for o in statement.effects)
        for step in plan.steps
        if not step.transaction
        for statement in step.statements
    )


def _invalid(connection: Any) -> list[str]:
    return [row[0] for row in connection.execute(_INVALID).fetchall()]


def _invalid_in(catalog: Mapping[str, str]) -> set[str]:
    """The same, of a schema as it was read."""
    return {
        name[len(_INDEX) :]
        for name, definition in catalog.items()
        if name.startswith(_INDEX) and definition.startswith("invalid")
    }


def _leftovers(now: Sequence[str], before: Collection[str]) -> tuple[Leftover, ...]:
    return tuple(
        Leftover(name, f"DROP INDEX CONCURRENTLY {name};") for name in now if name not in before
    )


def _digest(catalog: Mapping[str, str] | None) -> str | None:
    return None if catalog is None else sha256(line(catalog))
