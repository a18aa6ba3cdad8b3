"""Whether what a runbook is about exists when its run ends: asked of the catalog, not of a check.

What the engine itself knows to be absent, partial or different is no part of a GO, and neither is a
migration of which nothing tells whether it has been applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.records.deployment import Deployment
from ...contract.records.migration import SchemaObject
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.standing import Required, Standing
from ..declared.manifest import Manifest, Table
from ..invocation.commands import Caller
from ..runbook import migration, plans
from ..runbook.book import Runbook
from ..sql.effects import ALTERED

__all__ = ["declared", "objects", "problem"]

_MANIFEST = "manifest.yml"
_SETTINGS = {"SET", "RESET"}


def objects(runbook: Runbook) -> list[Required]:
    """All that should exist: each object once."""
    manifest = runbook.manifest
    own = migration.expected(plans.steps(runbook), manifest, some=False)
    known = {_key(item) for item in own}
    more = [item for item in declared(manifest) if _key(item) not in known]
    plain = _plain_indexes(manifest)
    return [
        Required(
            item,
            migration=number < len(own),
            covered=_is_covered(item, manifest),
            plain=item.kind == "index" and item.name in plain,
        )
        for number, item in enumerate((*own, *more))
    ]


def declared(manifest: Manifest) -> Iterator[SchemaObject]:
    """The objects that a manifest declares, but for those whose names it leaves open."""
    spelled = {(found.table, name) for found in manifest.found_columns for name in found.any_of}
    for existing in manifest.existing_tables:
        yield _item(manifest, "table", None, existing.name)
    # A profile has the functions that its triggers call; that one is described says no more than
    # what it would have to be.
    called = {trigger.function for table in manifest.tables for trigger in table.triggers}
    for function in manifest.functions:
        if function.name in called:
            yield _item(manifest, "function", None, function.name)
    for table in manifest.tables:
        yield _item(manifest, "table", None, table.name)
        for column in table.columns:
            if (table.name, column.name) not in spelled:
                yield _item(manifest, "column", table.name, column.name)
        for kind, name in _parts(table):
            yield _item(manifest, kind, table.name, name)
    for key in manifest.foreign_keys:
        yield _item(manifest, "constraint", key.table, key.name)


def _parts(table: Table) -> Iterator[tuple[str, str]]:
    """Kind and name of what a table has beside its columns."""
    yield from (("constraint", check.name) for check in table.checks)
    yield from (("index", unique.name) for unique in table.unique)
    yield from (("index", index.name) for index in table.indexes)
    yield from (("trigger", trigger.name) for trigger in table.triggers)


def problem(
    runbook: Runbook,
    seen: Standing | None,
    *,
    rehearsal: Rehearsal | None,
    deploy: Deployment | None,
    caller: Caller,
    told: bool = False,
) -> GonogoError | None:
    """Why the migration is no part of a GO, with the next command; None if it is.

    `seen` is what the target host has found, `rehearsal` and `deploy` are the records of this
    run, None where it has none. `told` says whether an important check has failed: an index that
    only makes queries fast is its subject then, which a person may accept.
    """
    deploying = deploy is not None
    if seen is None:
        return GonogoError(
            "nobody could look whether the migration is there", hint="Run the playbook again."
        )
    missing = [*seen.missing, *([] if told else seen.plain)]
    if missing:
        return _missing(missing, none=seen.none, deploying=deploying, caller=caller)
    if deploy is not None and deploy.action == "applied":
        return None
    return _untold(runbook, rehearsal)


def _missing(missing: Sequence[str], *, none: bool, deploying: bool, caller: Caller) -> GonogoError:
    shown = listed(missing, joint="\n")
    if none and not deploying:
        again = caller.again("deploy_enabled=true")
        return GonogoError(
            "the migration is absent, and this run does not deploy it",
            detail=shown,
            hint=f"Set deploy_enabled: true in the inventory, or: {again}",
        )
    return GonogoError(
        "not everything that the migration and its manifest say is there",
        detail=shown,
        hint="Apply what is missing with a migration of its own; or, where the database is as it "
        "should be, correct the manifest or gonogo_profile.",
    )


def _untold(runbook: Runbook, rehearsal: Rehearsal | None) -> GonogoError | None:
    """What no object tells: a copy may have, where this was applied again."""
    retried = rehearsal.retried if rehearsal else None
    steps = plans.steps(runbook)
    if not steps:
        return None
    untold = [one for one in plans.untold(runbook) if one.verb not in _SETTINGS]
    effects = [
        effect
        for step in steps
        for one in step.statements
        for effect in one.effects
        if effect.kind != ALTERED
    ]
    unknown = "nothing tells whether this migration has been applied"
    if not untold:
        if any(effect.conclusive for effect in effects):
            return None
        return GonogoError(
            unknown,
            detail="None of its statements makes or drops a named object.",
            hint="Let it leave a named object behind: what changes only rows is not recognised.",
        )
    if retried is None:
        return GonogoError(
            unknown if not effects else "nothing tells whether all of the migration was applied",
            detail=listed([f"{one.file}:{one.line}: {one.opening}" for one in untold], joint="\n"),
            # Where it was asked for, it says itself what it lacks.
            hint=(rehearsal.hint if rehearsal else None)
            or "A rehearsal on a twin finds out: set twin_enabled and rehearsal_enabled to true.",
        )
    if retried.changes:
        return GonogoError(
            "the migration is not there as its files make it: applied again, it would change",
            detail=listed(retried.changes, joint="\n"),
            hint="Find out whether somebody has changed it since, or whether it was never applied.",
        )
    if retried.untried:
        return GonogoError(
            "nothing tells whether all of the migration was applied",
            detail=listed(retried.untried, joint="\n"),
            hint="These statements could not be applied again on the twin: look at them yourself.",
        )
    return None


def _item(manifest: Manifest, kind: str, table: str | None, name: str) -> SchemaObject:
    return SchemaObject(kind, manifest.schema, table, name, file=_MANIFEST)


def _key(item: SchemaObject) -> tuple[str | None, ...]:
    """What an object is known by. The manifest tells functions by their name alone."""
    table = None if item.kind == "index" else item.table
    return (item.kind, item.schema, table, item.name)


def _plain_indexes(manifest: Manifest) -> set[str]:
    """Names of those that refuse no row."""
    return {index.name for table in manifest.tables for index in table.indexes}


def _is_covered(item: SchemaObject, manifest: Manifest) -> bool:
    """Whether the manifest tells about the object, so that checks may know it by its meaning."""
    tables = {table.name for table in manifest.tables}
    return item.schema == manifest.schema and item.table in tables
