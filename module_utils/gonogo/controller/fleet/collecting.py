"""What is known of each host of a fleet.

Of a host that was judged, all of it is read from its evidence: the verdict is computed again, and
no variable says anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from ...contract.errors import GonogoError, shown
from ...contract.records.fleet import (
    FORMAT,
    NOT_JUDGED,
    FleetCounts,
    FleetHost,
    FleetRecord,
    FleetWaiver,
)
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.shape import Shape
from ...contract.records.verdict import UP_TO_DATE, VerdictRecord
from .. import evidence
from ..evidence import judgement
from ..request.waivers import Waiver
from .shapes import shapes

__all__ = ["Member", "Place", "collected"]

# Where anything was judged and is a GO, that is said of all.
_WORST_FIRST = ("NO-GO", "HOLD", NOT_JUDGED, "GO", UP_TO_DATE)
_REASON_LIMIT = 300
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Place:
    """The directory of a summary: `runs/ENVIRONMENT/fleets/ID`."""

    runs_dir: Path
    environment: str
    fleet_id: str

    @property
    def path(self) -> Path:
        return self.runs_dir / self.environment / "fleets" / self.fleet_id


@dataclass(frozen=True)
class Member:
    """A host of the play. `run` is the directory of its run where it was judged; `cause` why it was
    not, in words; `database` what the inventory declares. `waivers` are those that the inventory
    has for this host and for others, `groups` the groups that it is in. `done` is one where `run`
    is an earlier one, which has left nothing to do."""

    host: str
    run: Path | None = None
    cause: str | None = None
    database: str | None = None
    environment: str | None = None
    waivers: Sequence[Waiver] = ()
    groups: Sequence[str] = ()
    done: bool = False


@dataclass(frozen=True)
class _Judged:
    """A host with what its evidence says; `criteria` is check → criterion, `shape` None where
    nobody has measured it, and `rehearsed` whether the migration was tried on a copy of its own
    database."""

    member: Member
    host: FleetHost
    verdict: VerdictRecord | None = None
    criteria: Mapping[str, str] = field(default_factory=dict)
    shape: Shape | None = None
    rehearsed: bool = False


def collected(
    members: Sequence[Member], place: Place, *, started_at: datetime, now: datetime
) -> FleetRecord:
    """The summary of these hosts. Never raises for what it finds in their evidence."""
    judged = [_judged(member, place) for member in members]
    judged.sort(key=lambda one: (_WORST_FIRST.index(one.host.verdict), one.host.host))
    hosts = tuple(one.host for one in judged)
    number = {verdict: sum(one.verdict == verdict for one in hosts) for verdict in _WORST_FIRST}
    return FleetRecord(
        format=FORMAT,
        fleet_id=place.fleet_id,
        environment=place.environment,
        started_at=f"{started_at.astimezone(UTC):{_TIME}}",
        finished_at=f"{now.astimezone(UTC):{_TIME}}",
        verdict=_worst(hosts),
        counts=FleetCounts(
            go=number["GO"],
            up_to_date=number[UP_TO_DATE],
            hold=number["HOLD"],
            no_go=number["NO-GO"],
            not_judged=number[NOT_JUDGED],
        ),
        hosts=hosts,
        waivers=_waivers(judged, today=now.astimezone(UTC).date()),
        shapes=shapes(
            {one.host.host: one.shape for one in judged if one.shape is not None},
            rehearsed_on=[one.host.host for one in judged if one.rehearsed],
        ),
        unmeasured=tuple(sorted(one.host.host for one in judged if one.shape is None)),
    )


def _worst(hosts: Sequence[FleetHost]) -> str:
    if not hosts or hosts[0].verdict == NOT_JUDGED:
        return "HOLD"
    return hosts[0].verdict


def _judged(member: Member, place: Place) -> _Judged:
    if member.run is None:
        unknown = FleetHost(
            host=member.host,
            database=member.database,
            environment=member.environment,
            verdict=NOT_JUDGED,
            score=None,
            reason=shown(member.cause or "no verdict was reached", limit=_REASON_LIMIT),
            seconds=None,
            run_id=None,
            directory=None,
            evidence_head=None,
        )
        return _Judged(member, unknown)
    verdict = judgement.decided(member.run)
    found = evidence.load(member.run)
    run = found.run
    target = verdict.target
    observed = (target.observed or target.declared).database if target else member.database
    first = next(iter(verdict.reasons), None)
    reason = f"{first.subject}: {first.text}" if first else None
    if member.done and reason is None:
        reason = f"done before, by run {verdict.run_id}"
    host = FleetHost(
        host=member.host,
        database=observed,
        environment=verdict.environment,
        verdict=verdict.decision,
        score=verdict.score,
        reason=shown(reason, limit=_REASON_LIMIT) if reason else None,
        seconds=_seconds(run.started_at if run else None, verdict.finished_at),
        run_id=verdict.run_id,
        directory=Path(os.path.relpath(member.run, place.path)).as_posix(),
        evidence_head=verdict.evidence_head,
    )
    criteria = {check.id: check.criterion for check in (found.plan.checks if found.plan else ())}
    tried = readable(Rehearsal, found.rehearsal, file=Rehearsal.FILE)
    rehearsed = bool(tried and tried.done and tried.deployment and not tried.by)
    return _Judged(member, host, verdict, criteria, _shape(member.run), rehearsed)


def _shape(run: Path) -> Shape | None:
    """As the run has sealed it."""
    try:
        return evidence.Run.open(run).read(Shape)
    except GonogoError:
        return None


def _seconds(started: str | None, finished: str | None) -> float | None:
    try:
        began, ended = (datetime.fromisoformat(text or "") for text in (started, finished))
        return round((ended - began).total_seconds(), 1)
    except (ValueError, TypeError):
        return None


# --- waivers --------------------------------------------------------------------------------------

# What a condition of a verdict says of a waiver → where its host belongs.
_CODES = {
    "waiver_applied": "applied",
    "waiver_not_needed": "not_needed",
    "waiver_not_applied": "refused",
}
_UNKNOWN = "unknown"
_KINDS = (*_CODES.values(), _UNKNOWN)
# What tells one waiver from another.
_Key = tuple[str, str, str, str, tuple[str, ...] | None]


def _waivers(judged: Sequence[_Judged], *, today: date) -> tuple[FleetWaiver, ...]:
    """The waivers of all hosts, each once; those that expire first come first."""
    found: dict[_Key, dict[str, list[str]]] = {}
    for one in judged:
        for waiver in one.member.waivers:
            hosts = found.setdefault(_key(waiver), {kind: [] for kind in _KINDS})
            if waiver.is_of(one.host.host, one.member.groups):
                for kind in _came_to(waiver, one):
                    hosts[kind].append(one.host.host)
    listed = [_fleet_waiver(key, hosts, today) for key, hosts in found.items()]
    return tuple(sorted(listed, key=lambda one: (one.expires, one.subject)))


def _key(waiver: Waiver) -> _Key:
    words = waiver.words
    hosts = None if waiver.hosts is None else tuple(waiver.hosts)
    return waiver.subject, words["owner"], words["reason"], words["expires"], hosts


def _fleet_waiver(key: _Key, hosts: dict[str, list[str]], today: date) -> FleetWaiver:
    subject, owner, reason, expires, for_hosts = key
    return FleetWaiver(
        subject=subject,
        owner=owner,
        reason=reason,
        expires=expires,
        days_left=(date.fromisoformat(expires) - today).days,
        for_hosts=for_hosts,
        **{kind: tuple(names) for kind, names in hosts.items()},
    )


def _came_to(waiver: Waiver, one: _Judged) -> set[str]:
    """What the verdict of a host says of a waiver that is for it."""
    if one.verdict is None:
        return {_UNKNOWN}
    words = waiver.words
    ended = f"accepted by {words['owner']} until {words['expires']}: {words['reason']}"
    said = set()
    for condition in one.verdict.conditions:
        kind = _CODES.get(condition.code)
        of = (condition.subject, one.criteria.get(condition.subject))
        # Of two waivers of one subject each names itself where it was applied.
        if kind and waiver.subject in of and (kind != "applied" or condition.text.endswith(ended)):
            said.add(kind)
    return said
