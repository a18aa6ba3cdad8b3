"""fleet.json: what one ansible-playbook has come to on all of its hosts.

It is made from the evidence of the hosts' runs and belongs to none of them.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .verdict import Score

__all__ = ["FILE", "FORMAT", "NOT_JUDGED", "FleetCounts", "FleetDifference", "FleetHost"]
__all__ += ["FleetRecord", "FleetShape", "FleetWaiver"]

FILE = "fleet.json"
FORMAT = 1
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class FleetHost:
    """`verdict` is that of its run, or `not judged`; `reason` is the first one against a GO, why
    there is no verdict, or that an earlier run, `run_id`, has left nothing to do. `directory` is
    that of its run, seen from the directory of this file."""

    host: str
    database: str | None
    environment: str | None
    verdict: str
    score: Score | None
    reason: str | None
    seconds: float | None
    run_id: str | None
    directory: str | None
    evidence_head: str | None


@dataclass(frozen=True)
class FleetWaiver:
    """`subject` is a check or a criterion; `for_hosts` are the names it was given, None for every
    host. `applied` are the hosts where it has accepted a failure, `not_needed` those where nothing
    that it names has failed; `refused` those where it could not be applied, `unknown` those that
    were not judged. `days_left` is negative once it has expired."""

    subject: str
    owner: str
    reason: str
    expires: str
    days_left: int
    for_hosts: Sequence[str] | None
    applied: Sequence[str]
    not_needed: Sequence[str]
    refused: Sequence[str]
    unknown: Sequence[str]

    @property
    def matches_nothing(self) -> bool:
        """As far as its hosts were judged."""
        return not (self.applied or self.refused or self.unknown)


@dataclass(frozen=True)
class FleetCounts:
    """How many hosts there are of each verdict."""

    go: int
    up_to_date: int
    hold: int
    no_go: int
    not_judged: int


@dataclass(frozen=True)
class FleetDifference:
    """An object or a setting that is not as in the first shape: `kind` is `missing` (there only),
    `extra` (here only) or `different`."""

    name: str
    kind: str


@dataclass(frozen=True)
class FleetShape:
    """The `hosts` whose databases had one schema, and settings that a migration sees alike, when
    their backups were made; `sha256` is the digest of these. `rehearsed_on` are those of them that
    have tried the migration on their own copy. `differing` is how many of its parts are not those
    of the first shape, and `differences` the first of them."""

    name: str
    sha256: str
    hosts: Sequence[str]
    rehearsed_on: Sequence[str]
    objects: int
    differing: int
    differences: Sequence[FleetDifference]


@dataclass(frozen=True)
class FleetRecord:
    """`hosts` are those of the play, worst first; `verdict` is the worst, where a host that was not
    judged is a HOLD. `shapes` are those of the databases that were measured, the one of most hosts
    first; `unmeasured` the hosts of which nobody knows it."""

    format: int
    fleet_id: str
    environment: str
    started_at: str
    finished_at: str
    verdict: str
    counts: FleetCounts
    hosts: Sequence[FleetHost]
    waivers: Sequence[FleetWaiver]
    shapes: Sequence[FleetShape] = ()
    unmeasured: Sequence[str] = ()
