"""A restore in the place of a database, as it travels from the target host: planned, done, found.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .twin import Proof

__all__ = [
    "LeftDatabase",
    "RestoreDone",
    "RestoreFound",
    "RestoreIntent",
    "RestorePlan",
    "RestoreSeconds",
]


@dataclass(frozen=True)
class RestoreIntent:
    """What tells afterwards whether it was done."""

    database: str
    database_oid: int
    system_identifier: str
    kept_as: str


@dataclass(frozen=True)
class LeftDatabase:
    """A database of a restore that was killed."""

    oid: int
    name: str


@dataclass(frozen=True)
class RestorePlan:
    """What a restore would do.

    `content` is the digest of what it is about: this archive, this database, what it holds, the
    name it gets, what is removed. `holds` is name → rows and hash: what the present database holds,
    and what is removed. `kept_as` is the name that the present database gets, `sessions` how many
    of others would be ended. `tables` is name → rows now and in the backup, where they are not the
    same. `left` are removed; `alike` are names of databases that only look like one.
    """

    content: str
    intent: RestoreIntent
    holds: Mapping[str, tuple[int | None, str | None]]
    database: str
    kept_as: str
    sessions: int
    tables: Mapping[str, tuple[int | None, int | None]]
    left: Sequence[LeftDatabase]
    alike: Sequence[str]


@dataclass(frozen=True)
class RestoreSeconds:
    restore: float
    compare: float
    swap: float


@dataclass(frozen=True)
class RestoreDone:
    """`came` is name → rows before and after: what was written while the names were changed, which
    is in the database that is kept; None if unknown. `first_attempt` says why that failed, where
    there was a second."""

    proof: Proof
    came: Mapping[str, tuple[int | None, int | None]] | None
    seconds: RestoreSeconds
    first_attempt: str | None


@dataclass(frozen=True)
class RestoreFound:
    """What became of a restore that was interrupted.

    `state` is `restored`; `unchanged`: the database still has its name; or `replaced`: another one
    has it, and the one that had it does not have the name that was meant for it. `kept_as` is the
    name that the database of then has now, None where it is gone; `came` what was written after the
    plan, None where nobody could look; `left` are names of databases that this restore has made and
    not removed.
    """

    state: str
    kept_as: str | None
    came: Mapping[str, tuple[int | None, int | None]] | None
    left: Sequence[str]
