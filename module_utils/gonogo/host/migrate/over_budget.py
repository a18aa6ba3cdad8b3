"""What of a migration takes longer than it may, as far as a copy can tell.

A time depends on the machine, and on what else that does. So nothing is ended on a copy for its
time: it is measured, and what was over a budget once more, when the host has time for it. The
shorter of two times counts.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...contract.budgets import LONGEST_SECONDS, Budgets
from ...contract.records.rehearsal import SlowStatement
from ...contract.records.trace import StatementTrace

__all__ = ["of_the_host", "over_budget", "patient"]

# A statement that has not ended after so many times its budget is not waited for any longer.
_TIMES = 2

# SQLSTATEs that say something of the host and of that moment, and nothing of the statement: no
# room, cancelled or ended, an error of the system, a lock that was not to be had, a limit.
_OF_THE_HOST = ("08", "53", "57", "58", "55P03", "25P03", "25P04")

# Bytes of tables that some machine may rewrite in a second.
_REWRITTEN_PER_SECOND = 64 << 20

_Place = tuple[str, int]


def patient(budgets: Budgets) -> Budgets:
    """Budgets under which everything can be measured that ends at all."""
    longest = min(max(budgets.hold, budgets.statement) * _TIMES, LONGEST_SECONDS)
    return replace(budgets, hold=longest, statement=longest)


def of_the_host(sqlstate: str | None, *, lost: bool = False) -> bool:
    """Whether an error may be gone on another host, or at another moment."""
    return lost or (sqlstate or "").startswith(_OF_THE_HOST)


def over_budget(
    traces: Sequence[Sequence[StatementTrace]], budgets: Budgets
) -> tuple[SlowStatement, ...]:
    """Statements that were over a budget when they were tried first.

    `traces` are those of one migration, applied once or several times; each finding has the seconds
    of each. Its severity is None where the statement was not over the budget each time, `no_go`
    where no machine would be fast enough, else `hold`.
    """
    shortest = [_shortest(tries) for tries in zip(*traces)] if _alike(traces) else []
    found: dict[_Place, SlowStatement] = {}
    for trace in (traces[0], shortest):
        for number, one, budget in _over(trace, budgets):
            tries = [tried[number] for tried in traces] if shortest else [one]
            found[one.file, one.line] = _slow(one, tries, budget, budgets)
    return tuple(found[place] for place in sorted(found))


def _slow(
    one: StatementTrace, tries: Sequence[StatementTrace], budget: str, budgets: Budgets
) -> SlowStatement:
    key = "held_seconds" if budget == "hold" else "seconds"
    allowed, seconds = getattr(budgets, budget), tuple(getattr(tried, key) for tried in tries)
    return SlowStatement(
        file=one.file,
        line=one.line,
        statement=one.statement,
        budget=budget,
        allowed=allowed,
        seconds=seconds,
        rewritten=one.rewritten_tables,
        rewritten_bytes=one.rewritten_bytes,
        severity=_severity(budget, min(seconds), allowed, one.rewritten_bytes),
    )


def _severity(budget: str, shortest: float, allowed: float, rewritten: int) -> str | None:
    """A time is the machine's, and another may be faster; what is done to a large table while
    nobody can use it is the migration's.
    """
    if shortest <= allowed:
        return None
    large = rewritten > allowed * _REWRITTEN_PER_SECOND
    return "no_go" if budget == "hold" and large else "hold"


def _alike(traces: Sequence[Sequence[StatementTrace]]) -> bool:
    return len({tuple((one.file, one.line) for one in trace) for trace in traces}) == 1


def _shortest(tries: Sequence[StatementTrace]) -> StatementTrace:
    """One statement, in the shortest time it has taken."""
    return replace(
        tries[0],
        seconds=min(one.seconds for one in tries),
        held_seconds=min(one.held_seconds for one in tries),
    )


def _over(
    trace: Sequence[StatementTrace], budgets: Budgets
) -> Iterator[tuple[int, StatementTrace, str]]:
    """What a deployment would end: number of the statement, the statement, the budget."""
    before = 0.0
    for number, one in enumerate(trace):
        held = one.held_seconds
        if held > budgets.hold and not before > budgets.hold:
            yield number, one, "hold"
        elif not held and one.seconds > budgets.statement:
            yield number, one, "statement"
        before = held
