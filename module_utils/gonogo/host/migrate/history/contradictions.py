"""In what a tool's record and the schema do not agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....contract.records.deployment import Contradiction, HistoryEntry
from .interface import APPLIED, FAILED, Entry, History, Migration

__all__ = ["about", "contradictions"]


def about(
    migrations: Sequence[Migration], entries: Sequence[Entry] | None
) -> tuple[HistoryEntry, ...] | None:
    """The entries of these migrations, as they are kept in the evidence."""
    if entries is None:
        return None
    names = {migration.name for migration in migrations}
    return tuple(HistoryEntry(*entry) for entry in entries if entry.name in names)


def contradictions(
    tool: History,
    migrations: Sequence[Migration],
    state: str,
    entries: Sequence[Entry] | None,
) -> tuple[Contradiction, ...]:
    """`state` is what the schema says of the migrations."""
    if entries is None:
        return ()
    return tuple(one for m in migrations for one in _of_one(tool, m, state, entries))


def _of_one(
    tool: History, migration: Migration, state: str, entries: Sequence[Entry]
) -> Iterator[Contradiction]:
    name, record = migration.name, f"{tool.name}'s record"
    applied = name in tool.applied([migration], entries)
    failed = name in tool.failed(entries)
    if failed:
        there = state == "applied"
        yield Contradiction(
            f"{record} calls {name} begun and not finished; {tool.failed_means}",
            hint=tool.stamp(name) if there else tool.unstamp(Entry(name, FAILED)),
            blocks=not there,
        )
    if applied and state == "absent":
        yield Contradiction(
            f"{record} calls {name} applied, but none of its objects is there",
            hint=tool.unstamp(Entry(name, APPLIED)),
            blocks=True,
        )
    if state == "applied" and not applied and not failed:
        yield Contradiction(
            f"{name} is there, but not in {record}; "
            "its next deployment would try to apply it again",
            hint=tool.stamp(name),
            blocks=False,
        )
    if tool.changed([migration], entries):
        (*_, newest) = (e for e in entries if e.name == name and e.state == APPLIED)
        yield Contradiction(
            f"{record} of {name} is of another {migration.file}",
            hint=f"Compare the file with the one that was applied: {tool.digest} "
            f"{newest.checksum} there, {migration.checksums[0]} here.",
            blocks=False,
        )
