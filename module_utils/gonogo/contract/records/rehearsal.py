"""What was tried on the twin: rehearsal.json.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .check_result import CheckResult
from .deployment import Deployment
from .drift import Drift, SchemaChanges
from .reading import FileRecord

__all__ = ["Problem", "Reapplied", "Rehearsal", "RehearsedOn", "Retried", "Reverted"]
__all__ += ["SlowStatement", "Trial", "TriedRevert"]


@dataclass(frozen=True)
class Reverted:
    """What taking the migration back has done there; `lost`, `compared`, `locked` and `immaterial`
    as of an undo."""

    seconds: float
    locked: Sequence[str]
    locked_seconds: float
    lost: Mapping[str, int]
    compared: Sequence[str]
    immaterial: Sequence[str] = ()


@dataclass(frozen=True)
class Reapplied:
    seconds: float


@dataclass(frozen=True)
class Retried:
    """Statements of which no object tells, applied again: `changes` are the names of what is
    another schema afterwards, `untried` the opening words of those that could not be run."""

    changes: Sequence[str]
    untried: Sequence[str]


@dataclass(frozen=True)
class Problem:
    """What went wrong, in which `step`: apply, undo or again.

    `severity` is `hold` where it may be the host's, else `no_go`. `message` is None where the
    deployment says it.
    """

    step: str
    severity: str
    message: str | None = None
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class SlowStatement:
    """A statement that was over a budget when it was tried first.

    `budget` is `hold` or `statement`, `seconds` has one time for each try, `severity` is None where
    one of them was within the budget.
    """

    file: str
    line: int
    statement: str
    budget: str
    allowed: float
    seconds: Sequence[float]
    rewritten: Sequence[str]
    rewritten_bytes: int
    severity: str | None


@dataclass(frozen=True)
class Trial:
    """A migration tried on a copy: applied, taken back and applied again.

    `state` is that of the migration before, None where nobody asked; `deployment` the first time it
    was applied. `rows_changed` is the table that existed before → rows before and after, where its
    rows are others; `rows_removed` the table that has fewer rows than before, or is gone → rows and
    hash of what it held. `alone` is, where something was over its budget and was tried again,
    whether nothing else was in its way then. `schema` is the schema as it is now. Of a folder of
    migrations, `drift` is what its history says of the database, and `schema_changes` what the
    migration has changed.
    """

    state: str | None = None
    deployment: Deployment | None = None
    undone: Reverted | None = None
    again: Reapplied | None = None
    rows_changed: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    rows_removed: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    schema: Mapping[str, str] | None = None
    retried: Retried | None = None
    problem: Problem | None = None
    slow: Sequence[SlowStatement] = ()
    alone: bool | None = None
    drift: Drift | None = None
    schema_changes: SchemaChanges | None = None


@dataclass(frozen=True)
class TriedRevert:
    """The undo tried once the phases have written; both are None where there was nothing to try."""

    undone: Reverted | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class RehearsedOn:
    """The rehearsal on a copy of another database of the same shape, which a run goes by: the
    `host`, its `database` of so many bytes (`size`), the run and the head that its evidence had
    then; the digests of the shape that it began with, and of what was applied and taken back.
    `unproven` are the places of statements that rows of this database may stand in the way of."""

    host: str
    database: str
    size: int
    run_id: str
    evidence_head: str
    shape_sha256: str
    statements_sha256: str
    unproven: Sequence[str]


@dataclass(frozen=True)
class Rehearsal(FileRecord):
    """What a run has tried on its twin, and why where it has tried nothing.

    `done` is true, or None where there was no twin; `required` is whether the run must not go on
    without it, `promoted` whether another run admits this one. `unlike_promotion` are the names
    of what of the schema is not as it was validated, None where nobody could compare. `checks` are
    the results of the checks, with rows that stay, `scripts` is file → digest of what asked them.
    The other fields are those of `Trial`; `back` is the undo tried once the phases have written.

    Where `by` is there, all of this was tried on a copy of another database; where the inventory
    asks for that and it could not be, `itself` says why.
    """

    FILE: ClassVar[str] = "rehearsal.json"

    run_id: str
    promoted: bool
    done: bool | None
    required: bool
    reason: str | None
    hint: str | None
    backup_sha256: str | None
    state: str | None = None
    deployment: Deployment | None = None
    undone: Reverted | None = None
    again: Reapplied | None = None
    rows_changed: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    rows_removed: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    retried: Retried | None = None
    problem: Problem | None = None
    slow: Sequence[SlowStatement] = ()
    alone: bool | None = None
    unlike_promotion: Sequence[str] | None = None
    checks: Sequence[CheckResult] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    back: TriedRevert | None = None
    drift: Drift | None = None
    schema_changes: SchemaChanges | None = None
    by: RehearsedOn | None = None
    itself: str | None = None
