"""For what an application has to wait while a migration is applied, known before it is.

What a copy of the database has shown counts first, then the text of a statement (see
controller/sql/footprint.py); what neither says may lock everything.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.records.migration import Statement
from ...contract.records.trace import StatementTrace
from .trace import BLOCKS, WRITING, Meter

__all__ = ["STRENGTH", "Measured", "Needs", "stronger"]

# Modes that a table can be locked in ahead, the weakest first: it keeps writers and other
# migrations away.
STRENGTH = ("ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
_INSERTS = "INSERT"

# A statement: its file, and the line of its first word.
Place = tuple[str, int]


def stronger(one: str, other: str) -> str:
    return max(one, other, key=STRENGTH.index)


@dataclass(frozen=True)
class Measured:
    """What a copy has shown: statement → the locks it took there on what had been there before.

    A lock is the name of a relation and the mode.
    """

    locks: Mapping[Place, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, trace: Sequence[StatementTrace]) -> Measured:
        """From the trace of a deployment."""
        found: dict[Place, list[tuple[str, str]]] = {}
        for one in trace:
            locks = found.setdefault((one.file, one.line), [])
            locks += [(lock.relation, lock.mode) for lock in one.locks if lock.existing]
        return cls(found)


@dataclass(frozen=True)
class Needs:
    """What the statements of a transaction will lock, as far as anybody knows."""

    measured: Measured

    def makes_wait(self, statement: Statement, meter: Meter) -> bool:
        """Whether an application may have to wait for it."""
        lock = statement.lock
        if lock in ("rows", "tables") and any(meter.knows(table) for table in statement.tables):
            # Outside of a transaction, what has a table to name is built beside its users.
            return not (statement.outside and lock == "tables")
        locks = self._measured(statement)
        if locks is None:
            return bool(lock == "unknown")
        # Rows that are new in a table lock nobody out.
        inserted = statement.tables[:1] if statement.verb == _INSERTS and lock != "rows" else ()
        into = {".".join(table) for table in inserted}
        return any(mode in BLOCKS or (mode == WRITING and name not in into) for name, mode in locks)

    def ahead(self, statements: Sequence[Statement], meter: Meter) -> dict[str, str]:
        """Relations that the statements will lock against writers: name → mode, in order."""
        wanted: dict[str, str] = {}
        for statement in statements:
            if statement.outside:
                continue
            locks = self._measured(statement)
            if locks is None:
                named = statement.tables if statement.lock == "tables" else []
                locks = [(".".join(table), STRENGTH[0]) for table in named if meter.knows(table)]
            for name, mode in locks:
                if mode in BLOCKS:
                    enough = mode if mode in STRENGTH else STRENGTH[0]
                    wanted[name] = stronger(enough, wanted.get(name, STRENGTH[0]))
        return wanted

    def _measured(self, statement: Statement) -> Sequence[tuple[str, str]] | None:
        """None where nobody has measured it, or could not: outside of a transaction."""
        if statement.outside:
            return None
        return self.measured.locks.get((statement.file, statement.line))
