"""What a report says, whatever it is written in: both templates and junit.xml print this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from ...contract.records.verdict import VerdictRecord
from ..outcome import trace

__all__ = ["CheckLine", "CriterionLine", "Labelled", "Page", "Proof", "Row", "TableLine"]

# A label and its value, as a person reads them.
Row = tuple[str, str]


@dataclass(frozen=True)
class Labelled:
    """Facts that have labels of the runbook, under its heading."""

    heading: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class CriterionLine:
    id: str
    title: str
    status: str
    of: str


@dataclass(frozen=True)
class CheckLine:
    """A check with its result; `counts` is false where its failure decides nothing."""

    id: str
    title: str
    criterion: str
    phase: str
    status: str
    examined: str
    seconds: str
    expected: str
    observed: str
    samples: Sequence[str]
    remedy: str
    counts: bool
    notes: Sequence[str]


@dataclass(frozen=True)
class TableLine:
    """Rows of a table at the source and restored, and in a word whether they are equal."""

    name: str
    equal: bool
    source: str
    restored: str
    word: str


@dataclass(frozen=True)
class Proof:
    """`more` says how many tables are not listed."""

    head: Sequence[Row] = ()
    tables: Sequence[TableLine] = ()
    more: str = ""


@dataclass(frozen=True)
class Page:
    """`groups` are criteria under their headings; a stage has its name, whether it has passed, and
    when; `ledger` is a number of rows."""

    title: str
    verdict: VerdictRecord
    score: str
    percent: int
    head: Sequence[Row]
    labelled: Labelled
    facts: Sequence[Row]
    groups: Sequence[tuple[str, Sequence[CriterionLine]]]
    checks: Sequence[CheckLine]
    justification: Sequence[str]
    backup: Sequence[Row]
    proof: Proof
    rehearsal: trace.View
    deployment: trace.View
    sql: Sequence[str]
    ledger: int
    stages: Sequence[tuple[str, bool, str]]

    @property
    def open_checks(self) -> Sequence[CheckLine]:
        return [check for check in self.checks if check.status != "pass"]

    def names(self) -> dict[str, object]:
        """What a template may name."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**own, "open_checks": self.open_checks}
