"""The history of a folder as the target host replays it, and whose work an object is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...contract.errors import InputError
from ...contract.records.drift import Deviation, Drift, Episode, ReplayPlan
from ...contract.records.history import HistoryRecord
from ...contract.records.migration import Statement, Step
from ...host.compare.object_names import parsed
from ...host.migrate.history import COMMAND, Entry, Migration
from ..sql import statements
from . import migration as runbooks
from . import pending
from .book import Runbook
from .source import Baseline, Source

__all__ = ["attributed", "plan"]

# With these newer versions of pg_dump begin and end a file.
_OF_PSQL = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)


def plan(runbook: Runbook, source: Source, record: HistoryRecord, *, home: str) -> ReplayPlan:
    """What is replayed beside the twin in `home`; with the problem where it cannot be."""
    texts = [one.text or "" for one in runbook.pending_migrations]
    empty = ReplayPlan(
        home=home,
        schema=record.schema,
        tables=source.tool.tables,
        session=source.tool.settings,
        names=sorted({name for text in texts for name in runbooks.names(text)}),
    )
    start = source.baseline
    if start is not None and start.file is None:
        said = f"the history counts from {start.version} on: what was there is taken as it is"
        return replace(empty, problem=said, asked=False)
    if source.key == COMMAND:
        said = "what a command has applied before is not known: what was there is taken as it is"
        return replace(empty, problem=said, asked=False)
    if record.entries is None:
        said = f"{source.tool.name} keeps no record here: nobody knows what is applied"
        return replace(empty, problem=said)
    try:
        return replace(
            empty,
            baseline=_baseline(start),
            applied=[_episode(source, one) for one in _applied(runbook, source, record)],
            pending=[_episode(source, one) for one in runbook.pending_migrations],
        )
    except InputError as error:
        return replace(empty, problem=f"the history cannot be replayed: {error.primary}")


def attributed(drift: Drift | None, runbook: Runbook) -> Drift | None:
    """With the migration that should have made each object: the last one that names it."""
    if drift is None or runbook.source is None:
        return drift
    before = _Authors.of_files(
        [one for one in runbook.source.migrations if one.name not in runbook.pending]
    )
    after = _Authors.of_files(runbook.source.migrations)
    return replace(
        drift,
        before=tuple(map(before.of, drift.before)),
        after=None if drift.after is None else tuple(map(after.of, drift.after)),
    )


@dataclass(frozen=True)
class _Authors:
    """Files with the words of each, in order."""

    files: Sequence[tuple[str, set[str]]]

    @classmethod
    def of_files(cls, migrations: Sequence[Migration]) -> _Authors:
        return cls([(one.file, {*runbooks.names(one.text or "")}) for one in migrations])

    def of(self, one: Deviation) -> Deviation:
        it = parsed(one.name, one.expected or one.found)
        table = {it.table[-1]} if it.table else set()
        wanted = ({it.own} | table, {it.own}, table)
        found = next((name for names in wanted if names for name in self._with(names)), None)
        return replace(one, migration=found)

    def _with(self, names: set[str]) -> Iterator[str]:
        return (file for file, known in reversed(self.files) if names <= known)


def _applied(runbook: Runbook, source: Source, record: HistoryRecord) -> Iterator[Migration]:
    """Those on record, in the order of the folder, behind what the baseline has."""
    entries = [
        Entry(one.name, one.state, one.checksum, one.details) for one in record.entries or ()
    ]
    applied = {*source.tool.applied(source.migrations, entries)} - {*runbook.pending}
    version = source.baseline.version if source.baseline else None
    behind = version is None
    for one in source.migrations:
        if behind and one.name in applied:
            yield one
        behind = behind or one.name == version


def _episode(source: Source, one: Migration) -> Episode:
    return Episode(one.file, [_bare(step) for step in pending.steps(source.tool, one)])


def _bare(step: Step) -> Step:
    """Without what is for a deployment to know."""
    return replace(step, statements=[_unread(one) for one in step.statements])


def _unread(one: Statement) -> Statement:
    return replace(one, tables=(), effects=())


def _baseline(start: Baseline | None) -> Sequence[Step]:
    """Raises InputError for a file that cannot be read."""
    if start is None or start.file is None:
        return ()
    name = start.file.name
    try:
        text = start.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read: {error}", file=str(start.file)) from None
    pieces = statements.read_tools(_OF_PSQL.sub("", text), name=name, file=str(start.file))
    found = [runbooks.statement(piece, name, qualified=False) for piece in pieces]
    return (Step(name, transaction=False, statements=[_unread(one) for one in found]),)
