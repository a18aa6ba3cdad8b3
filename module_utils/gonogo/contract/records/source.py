"""source.json: what a database was like when it was dumped, all that a restore has to equal.

Lies beside the dump on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = [
    "Content",
    "LargeObjects",
    "Member",
    "SentNames",
    "SequenceReadings",
    "SettingsOf",
    "SourceRecord",
    "Surroundings",
    "TableContent",
]


@dataclass(frozen=True)
class TableContent:
    """Of a table: `root` is the partitioned one it belongs to, or itself; the others are None where
    it was not read to its end."""

    root: str
    rows: int | None = None
    hash: str | None = None


@dataclass(frozen=True)
class LargeObjects:
    """None where they were not read."""

    count: int | None
    hash: str | None


@dataclass(frozen=True)
class Content:
    """`covered` are the OIDs of the tables, `covered_sequences` schema and name of sequences."""

    tables: Mapping[str, TableContent]
    covered: Sequence[int]
    covered_sequences: Sequence[tuple[str, str]]
    large_objects: LargeObjects


@dataclass(frozen=True)
class SequenceReadings:
    """Name → last value and whether it was given out, read around the dump, so many `seconds`
    apart."""

    before: Mapping[str, tuple[int, bool]]
    after: Mapping[str, tuple[int, bool]]
    seconds: float | None = None


@dataclass(frozen=True)
class Member:
    """A membership; `inherit` and `set` are None where the server does not know them."""

    role: str
    member: str
    admin: bool
    inherit: bool | None
    set: bool | None


@dataclass(frozen=True)
class SettingsOf:
    """`key=value` of a role, in this `database` or in all; of the database where `role` is None."""

    role: str | None
    settings: Sequence[str]
    database: bool


@dataclass(frozen=True)
class SentNames:
    """Names in the bytes that a connection asks for them with."""

    name: str
    superuser: str
    login: str


@dataclass(frozen=True)
class Surroundings:
    """What of the server belongs to the database.

    `database` and `roles` are rows of the catalog, whose columns differ between versions;
    `preloaded` is None for a login that may not see it.
    """

    database: Mapping[str, object]
    encoding: str
    monetary: str
    money: bool
    preloaded: str | None
    preloaded_settings: Mapping[str, str] | None
    extension_libraries: Mapping[str, Sequence[str]] | None
    superuser: str
    login: str
    may_create: bool
    roles: Sequence[Mapping[str, object]]
    members: Sequence[Member] | None
    settings: Sequence[SettingsOf] | None
    sent: SentNames


@dataclass(frozen=True)
class SourceRecord(FileRecord):
    """`schema` is object → its definition, `method` the way in which rows were hashed."""

    FILE: ClassVar[str] = "source.json"

    method: str
    content: Content
    sequences: SequenceReadings
    schema: Mapping[str, str]
    surroundings: Surroundings
    server_version_num: int
