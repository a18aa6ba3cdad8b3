"""plan.json: what has to be there for a GO.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = [
    "LabelledFact",
    "PlanRecord",
    "PlannedCheck",
    "PlannedCriterion",
    "PlannedWaiver",
    "ReportWords",
    "ReportedFacts",
]


@dataclass(frozen=True)
class PlannedCriterion:
    """`class_` says what a failure means; `of` names the criteria it is made of."""

    id: str
    title: str
    class_: str
    of: Sequence[str] | None = None


@dataclass(frozen=True)
class PlannedCheck:
    """`effect` (no_go, hold, important, none) is None where it is that of the criterion's class;
    `empty` says why it does not apply where it has nothing to look at."""

    id: str
    title: str
    criterion: str
    phase: str
    effect: str | None
    empty_ok: bool
    remedy: str
    empty: str | None = None


@dataclass(frozen=True)
class PlannedWaiver:
    """A failure that a person accepts: of a check or of a criterion."""

    owner: str
    reason: str
    expires: str
    check: str | None = None
    criterion: str | None = None


@dataclass(frozen=True)
class LabelledFact:
    fact: str
    label: str


@dataclass(frozen=True)
class ReportedFacts:
    """Facts that stand in the report under labels of their own."""

    heading: str
    labels: Sequence[LabelledFact]


@dataclass(frozen=True)
class ReportWords:
    """The runbook's words for the report: `headings` by class of criteria."""

    headings: Mapping[str, str] | None = None
    facts: ReportedFacts | None = None


@dataclass(frozen=True)
class PlanRecord(FileRecord):
    """`stages` in order; `scoring` names the criteria of which a GO has all; `set_criteria` are
    those that count otherwise than they say by themselves, as the inventory wants it, and None
    where there is none. `nothing_pending` is true where all of a folder of migrations is applied:
    the run has no migration to judge, and is no GO of one."""

    FILE: ClassVar[str] = "plan.json"

    title: str
    stages: Sequence[str]
    criteria: Sequence[PlannedCriterion]
    checks: Sequence[PlannedCheck]
    scoring: Sequence[str]
    waivers: Sequence[PlannedWaiver]
    report: ReportWords | None = None
    set_criteria: Mapping[str, str] | None = None
    nothing_pending: bool | None = None
