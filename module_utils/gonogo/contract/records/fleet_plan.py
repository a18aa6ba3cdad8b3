"""What one approval of a fleet is for: plan.json of the fleet, and the part of it that each host
keeps.

The digest that is approved is that of a list of digests, one for each host's entry. So a host's
evidence proves that its plan is in the list, and says nothing of the other hosts.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .migration import Step
from .reading import FileRecord

__all__ = ["FORMAT", "PLAN_FILE", "FleetPart", "FleetPlan", "PlannedHost", "PlannedSteps"]

PLAN_FILE = "plan.json"
FORMAT = 1


@dataclass(frozen=True)
class PlannedHost:
    """The plan of one host: `plan` is the digest of `holds`, as in `ApprovalPlan`, and `run_id` the
    run that has shown it."""

    host: str
    database: str
    customer: str | None
    run_id: str
    plan: str
    holds: Mapping[str, tuple[int | None, str | None]]


@dataclass(frozen=True)
class PlannedSteps(FileRecord):
    """The statements of a plan, as its `holds` have the digest of them; in the evidence of a run
    whose plan is a part of a fleet's."""

    FILE: ClassVar[str] = "deploy_steps.json"

    runbook_sha256: str
    profile: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class FleetPlan:
    """`content` is the digest of `listed`, the sorted digests of `hosts`; `token` follows from
    all but the hosts themselves. `statements` are those of all hosts, each text once, by the digest
    that the `holds` of a host have of its own."""

    format: int
    fleet_id: str
    environment: str
    planned_at: str
    expires_at: str
    content: str
    token: str
    listed: Sequence[str]
    hosts: Sequence[PlannedHost]
    statements: Mapping[str, PlannedSteps]


@dataclass(frozen=True)
class FleetPart(FileRecord):
    """What a host that was approved with others keeps of their plan: its own entry, and of the
    others their digests."""

    FILE: ClassVar[str] = "deploy_fleet.json"

    fleet_id: str
    environment: str
    planned_at: str
    expires_at: str
    content: str
    token: str
    listed: Sequence[str]
    host: PlannedHost
