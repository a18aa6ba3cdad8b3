"""What a deployment has found and done: deploy.json and deploy_found.json.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from .activity import Activity
from .approval import Signed
from .migration import HistoryPlan, SchemaObject
from .reading import FileRecord
from .trace import StatementTrace

__all__ = ["Approved", "Contradiction", "Deployment", "Failure", "HistoryEntry", "HistoryFound"]
__all__ += ["Holder", "InTheWay", "Inspection", "Intended", "IntendedStep", "Intent", "Leftover"]
__all__ += ["LetGo", "Limits", "Named", "ObjectState", "OwnRecord", "Recovered", "Watched"]


@dataclass(frozen=True)
class ObjectState:
    """An object of the migration, compared with the schema.

    `expected` is whether it exists after the migration, `exists` whether it does now, `matches`
    whether it is as it is after the migration; `difference` says in what an existing one differs,
    or under which other name an equal one exists. `conclusive` and `replaces` are those of
    `migration.SchemaObject`.
    """

    object: str
    file: str
    line: int
    expected: bool
    conclusive: bool
    exists: bool
    matches: bool
    difference: str | None
    replaces: bool


@dataclass(frozen=True)
class HistoryEntry:
    """What the migration tool's record says of a migration; `details` are that tool's own."""

    name: str
    state: str
    checksum: str | None
    details: Mapping[str, object]


@dataclass(frozen=True)
class HistoryFound:
    """`entries` is None where the tool keeps no record in the database."""

    tool: str
    entries: Sequence[HistoryEntry] | None


@dataclass(frozen=True)
class Contradiction:
    """In what a record and the schema do not agree; `hint` is the next command, `blocks` whether
    nothing can be deployed before somebody has settled it."""

    text: str
    hint: str | None
    blocks: bool


@dataclass(frozen=True)
class Inspection:
    """What exists of a migration, and what the records say of it.

    `state` is absent, applied, partial, or unfinished: all exists but for what statements outside
    of transactions make.
    """

    state: str
    objects: Sequence[ObjectState]
    history: HistoryFound
    contradictions: Sequence[Contradiction]


@dataclass(frozen=True)
class Holder:
    """A session that had the lock."""

    pid: int
    application_name: str
    state: str
    transaction_seconds: float


@dataclass(frozen=True)
class Named:
    """The object that a server's error names: a column or a constraint of a table."""

    schema: str
    table: str
    column: str | None = None
    constraint: str | None = None


@dataclass(frozen=True)
class InTheWay:
    """The rows of a table that a statement refuses, as a copy of the database has them.

    `samples` are keys of at most 20 of them; there are none where the table has no primary key.
    `query` shows them all. `behind` is whether statements of the same transaction ran before it was
    asked.
    """

    table: str
    rows: int
    samples: Sequence[str]
    query: str
    behind: bool


@dataclass(frozen=True)
class LetGo:
    """For whom a statement was cancelled, or not begun: what was seen of others by then.

    `cause` is `waiters` (too many), `seconds` (one for too long), `lag` (a replica) or `slot`.
    `waiting` sessions waited behind the deployment, the longest for `seconds`, all of them for
    `tables`. `behind` is the replica or the slot, where it was one; `behind_seconds` by how much
    the replica was.
    """

    cause: Literal["waiters", "seconds", "lag", "slot"]
    waiting: int
    seconds: float
    tables: Sequence[str]
    behind: str | None = None
    behind_seconds: float | None = None


@dataclass(frozen=True)
class Watched:
    """What a session of its own has seen of others while the statements ran.

    `waiters`, `seconds` and `lag` are what was allowed, 0 without a limit; `looks` how often it has
    looked. `most_waiting`, `longest_seconds` and `longest_lag` are the worst that it has seen.
    `unseen` says what was not watched, and why: there the limits of the server alone have counted.
    """

    waiters: int
    seconds: float
    lag: float
    looks: int
    most_waiting: int
    longest_seconds: float
    longest_lag: float
    unseen: Sequence[str]


@dataclass(frozen=True)
class Failure:
    """Why a transaction was not committed.

    `file`, `line` and `statement` are None where nobody knows which statement it was. `lost` is
    whether the connection was lost; `committed` is None where it was lost while committing.
    `attempts` is how often the transaction was tried, `named` what the server's error names, and
    `in_the_way` the rows that it is about, where a copy could be asked for them. `let_go` is there
    where we have cancelled the statement ourselves, for others.
    """

    message: str
    sqlstate: str | None
    detail: str | None
    hint: str | None
    file: str | None
    line: int | None
    statement: str | None
    lost: bool
    committed: bool | None
    holders: Sequence[Holder] = ()
    attempts: int = 1
    named: Named | None = None
    in_the_way: InTheWay | None = None
    let_go: LetGo | None = None


@dataclass(frozen=True)
class Leftover:
    """An index that a build CONCURRENTLY has left invalid, and the command that removes it."""

    index: str
    command: str


@dataclass(frozen=True)
class Approved:
    """Who approved a deployment, when, and the plan of which run; `approval` is what the target
    host knows this approval by. `signed` is there where it was done by signatures, and `fleet`, its
    id, where it is that of a fleet: deploy_fleet.json has this host's part then."""

    approved_by: str
    approved_at: str
    token: str
    shown_by: str
    approval: str
    signed: Signed | None = None
    fleet: str | None = None


@dataclass(frozen=True)
class OwnRecord:
    """What an earlier run has applied: `sha256` is file → digest then."""

    run_id: str
    sha256: Mapping[str, str]
    undone: bool


@dataclass(frozen=True)
class Recovered:
    """The run that found out what became of an interrupted one, and when."""

    by: str
    at: str


@dataclass(frozen=True)
class Limits:
    """What was allowed, in seconds: keeping the application waiting, and one statement."""

    hold: float
    statement: float


@dataclass(frozen=True)
class Deployment(FileRecord):
    """What became of a deployment.

    `action` is `none` (everything exists), `would_apply`, `applied`, `refused`, `blocked` (others
    have its tables, nothing was done), `moved` (the schema is not the sealed one, nothing done) or
    `failed`. `activity` is who was at work right before. `after` is None where the server could not
    be asked any more, and so is `changed`: the names of what differs between the schema before and
    after. `failed_attempts` came before the one that counts, `error` is why the deployment ended
    early. `files` are those that were applied in full. `schema_before` and `schema_after` are
    digests. `watched` is there where others were watched meanwhile, or were to be.

    The target host says all of this; the controller adds `approved`, `own_record`,
    `unlike_rehearsal` (what of the schema is not as the rehearsal has shown), `recovered`, and the
    `budgets`.
    """

    FILE: ClassVar[str] = "deploy.json"

    action: str
    before: Inspection | None
    after: Inspection | None
    changed: Sequence[str] | None
    schema_before: str | None
    schema_after: str | None
    error: Failure | None
    statements: Sequence[StatementTrace] = ()
    failed_attempts: Sequence[Failure] = ()
    files: Sequence[str] = ()
    leftovers: Sequence[Leftover] = ()
    seconds: float = 0.0
    watched: Watched | None = None
    approved: Approved | None = None
    own_record: OwnRecord | None = None
    unlike_rehearsal: Sequence[str] | None = None
    recovered: Recovered | None = None
    budgets: Limits | None = None
    activity: Activity | None = None


@dataclass(frozen=True)
class IntendedStep:
    file: str
    transaction: bool


@dataclass(frozen=True)
class Intended:
    """What of a plan recognises the migration afterwards."""

    steps: Sequence[IntendedStep]
    objects: Sequence[SchemaObject]
    history: HistoryPlan
    session: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Intent(FileRecord):
    """What was about to be applied, sealed before the first statement: deploy_intent.json.

    `database` is what identifies it, `files` the digest of each file, `schema_before` the digest of
    the schema as it was.
    """

    FILE: ClassVar[str] = "deploy_intent.json"

    database: Mapping[str, object]
    files: Mapping[str, str | None]
    plan: Intended
    before: Inspection
    schema_before: str
    approved: Approved | None
    sealed_at: str
