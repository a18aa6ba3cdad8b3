"""audit.json: what an audit has found, and what of it is otherwise than at the last one.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .check_result import CheckResult
from .phase import PhaseOutcome
from .run import Identity

__all__ = [
    "BETTER",
    "FILE",
    "FORMAT",
    "GONE",
    "KINDS",
    "NEW",
    "WORSE",
    "AuditAnswer",
    "AuditRecord",
    "AuditWaiver",
    "Change",
]

FILE = "audit.json"
FORMAT = 1
NEW, WORSE, BETTER, GONE = "new", "worse", "better", "gone"
KINDS = (NEW, WORSE, BETTER, GONE)


@dataclass(frozen=True)
class AuditAnswer:
    """What the entry answers."""

    changed: bool
    observed: Identity
    phases: Sequence[PhaseOutcome]


@dataclass(frozen=True)
class Change:
    """`key` is that of a row or an object which one of the two audits has found; without it, the
    change is one of the check as a whole."""

    kind: str
    check_id: str
    key: str | None
    text: str


@dataclass(frozen=True)
class AuditWaiver:
    """A waiver that is for this host; `failed` are the checks that it accepts."""

    subject: str
    owner: str
    reason: str
    expires: str
    days_left: int
    failed: Sequence[str]


@dataclass(frozen=True)
class AuditRecord:
    """`last` is the id of the audit that it was compared with, `baseline` that of the audit whose
    facts it has compared the database with, which is this one where it has `facts`. `notes` are
    about the comparison, `problems` say what could not be asked."""

    format: int
    audit_id: str
    environment: str
    host: str
    database: str
    system_identifier: str
    database_oid: int
    runbook: str
    runbook_sha256: str
    profile: str
    started_at: str
    finished_at: str
    last: str | None
    baseline: str
    facts: Mapping[str, object]
    checks: Sequence[CheckResult]
    changes: Sequence[Change]
    waivers: Sequence[AuditWaiver]
    notes: Sequence[str]
    problems: Sequence[str]

    def is_of_database(self, observed: Identity) -> bool:
        """Whether it is about this very database: a copy has other oids."""
        there = (observed.system_identifier, observed.database_oid)
        return (self.system_identifier, self.database_oid) == there
