"""twin.json: what became of the backup when it was restored.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reading import FileRecord

__all__ = [
    "Confined",
    "KeptTwin",
    "LargeObjectsProof",
    "Proof",
    "SchemaDifference",
    "SchemaProof",
    "SequencesProof",
    "TableProof",
    "TwinAnswer",
    "TwinRecord",
    "TwinSeconds",
]


@dataclass(frozen=True)
class TableProof:
    """Of the source and of the twin; None of what was not read."""

    rows: tuple[int | None, int | None]
    hash: tuple[str | None, str | None]
    equal: bool


@dataclass(frozen=True)
class SequencesProof:
    compared: int
    different: Sequence[str]
    equal: bool


@dataclass(frozen=True)
class LargeObjectsProof:
    count: tuple[int | None, int | None]
    hashed: bool
    equal: bool


@dataclass(frozen=True)
class SchemaDifference:
    """The definition at the source and in the twin, cut; None where there is none."""

    kind: str
    name: str
    source: str | None
    twin: str | None


@dataclass(frozen=True)
class SchemaProof:
    """`not_carried` is what a dump does not bring; `printed_again` are the texts of source and
    twin that mean the same."""

    objects: int
    different: int
    differences: Sequence[SchemaDifference]
    not_carried: Sequence[str]
    printed_again: Mapping[str, Sequence[str]]
    equal: bool


@dataclass(frozen=True)
class Proof:
    """What was restored against what was dumped, read by `method`."""

    equal: bool
    method: str
    tables: Mapping[str, TableProof]
    sequences: SequencesProof
    large_objects: LargeObjectsProof
    schema: SchemaProof


@dataclass(frozen=True)
class TwinSeconds:
    """None of what was not begun."""

    start: float | None = None
    restore: float | None = None
    compare: float | None = None


@dataclass(frozen=True)
class Confined:
    """What was taken from the server of a twin, and why not all of it."""

    files: bool
    network: bool
    signals: bool
    reason: str | None


@dataclass(frozen=True)
class KeptTwin:
    """The twin that later stages work on, and the login to it."""

    directory: str
    login: Mapping[str, str | int | None]


@dataclass(frozen=True)
class TwinAnswer:
    """What the target host says of a restore.

    `proven` is None where it could not be tried, and `reason` why it is not proven; `method` is
    where it was restored (a `cluster`, or a `database` beside the source), and `first_attempt` why
    that failed, where there was a second.
    """

    proven: bool | None
    reason: str | None
    hint: str | None = None
    method: str | None = None
    proof: Proof | None = None
    seconds: TwinSeconds | None = None
    confinement: Confined | None = None
    first_attempt: str | None = None
    twin: KeptTwin | None = None
    changed: bool = True
    # Seconds, for its turn.
    waited: float = 0.0


@dataclass(frozen=True)
class TwinRecord(FileRecord):
    """As TwinAnswer; `required` says whether an unproven backup stands in the way."""

    FILE: ClassVar[str] = "twin.json"

    run_id: str
    proven: bool | None
    reason: str | None
    hint: str | None
    method: str | None
    proof: Proof | None
    seconds: TwinSeconds | None
    confinement: Confined | None
    required: bool
    backup_sha256: str
    kept: KeptTwin | None
    first_attempt: str | None = None
