"""What the entries answer: one record for each, as it travels from the target host.

`changed` is Ansible's word for it.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .backup import BackupRecord
from .captured import CommandRun
from .deployment import Deployment, HistoryEntry
from .drift import Drift
from .phase import PhaseOutcome
from .queries import QueriesRecord
from .rehearsal import Trial, TriedRevert
from .restore import RestoreDone, RestoreFound, RestorePlan
from .run import Clients, Identity
from .sabotage import Sabotage
from .shape import Shape
from .standing import Standing
from .swept import Stayed, Swept
from .undo import Undo

__all__ = [
    "BackupAnswer",
    "CaptureAnswer",
    "CleanupAnswer",
    "CleanupDone",
    "DeployAnswer",
    "FilesAnswer",
]
__all__ += ["HistoryAnswer"]
__all__ += ["FoundAnswer", "Held", "JudgedAnswer", "Occupied", "PhasesAnswer", "PreflightAnswer"]
__all__ += ["Released", "Removed", "ReprintAnswer", "RestoreAnswer", "RestoredAnswer"]
__all__ += ["SabotageAnswer", "TargetAnswer", "TrialAnswer", "TriedRevertAnswer"]
__all__ += ["UndoAnswer"]


@dataclass(frozen=True)
class Held:
    """Who holds the lock: a run of this project (`run_id`) or something else that took the key."""

    run_id: str | None
    application_name: str
    since: str
    client: str | None


@dataclass(frozen=True)
class Occupied:
    """Who has the run lock, None where nobody has it; and the runs with sessions in the database.

    Where there are any, nothing else was done.
    """

    changed: bool
    held: Held | None
    others: Sequence[str]


@dataclass(frozen=True)
class TargetAnswer(Occupied):
    """`fenced` are the sessions that were ended, `swept` the unfinished backups and twins of dead
    runs that were removed."""

    observed: Identity
    clients: Clients
    free_bytes: int
    fenced: Sequence[str]
    swept: Sequence[Swept]


@dataclass(frozen=True)
class Released:
    """The names of the sessions that were ended with the lock."""

    changed: bool
    fenced: Sequence[str]


@dataclass(frozen=True)
class BackupAnswer:
    """`backup` is not there in check mode; what would be done is then said by `msg`. `shape` is
    None where it could not be read."""

    changed: bool
    backup: BackupRecord | None = None
    msg: str | None = None
    # Seconds, for its turn.
    waited: float = 0.0
    shape: Shape | None = None


@dataclass(frozen=True)
class CaptureAnswer:
    """What a command has said to two copies; or, where it is asked for the history, how a copy
    differs from what it makes of an empty database."""

    changed: bool
    runs: Sequence[CommandRun]
    drift: Drift | None = None


@dataclass(frozen=True)
class Removed:
    """`changed`: whether there was a twin."""

    changed: bool
    msg: str | None = None


@dataclass(frozen=True)
class TrialAnswer:
    changed: bool
    rehearsal: Trial


@dataclass(frozen=True)
class TriedRevertAnswer:
    changed: bool
    rehearsal: TriedRevert


@dataclass(frozen=True)
class ReprintAnswer:
    """Name → the texts that mean the same."""

    changed: bool
    same: Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class SabotageAnswer:
    changed: bool
    sabotage: Sabotage


@dataclass(frozen=True)
class FilesAnswer:
    """`written` are the files that were not there as they should be."""

    changed: bool
    directory: str
    written: Sequence[str]


@dataclass(frozen=True)
class PreflightAnswer:
    """What each script has answered; the facts among it also for Ansible."""

    changed: bool
    phases: Sequence[PhaseOutcome]
    ansible_facts: Mapping[str, object]


@dataclass(frozen=True)
class PhasesAnswer:
    """`judged` is what was there when the phases began, `standing` what is missing at the end: None
    where nobody could look. `alone` is why no other session has asked beside the scripts', where
    one was to."""

    changed: bool
    phases: Sequence[PhaseOutcome]
    judged: Mapping[str, str] | None
    standing: Standing | None
    alone: str | None = None


@dataclass(frozen=True)
class DeployAnswer:
    """The schemas as far as they were read."""

    changed: bool
    deployment: Deployment
    catalog_before: Mapping[str, str] | None
    catalog_after: Mapping[str, str] | None


@dataclass(frozen=True)
class FoundAnswer(Occupied):
    """`database_oid` is that of the database which was asked."""

    found: Deployment | None
    database_oid: int


@dataclass(frozen=True)
class HistoryAnswer:
    """What the record of a migration tool says; `entries` is None where it keeps none. `keys` are
    the numbers of its lock in this database, `queries` what the database has served, where that was
    asked."""

    changed: bool
    entries: Sequence[HistoryEntry] | None
    keys: Sequence[int] = ()
    queries: QueriesRecord | None = None


@dataclass(frozen=True)
class JudgedAnswer:
    """Object → SHA-256 of its definition."""

    changed: bool
    judged: Mapping[str, str]


@dataclass(frozen=True)
class CleanupDone:
    """`content` is the digest of the rows that are there, `rows` the table → how many there were.

    `remaining` are those left, counted in a new session; `compared` is how many tables were
    compared, `unseen` are those that the login cannot read: not compared, and not written to.
    """

    content: str
    holds: Mapping[str, tuple[int | None, str | None]]
    rows: Mapping[str, int]
    committed: bool
    compared: int
    unseen: Sequence[str]
    remaining: int


@dataclass(frozen=True)
class CleanupAnswer(Occupied):
    done: CleanupDone | None


@dataclass(frozen=True)
class UndoAnswer(Occupied):
    done: Undo | None


@dataclass(frozen=True)
class RestoreAnswer(Occupied):
    plan: RestorePlan | None
    done: RestoreDone | None


@dataclass(frozen=True)
class RestoredAnswer(Occupied):
    found: RestoreFound | None


@dataclass(frozen=True)
class SupersededAnswer:
    """The backups that were removed, and those that stay though newer ones are proven."""

    changed: bool
    removed: Sequence[Swept]
    stayed: Sequence[Stayed]
