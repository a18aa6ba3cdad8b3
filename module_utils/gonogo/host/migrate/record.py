"""Whether a tool's migration is applied: its objects say it, and where they cannot, the record.

What a migration makes tells more than a record: where all of it is there, somebody has made it, and
where a record says that it is applied and something is missing, somebody has removed it. That
something is not there, may be empty or has no default was perhaps never otherwise, so it says
nothing against a record; and of a migration that makes nothing the record says all.

Where a part is there of what is on no record, the server knows best: a statement that makes what is
there fails, and with it the transaction. What came of a deployment that was cut between several
transactions is partial all the same.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...contract.records.deployment import Contradiction, ObjectState
from ...contract.records.migration import Plan
from . import history
from .history.interface import Entry, History, Migration
from .recognise import Recognised, recognise

__all__ = ["UNKNOWN", "look", "untold", "with_record"]

UNKNOWN = "unknown"

# What may have been so before, by the first words of an object.
_WEAK = ("not null ", "default ", "unnamed ", "validation ")


def look(connection: Any, plan: Plan, entries: Sequence[Entry] | None) -> Recognised:
    """What exists of a migration; the state of a tool's is by its record (`entries`) as well."""
    found = recognise(connection, plan.objects, plan.session)
    if plan.session is None:
        return found
    tool, migrations = history.of(plan.history)
    state = with_record(found, tool, migrations, entries, whole=_is_whole(plan))
    return replace(found, state=state)


def _is_whole(plan: Plan) -> bool:
    """Whether each file is one transaction, so that it is there with its record or not at all."""
    files = [step.file for step in plan.steps]
    return len(files) == len(set(files)) and all(step.transaction for step in plan.steps)


def with_record(
    found: Recognised,
    tool: History,
    migrations: Sequence[Migration],
    entries: Sequence[Entry] | None,
    *,
    whole: bool,
) -> str:
    """The state of migrations: absent, applied, partial, or unknown where nothing tells.

    `whole` is whether each of them is applied in one transaction, or not at all.
    """
    if entries is None or not migrations:
        telling = any(one.conclusive for one in found.objects)
        return found.state if telling else UNKNOWN
    made = [one for one in found.objects if _tells(one)]
    there = sum(one.matches for one in made)
    names = {migration.name for migration in migrations}
    on_record = names.intersection(tool.applied(migrations, entries))
    if on_record == names:
        return "applied" if there == len(made) else "partial" if there else "absent"
    if on_record:
        return "partial"
    if made and there == len(made):
        return "applied"
    return "absent" if whole or not any(one.exists for one in made) else "partial"


def untold(tool: History, plan: Plan, state: str) -> tuple[Contradiction, ...]:
    """What stands against a migration of which nothing tells whether it is applied."""
    if state != UNKNOWN:
        return ()
    files = ", ".join(dict.fromkeys(step.file for step in plan.steps))
    return (
        Contradiction(
            f"nothing tells whether {files} is applied: it makes no named object, "
            f"and {tool.name} keeps no record of it here",
            hint="Find it out, and have the migration tool record what is applied.",
            blocks=True,
        ),
    )


def _tells(one: ObjectState) -> bool:
    weak = one.replaces or one.object.startswith(_WEAK)
    return one.expected and one.conclusive and not weak
