"""What of a migration takes longer than it may, as far as a copy can tell.

A time depends on the machine, and on what else that does. So nothing is ended on a copy for its
time: it is measured, and what was over a budget once more, when the host has time for it. The
shorter of two times counts.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...contract.budgets import LONGEST_SECONDS, Budgets

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


def over_budget(bills: Sequence[Sequence[Mapping[str, Any]]], budgets: Budgets) -> list[Any]:
    """Statements that were over a budget when they were tried first.

    `bills` are those of one migration, applied once or several times, see bill.py. Each finding has
    `file`, `line`, `statement`, `budget` (`hold` or `statement`), `allowed` and `seconds` (one for
    each bill), `rewritten` (tables that were there before and were rewritten up to its end in its
    transaction), `rewritten_bytes`, and `severity`: None where it was not over it each time,
    `no_go` where no machine would be fast enough, else `hold`.
    """
    shortest = [_shortest(lines) for lines in zip(*bills)] if _alike(bills) else []
    found: dict[_Place, dict[str, Any]] = {}
    for bill in (bills[0], shortest):
        for number, line, budget in _over(bill, budgets):
            key = "held_seconds" if budget == "hold" else "seconds"
            tries = [one[number] for one in bills] if shortest else [line]
            found[line["file"], line["line"]] = {
                **{name: line[name] for name in ("file", "line", "statement")},
                "budget": budget,
                "allowed": getattr(budgets, budget),
                "seconds": [one[key] for one in tries],
                "rewritten": line["rewritten_tables"],
                "rewritten_bytes": line["rewritten_bytes"],
            }
    for one in found.values():
        one["severity"] = _severity(one)
    return [found[place] for place in sorted(found)]


def _severity(one: Mapping[str, Any]) -> str | None:
    """A time is the machine's, and another may be faster; what is done to a large table while
    nobody can use it is the migration's.
    """
    if min(one["seconds"]) <= one["allowed"]:
        return None
    large = one["rewritten_bytes"] > one["allowed"] * _REWRITTEN_PER_SECOND
    return "no_go" if one["budget"] == "hold" and large else "hold"


def _alike(bills: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    return len({tuple((line["file"], line["line"]) for line in bill) for bill in bills}) == 1


def _shortest(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One statement, in the shortest time it has taken."""
    times = {key: min(line[key] for line in lines) for key in ("seconds", "held_seconds")}
    return {**lines[0], **times}


def _over(
    bill: Sequence[Mapping[str, Any]], budgets: Budgets
) -> Iterator[tuple[int, Mapping[str, Any], str]]:
    """What a deployment would end: number of the line, the line, the budget."""
    before = 0.0
    for number, line in enumerate(bill):
        held = line["held_seconds"]
        if held > budgets.hold and not before > budgets.hold:
            yield number, line, "hold"
        elif not held and line["seconds"] > budgets.statement:
            yield number, line, "statement"
        before = held
