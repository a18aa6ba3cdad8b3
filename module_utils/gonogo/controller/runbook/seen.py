"""What a run has seen of a folder of migrations, for the checks that ask about it: the way back,
what applying it costs, and the record of its tool.

Templates get each as a value of JSON, which is empty where nobody has looked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...contract.budgets import Budgets
from ...contract.records.answers import HistoryAnswer
from ...contract.records.deployment import HistoryEntry
from ...contract.records.drift import Drift, SchemaChanges
from ...contract.records.history import HistoryRecord
from ...contract.records.rehearsal import Rehearsal, SlowStatement
from ...contract.records.trace import StatementTrace
from ...contract.records.twin import TwinRecord
from ...host.migrate import history as tools
from ...host.migrate.history import Entry
from ..render.rendering import MigrationWords
from . import pending, plans
from .book import Runbook
from .lint import lint
from .source import Source

__all__ = ["Seen", "history", "rehearsed"]

# The steps of a rehearsal that are about the way back.
_BACK = ("undo", "again")


@dataclass(frozen=True)
class Seen:
    """Values for the templates; see `_back`, `_cost`, `history` and `lint.lint`. `drift` and
    `schema_changes` are the rehearsal's."""

    back: Mapping[str, object] = field(default_factory=dict)
    cost: Mapping[str, object] = field(default_factory=dict)
    history: Mapping[str, object] = field(default_factory=dict)
    lint: Mapping[str, object] = field(default_factory=dict)
    drift: Drift | None = None
    schema_changes: SchemaChanges | None = None

    def added(self, words: MigrationWords) -> MigrationWords:
        """What templates know of the migration, with what was seen of it."""
        return replace(
            words,
            back=self.back,
            cost=self.cost,
            history=self.history,
            lint=self.lint,
            drift=self.drift,
            schema_changes=self.schema_changes,
        )


def rehearsed(runbook: Runbook, record: Rehearsal, twin: TwinRecord, budgets: Budgets) -> Seen:
    """What the rehearsal on the twin has shown."""
    if not record.done:
        return Seen()
    return Seen(
        back=_back(runbook, record, twin),
        cost=_cost(record, budgets),
        lint=lint(runbook),
        drift=record.drift,
        schema_changes=record.schema_changes,
    )


def _back(runbook: Runbook, record: Rehearsal, twin: TwinRecord) -> dict[str, object]:
    """`files` are all that is pending. `why` says why no file takes it back, and `restore` in how
    many seconds the backup was restored that stands in its place; else `by` are the files that do,
    `seconds` and `again` what was taken, and `immaterial` what is different without a meaning, or
    `problem` what went wrong. `untried` says why nothing was tried."""
    told: dict[str, object] = {"files": _files(runbook)}
    problem = record.problem if record.problem and record.problem.step in _BACK else None
    why = _without_undo(runbook)
    restored = twin.seconds.restore if twin.proven and twin.seconds else None
    if why:
        told["why"] = why
        return {**told, "restore": restored}
    told["by"] = list(dict.fromkeys(step.file for step in plans.undo_steps(runbook)))
    if problem:
        said = filter(None, (problem.message, problem.detail))
        told["problem"] = {"severity": problem.severity, "message": ": ".join(said)}
        return {**told, "restore": restored}
    if record.undone and record.again:
        return {
            **told,
            "seconds": record.undone.seconds,
            "again": record.again.seconds,
            "immaterial": list(record.undone.immaterial),
        }
    return {**told, "untried": _untried(record)}


def _files(runbook: Runbook) -> list[str]:
    if runbook.source is None:
        return [file.name for file in runbook.migration_files]
    return [one.file for one in runbook.pending_migrations]


def _without_undo(runbook: Runbook) -> str | None:
    """Why nothing but the backup is the way back, None where there are files."""
    if runbook.source is None:
        without = [] if runbook.sql_files("undo") else _files(runbook)
        return f"{', '.join(without)}: the runbook has no undo" if without else None
    declared = runbook.source.declared_irreversible(runbook.pending)
    if declared:
        return f"{', '.join(declared)}: it is declared irreversible"
    without = pending.without_undo(runbook.pending_migrations)
    return f"{', '.join(without)}: no file takes it back" if without else None


def _untried(record: Rehearsal) -> str:
    if record.problem:
        return "the migration could not be applied to the copy"
    if record.deployment is None:
        return "the run applies nothing"
    return f"the migration was {record.state} before"


def _cost(record: Rehearsal, budgets: Budgets) -> dict[str, object]:
    """`examined` is the number of statements, `statements` those for which the application waits,
    `slow` those that were over a budget each time they were tried."""
    done = record.deployment
    if done is None or done.action != "applied":
        return {}
    return {
        "allowed": {"hold": budgets.hold, "statement": budgets.statement},
        "examined": len(done.statements),
        "longest": max((one.seconds for one in done.statements), default=0.0),
        "held": max((one.held_seconds for one in done.statements), default=0.0),
        "statements": [_statement(one) for one in done.statements if one.held_seconds],
        "slow": [_slow(one) for one in record.slow if one.severity],
    }


def _statement(one: StatementTrace) -> dict[str, object]:
    return {
        "place": f"{one.file}:{one.line}",
        "statement": one.statement,
        "held": one.held_seconds,
        "rewritten": [name for name in one.rewritten if name in one.rewritten_tables],
        "scanned": dict(one.scanned),
    }


def _slow(one: SlowStatement) -> dict[str, object]:
    return {
        "place": f"{one.file}:{one.line}",
        "statement": one.statement,
        "budget": one.budget,
        "allowed": one.allowed,
        "seconds": min(one.seconds),
    }


def history(
    runbook: Runbook, before: HistoryRecord | None, answer: HistoryAnswer | None
) -> dict[str, object]:
    """What the record said when the run began (`before`) and says now (`after`): each a list of
    `name` and `problem`, or null where nobody has looked. `late` are the pending files that come
    before one that is applied, `keys` the numbers of the tool's lock. The record of a runbook's own
    migration is compared with the schema when it is deployed: of a folder there is none then."""
    source = runbook.source
    if source is None:
        nothing: dict[str, list[object]] = {key: [] for key in ("before", "late", "after", "keys")}
        return {"keeps": False, "files": 0, **nothing}
    if before is None:
        return {}
    entries = _entries(before.entries)
    late = source.tool.out_of_order(source.migrations, entries or ())
    now = _entries(answer.entries) if answer else None
    return {
        "tool": source.tool.name,
        "keeps": entries is not None,
        "files": len(source.migrations),
        "before": list(_problems(source, entries or ())),
        "late": [one.file for one in late],
        "after": None if answer is None else list(_left(source, now)),
        "keys": list(answer.keys) if answer else [],
    }


def _entries(kept: Sequence[HistoryEntry] | None) -> list[Entry] | None:
    if kept is None:
        return None
    return [Entry(one.name, one.state, one.checksum, one.details) for one in kept]


def _problems(source: Source, entries: Sequence[Entry]) -> Iterator[dict[str, str]]:
    tool, files = source.tool, source.migrations
    found = {
        "is begun and not finished": tool.failed(entries),
        "is on record, and not in the folder": tool.missing(files, entries),
        "is not as it was when it was applied": [one.file for one in tool.changed(files, entries)],
    }
    for problem, names in found.items():
        for name in names:
            yield {"name": name, "problem": problem}


def _left(source: Source, entries: Sequence[Entry] | None) -> Iterator[dict[str, str]]:
    """What the record does not say of the folder as it should once all of it is applied."""
    if source.key == tools.PLAIN:
        return
    if entries is None:
        problem = "keeps no record here: its next deployment would apply all of the folder again"
        yield {"name": source.tool.name, "problem": problem}
        return
    yield from _problems(source, entries)
    for one in source.tool.pending(source.migrations, entries):
        command = source.tool.stamp(one.name)
        recorded = f" (to record what is there: {command})" if command else ""
        yield {"name": one.file, "problem": f"is not on record{recorded}"}
