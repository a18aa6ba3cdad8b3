"""The figures as a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.defects.agreement import lines
from tools.defects.kinds import KINDS, UNTOLD

if TYPE_CHECKING:
    from tools.defects.lab import Outcome

__all__ = ["Tried", "render", "word"]

_INTRODUCTION = """\
# Defects in migrations

What the derived checks notice. `python -m tools.defects run NAME FOLDER --results RESULTS` takes \
the last migrations of an application, on what the ones before them leave and rows that are made \
up to fit, puts one defect after the other behind them (`tools/defects/kinds.yml`), and asks the \
derived checks alone. `python -m tools.defects page --results RESULTS` writes this page. A defect \
is *caught* where a check fails whose subject it is, *by another* where only others do. What the \
server refuses, or an application has no table for, does not count. A view is planned and not \
executed: what only its execution would meet survives.
"""
_UNTOLD = """\
## What nothing here can tell

No check of the database says how these should be. What does: the tool's reference schema, the \
queries of the application, and people.
"""
_AGREEMENT = """\
## Where a derived check asks what a shipped one asks

Both have to give one answer. `tests/integration/tools/test_agreement.py` puts the mutations of \
`tools/sabotage` into the database with the shipped migration, one of each name that stands here, \
and asks both; `tools/defects/agreement.py` has the pairs. Where only one side can see a mutation, \
it is said why; a derived check fails nowhere else without a shipped one.
"""
_CAUGHT, _OTHER, _SURVIVED, _REFUSED, _NONE = "caught", "by another", "survived", "refused", "none"


@dataclass(frozen=True)
class Tried:
    """An application, and what became of the defects; the first are the migrations as they are."""

    name: str
    source: str
    outcomes: Sequence[Outcome]

    def of(self, kind: str) -> Outcome | None:
        return next((one for one in self.outcomes if one.id == kind), None)


def render(tried: Sequence[Tried]) -> str:
    """The page."""
    page = [
        _INTRODUCTION,
        "| Application | As they are | Defects | Caught | By another | Survived | Share |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    total: list[str] = []
    for one in tried:
        words = [word(kind.id, kind.checks, one) for kind in KINDS]
        total += words
        first = one.outcomes[0] if one.outcomes else None
        unchanged = {**first.failed, **first.unclear} if first else {}
        alarms = ", ".join(unchanged) or "no alarm"
        page.append(f"| {one.name} ({one.source}) | {alarms} | {_figures(words)} |")
    page.append(f"| **All** ({len(KINDS)} kinds) | | {_figures(total)} |")
    page += ["", "| Defect | Checks | " + " | ".join(one.name for one in tried) + " |"]
    page += ["|---|---|" + "---|" * len(tried)]
    for kind in KINDS:
        cells = " | ".join(word(kind.id, kind.checks, one) for one in tried)
        page.append(f"| {kind.id} | {', '.join(kind.checks)} | {cells} |")
    page += ["", _AGREEMENT, *lines()]
    page += ["", _UNTOLD, *(f"* {one}" for one in UNTOLD)]
    return "\n".join(page) + "\n"


def word(kind: str, checks: Sequence[str], tried: Tried) -> str:
    """What became of a defect. What fails without it as well has not noticed it."""
    outcome = tried.of(kind)
    if outcome is None:
        return _NONE
    if outcome.refused is not None:
        return _REFUSED
    failed = {*outcome.failed} - {*tried.outcomes[0].failed}
    if failed & {*checks}:
        return _CAUGHT
    return _OTHER if failed else _SURVIVED


def _figures(words: Sequence[str]) -> str:
    counts = [words.count(one) for one in (_CAUGHT, _OTHER, _SURVIVED)]
    share = f"{counts[0] * 1000 // sum(counts) / 10:.1f} %" if sum(counts) else "none"
    return " | ".join([str(sum(counts)), *map(str, counts), share])
