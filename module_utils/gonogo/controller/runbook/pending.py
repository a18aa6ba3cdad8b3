"""Migrations of a tool, as the target host gets them: each is sent as its tool would send it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...contract.errors import InputError
from ...contract.records.migration import HistoryPlan, Plan, Recorded, Statement, Step
from ...host.migrate import history
from ...host.migrate.history import History, Migration
from ...host.migrate.history.interface import IMPLICIT, IN_SCRIPT, WHOLE_RUN
from ..declared.manifest import Manifest
from ..sql import effects, statements
from . import migration as runbooks

__all__ = ["plan", "steps", "undo", "without_undo"]


def plan(name: str, tool: History, migrations: Sequence[Migration]) -> Plan:
    """What applies these migrations of a tool, which has this name in the registry.

    Raises InputError for a file that cannot be deployed.
    """
    found = tuple(step for one in migrations for step in steps(tool, one))
    recorded = tuple(
        Recorded(one.name, one.file, one.checksums, one.details or None) for one in migrations
    )
    return Plan(
        steps=found,
        objects=runbooks.expected(found, Manifest(tool.schema), some=False),
        history=HistoryPlan(name, tool.schema, () if name == history.PLAIN else recorded),
        session=tool.settings,
    )


def undo(name: str, tool: History, migrations: Sequence[Migration]) -> Plan | None:
    """What takes these migrations back by the files that their tool keeps for it, the newest
    first; None where one of them has none.

    It is one transaction, so that it can be tried before it is approved. Raises InputError for a
    file that cannot be part of one.
    """
    if not migrations or without_undo(migrations):
        return None
    whole = plan(name, tool, migrations)
    newest_first = tuple(reversed(whole.history.migrations))
    return replace(
        whole,
        steps=tuple(Step(_down_file(one), True, _down(one)) for one in reversed(migrations)),
        history=replace(whole.history, migrations=newest_first),
    )


def without_undo(migrations: Sequence[Migration]) -> list[str]:
    """The files of those that no file takes back: there is none, or no statement is in it."""
    return [one.file for one in migrations if not _pieces(one)]


def _down(migration: Migration) -> tuple[Statement, ...]:
    file = _down_file(migration)
    found = [
        runbooks.statement(_in_transaction(piece), file, qualified=False)
        for piece in _pieces(migration)
    ]
    for one in found:
        if one.outside:
            raise InputError(
                f"{file}:{one.line}: {one.outside} cannot run inside a transaction, and an undo is "
                "one: it is tried before it is approved",
                file=file,
                hint="Take it out of the file, or say that the backup is the way back: "
                "gonogo_irreversible.",
            )
    return tuple(found)


def _down_file(migration: Migration) -> str:
    return migration.down_file or migration.file


def _pieces(migration: Migration) -> list[statements.Piece]:
    file = _down_file(migration)
    found = statements.read_tools(migration.down or "", name=file, file=file)
    return [piece for piece in found if not statements.transaction_control(piece)]


def _in_transaction(piece: statements.Piece) -> statements.Piece:
    """The statement without CONCURRENTLY: it leaves the same."""
    return piece.without("CONCURRENTLY") if effects.outside_transaction(piece) else piece


def steps(tool: History, migration: Migration) -> tuple[Step, ...]:
    """The transactions in which a tool applies a migration. Raises InputError."""
    if migration.text is None:
        raise InputError(
            f"{migration.file} is a program: what it does to the database is not known",
            file=migration.file,
            hint="Apply it with the tool itself, then start again.",
        )
    pieces = statements.read_tools(migration.text, name=migration.file, file=migration.file)
    has_one = migration.transaction and tool.transaction != IN_SCRIPT
    cut = _Cut(tool, migration, transactions=has_one)
    for piece in pieces:
        cut.add(piece)
    return cut.steps() or (_nothing(migration, apart=tool.transaction != WHOLE_RUN),)


@dataclass
class _Part:
    """Statements of a file that are in one transaction, or each by itself."""

    inside: bool
    mode: str = ""
    statements: list[Statement] = field(default_factory=list)


@dataclass
class _Cut:
    """Puts the statements of a file into its transactions.

    `transactions` is whether the tool has one open where the file says nothing. A COMMIT of the
    file ends that one; what stands behind it is in another.
    """

    tool: History
    migration: Migration
    transactions: bool
    found: list[_Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found.append(_Part(self.transactions))

    def add(self, piece: statements.Piece) -> None:
        control, mode = statements.transaction_control(piece) or ("", "")
        if control == "end":
            self.found.append(_Part(self.transactions))
        elif control in {"begin", "set"}:
            if control == "begin" and not self.found[-1].inside:
                self.found.append(_Part(inside=True))
            self._set(piece, mode)
        else:
            read = runbooks.statement(piece, self.migration.file, qualified=False)
            self.found[-1].statements.append(read)

    def steps(self) -> tuple[Step, ...]:
        parts = [part for part in self.found if part.statements]
        alone = len(parts) == 1 and len(parts[0].statements) == 1
        made: list[Step] = []
        for part in parts:
            for inside, some in self._divided(part, alone=alone):
                apart = self.tool.transaction != WHOLE_RUN or bool(made)
                mode = part.mode if inside else ""
                made.append(Step(self.migration.file, inside, tuple(some), apart, mode))
        return tuple(made)

    def _set(self, piece: statements.Piece, mode: str) -> None:
        part = self.found[-1]
        if mode and any(one.verb != "SET" for one in part.statements):
            raise InputError(
                f"{self.migration.file}:{piece.line}: {piece.opening}: the server would refuse it "
                "behind other statements",
                file=self.migration.file,
                hint="Let it be the first statement of its transaction.",
            )
        part.mode = mode or part.mode

    def _divided(self, part: _Part, *, alone: bool) -> list[tuple[bool, list[Statement]]]:
        """What a transaction has to be divided into because a statement cannot be in one."""
        outside = [one for one in part.statements if one.outside]
        if not part.inside or not outside:
            return [(part.inside, part.statements)]
        # A query of one statement is in no transaction block.
        if alone and self.tool.transaction == IMPLICIT:
            return [(False, part.statements)]
        if self.tool.divides:
            return list(_around(part.statements))
        first = outside[0]
        raise InputError(
            f"{first.file}:{first.line}: {first.outside} cannot run inside a transaction, "
            f"and {self.tool.name} runs this file in one",
            file=first.file,
            hint="Give it a file of its own."
            if self.tool.transaction == IMPLICIT
            else f"Give it a file of its own, and say there to {self.tool.name} that it runs "
            "outside of a transaction.",
        )


def _around(part: list[Statement]) -> Iterator[tuple[bool, list[Statement]]]:
    """What can be in a transaction, and what has to be outside of any, in order."""
    for outside, some in itertools.groupby(part, key=lambda one: one.outside is not None):
        yield not outside, list(some)


def _nothing(migration: Migration, *, apart: bool) -> Step:
    """A file without a statement: the server is sent its comments, and its record is written."""
    empty = Statement(
        file=migration.file,
        line=1,
        first_line=1,
        text=migration.text or "",
        verb="",
        opening="a file without a statement",
        lock="none",
        tables=(),
        effects=(),
        read=True,
        outside=None,
    )
    return Step(migration.file, migration.transaction, (empty,), apart=apart)
