"""verdict.json: the decision, and what it rests on.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from .reading import FileRecord
from .run import Target

__all__ = ["UP_TO_DATE", "Condition", "Decision", "Reason", "Score", "VerdictRecord"]

# The decision where nothing is pending, and the database is what its history says. It is no GO:
# nothing that could be deployed elsewhere was judged.
UP_TO_DATE: Literal["UP-TO-DATE"] = "UP-TO-DATE"

Decision = Literal["GO", "UP-TO-DATE", "HOLD", "NO-GO"]


@dataclass(frozen=True)
class Reason:
    """What stands against a GO. `severity` is no_go or hold; `subject` a check, a stage, or a part
    of the evidence."""

    code: str
    severity: Literal["no_go", "hold"]
    subject: str
    text: str
    expected: str | None
    observed: str | None
    hint: str | None


@dataclass(frozen=True)
class Condition:
    """What is said beside the decision."""

    code: str
    subject: str
    text: str


@dataclass(frozen=True)
class Score:
    """Scoring units that have passed, of how many."""

    passed: int
    of: int


@dataclass(frozen=True)
class VerdictRecord(FileRecord):
    """`criteria` and `checks` are their statuses. What the evidence does not say is None."""

    FILE: ClassVar[str] = "verdict.json"

    decision: Decision
    score: Score
    reasons: Sequence[Reason]
    criteria: Mapping[str, Literal["pass", "fail", "inconclusive", "not_run"]]
    checks: Mapping[str, Literal["pass", "fail", "inconclusive", "not_run"]]
    conditions: Sequence[Condition]
    would_change: Sequence[str]
    evidence_head: str | None
    finished_at: str | None
    residue: str | None
    run_id: str | None
    environment: str | None
    target: Target | None
    runbook: str | None
    runbook_sha256: str | None
    profile: str | None
