"""The plan of a fleet: what would be applied to each host, as the evidence of its run says it, and
what is said of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...contract import canonical
from ...contract.errors import GonogoError, shown
from ...contract.records.approval import ApprovalPlan
from ...contract.records.deployment import Deployment, Intent
from ...contract.records.fleet import FleetHost, FleetRecord
from ...contract.records.fleet_plan import PLAN_FILE, FleetPlan, PlannedHost, PlannedSteps
from ...contract.records.reading import plain
from ...contract.records.run import RunRecord
from .. import evidence
from ..evidence import disk
from ..report import inert
from ..request import approval, deploy_approval, fleet_approval
from .collecting import Member, Place
from .pages import TEMPLATES
from .told import WIDTH

__all__ = ["PAGE", "Group", "groups", "left_out", "plan_lines", "planned", "render", "write_plan"]

PAGE = "plan.md"
# Groups and hosts that the terminal names; the page has all.
_GROUPS, _HOSTS, _LEFT_OUT = 5, 3, 5
_DONE = ("GO", "UP-TO-DATE")
_REMOVED = "what would be removed from "


@dataclass(frozen=True)
class Group:
    """Hosts to which the same statements go."""

    steps: PlannedSteps
    hosts: Sequence[PlannedHost]

    @property
    def files(self) -> list[str]:
        """Each file of the statements, with how many of them it has."""
        number: dict[str, int] = {}
        for step in self.steps.steps:
            number[step.file] = number.get(step.file, 0) + len(step.statements)
        return [f"{name}: {_many(many, 'statement')}" for name, many in number.items()]


def planned(members: Sequence[Member], place: Place, *, now: datetime) -> FleetPlan | None:
    """The plan of those that wait for an approval; None where nobody does."""
    found = [_shown(one.host, one.run) for one in members if one.run and not one.done]
    waiting = [one for one in found if one]
    if not waiting:
        return None
    return fleet_approval.made(place.fleet_id, place.environment, waiting, now=now)


def _shown(host: str, path: Path) -> tuple[PlannedHost, PlannedSteps, ApprovalPlan] | None:
    """What a run has shown of its host, where nothing has come of it. What is damaged has shown
    nothing."""
    run = evidence.Run.open(path)
    is_shown = run.has(PlannedSteps) and (path / deploy_approval.PLAN).is_file()
    if not is_shown or run.has(Intent) or run.has(Deployment) or evidence.load(path).problems:
        return None
    try:
        record, steps = run.read(RunRecord), run.read(PlannedSteps)
        plan = approval.plan_of(run, deploy_approval.PLAN)
    except GonogoError:
        return None
    one = PlannedHost(
        host=host,
        database=record.target.declared.database,
        customer=record.customer,
        run_id=run.run_id,
        plan=plan.content,
        holds=plan.holds,
    )
    is_whole = fleet_approval.statements_of(one) == fleet_approval.steps_digest(steps)
    return (one, steps, plan) if is_whole and record.target.inventory_host == host else None


def groups(plan: FleetPlan) -> list[Group]:
    """Equal statements once, those of most hosts first."""
    found = [
        Group(steps, [one for one in plan.hosts if fleet_approval.statements_of(one) == digest])
        for digest, steps in plan.statements.items()
    ]
    return sorted(found, key=lambda one: (-len(one.hosts), one.hosts[0].host))


def left_out(plan: FleetPlan, record: FleetRecord) -> list[FleetHost]:
    """The hosts that the plan does not have, and that are not done."""
    listed = {one.host for one in plan.hosts}
    return [one for one in record.hosts if one.host not in listed and one.verdict not in _DONE]


def plan_lines(plan: FleetPlan, record: FleetRecord, *, page: str) -> list[str]:
    """What the terminal shows of it. `page` is the way to the page that has all of it."""
    found = groups(plan)
    lines = [f"The plan of {_many(len(plan.hosts), 'host')}; nothing of it is deployed yet:"]
    for group in found[:_GROUPS]:
        hosts = [f"{one.host} ({one.database})" for one in group.hosts]
        lines.append(f"  {', '.join(group.files)}")
        lines.append(f"    to {_many(len(hosts), 'database')}: {_some(hosts, _HOSTS)}")
        removed = [f"{one.host} {what}" for one in group.hosts for what in removes(one)]
        if removed:
            lines.append(f"    would be removed: {_some(removed, _HOSTS)}")
    if len(found) > _GROUPS:
        lines.append(f"  and {len(found) - _GROUPS} more with other statements")
    besides = [f"{one.host} ({one.verdict})" for one in left_out(plan, record)]
    if besides:
        lines.append(f"Not in the plan: {_some(besides, _LEFT_OUT)}")
    lines.append(f"Every statement and every host: {page}")
    return [shown(line, limit=WIDTH) for line in lines]


def removes(host: PlannedHost) -> list[str]:
    """What the migration has removed on the twin of a host."""
    return [
        f"{name.removeprefix(_REMOVED)}: {held[0]} rows"
        for name, held in host.holds.items()
        if name.startswith(_REMOVED)
    ]


def write_plan(plan: FleetPlan, record: FleetRecord, directory: Path) -> None:
    """Write the plan beside the summary. Raises `GonogoError` if it cannot be written."""
    files = {PAGE: render(plan, record), PLAN_FILE: canonical.dumps(plain(plan))}
    with disk.explained("write the plan of the fleet"):
        disk.make_dirs(directory)
        for name, text in files.items():
            disk.replace(directory / name, text.encode())


def render(plan: FleetPlan, record: FleetRecord) -> str:
    """The page of the plan, for whoever approves it."""
    names = {
        "plan": plan,
        "groups": groups(plan),
        "left_out": left_out(plan, record),
        "removes": {one.host: ", ".join(removes(one)) for one in plan.hosts},
        "digests": {one.host: fleet_approval.digest(one) for one in plan.hosts},
    }
    return inert.markdown("plan.md.j2", TEMPLATES, names)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _some(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
