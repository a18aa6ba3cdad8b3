"""runbook.yml as records: the phases, checks and criteria of a migration, and its SQL files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...contract.records.plan import ReportWords
from ...contract.records.reading import plain, read
from ...host.migrate import history

__all__ = [
    "TOOL_KEYS",
    "AuditWords",
    "Criterion",
    "Declaration",
    "DeclaredCheck",
    "Parameter",
    "Phase",
    "RecordedAs",
    "ShippedDocument",
    "SqlFile",
    "plain_runbook",
    "read_runbook",
]

# Keys of runbook.yml by which a migration is a tool's.
TOOL_KEYS = tuple(tool for tool in history.TOOLS if tool != history.PLAIN)


# What a file without these keys has.
_UNUSED: Mapping[str, object] = {
    "parameters": {},
    "facts": [],
    "migration": [],
    "documents": [],
}


@dataclass(frozen=True)
class SqlFile:
    """A file of the migration or of its undo; `transaction` is `none` or not there."""

    file: str
    transaction: str | None = None
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class RecordedAs:
    """By which file and name, and in which schema, a migration tool knows the migration."""

    file: str
    name: str | None = None
    schema: str | None = None


@dataclass(frozen=True)
class Parameter:
    """What a template may ask of the inventory; `minimum` is for a whole number."""

    description: str
    type: str
    default: object
    minimum: int | None = None


@dataclass(frozen=True)
class Phase:
    """`stage` is preflight or phases; `after` is `deploy` where it is asked of the migrated schema
    only; `only` is `twin` where it is asked of the copy alone, `rehearsal` where it asks there what
    came of the rehearsal, whatever that is; `races` are checks that are answered by one."""

    name: str
    title: str
    transaction: str
    after: str | None
    stage: str = "phases"
    races: Sequence[str] = ()
    only: str | None = None


@dataclass(frozen=True)
class Criterion:
    id: str
    class_: str
    title: str
    of: Sequence[str] | None = None


@dataclass(frozen=True)
class DeclaredCheck:
    """`effect` is None where it is that of the criterion's class; `stop`: a run ends in preflight
    where it does not pass; `empty`: why a check that has nothing to look at does not apply."""

    id: str
    title: str
    criterion: str
    phase: str
    remedy: str
    effect: str | None
    stop: bool = False
    empty_ok: bool = False
    empty: str | None = None


@dataclass(frozen=True)
class ShippedDocument:
    """A file that belongs to the runbook, and whether it is there."""

    name: str
    present: bool


@dataclass(frozen=True)
class AuditWords:
    """What an audit asks otherwise than a run: `baseline` are facts that it has from the audit it
    compares with, `whole` phases that are asked as if these facts said nothing, so that they look
    at all that is there, `left_out` phases that it does not ask."""

    baseline: Sequence[str] | None = None
    whole: Sequence[str] | None = None
    left_out: Sequence[str] | None = None


@dataclass(frozen=True)
class Declaration:
    """What nothing of a runbook uses, it need not have: a migration where it is about a folder of
    them, a cleanup where no phase leaves rows, facts, parameters and documents.

    `recorded` is tool → how that tool records the migration; in the file, each is a key."""

    format: int
    name: str
    title: str
    profiles: Sequence[str]
    phases: Sequence[Phase]
    criteria: Sequence[Criterion]
    scoring: Sequence[str]
    checks: Sequence[DeclaredCheck]
    migration: Sequence[SqlFile] = ()
    cleanup: str | None = None
    documents: Sequence[str] = ()
    extends: str | None = None
    adds_to: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    facts: Sequence[str] = ()
    report: ReportWords | None = None
    audit: AuditWords | None = None
    undo: Sequence[SqlFile] | None = None
    recorded: Mapping[str, RecordedAs] = field(default_factory=dict)

    @property
    def of_baseline(self) -> Sequence[str]:
        """The facts that an audit has from its baseline."""
        return (self.audit.baseline if self.audit else None) or ()

    @property
    def asked_whole(self) -> Sequence[str]:
        """The phases that an audit asks without these facts."""
        return (self.audit.whole if self.audit else None) or ()

    @property
    def left_out_of_audits(self) -> Sequence[str]:
        """The phases that only a run asks."""
        return (self.audit.left_out if self.audit else None) or ()

    def sql_files(self, key: str) -> Sequence[SqlFile]:
        """The entries of `migration` or `undo`."""
        return self.migration if key == "migration" else self.undo or ()


def read_runbook(data: Mapping[str, Any]) -> Declaration:
    """The declaration that the data of a file is, whose shape has been looked at, and which is
    complete with what it takes over from another."""
    filled = {
        **_UNUSED,
        **{key: value for key, value in data.items() if key not in TOOL_KEYS},
        "phases": [{"after": None, **phase} for phase in data["phases"]],
        "checks": [{"effect": None, **check} for check in data["checks"]],
        "recorded": {tool: data[tool] for tool in TOOL_KEYS if tool in data},
    }
    return read(Declaration, filled, file="runbook.yml")


def plain_runbook(declared: Declaration) -> object:
    """As the file has it, for templates."""
    data = plain(declared)
    return {**data, **data.pop("recorded")}
