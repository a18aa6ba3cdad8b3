"""Migrations of a tool, as the target host gets them: each is sent as its tool would send it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...contract.errors import InputError
from ...contract.records.migration import HistoryPlan, Plan, Recorded, Statement, Step
from ...host.migrate import history
from ...host.migrate.history import History, Migration
from ...host.migrate.history.interface import IMPLICIT, IN_SCRIPT, WHOLE_RUN
from ..declared.manifest import Manifest
from ..sql import statements
from . import migration as runbooks

__all__ = ["plan", "steps"]


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
            hint=f"Give it a file of its own, and say there to {self.tool.name} that it runs "
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
