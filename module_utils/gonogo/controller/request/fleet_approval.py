"""One approval for many hosts: of the plan that lists what each of them has shown.

The plan of a fleet is a file beside the summary of its hosts, and no chain seals it: whoever can
write there can change it. So nothing of it is believed. All of it follows from what was shown:
each text from the digest that a host's plan has of it, each host's digest from that plan, the
digest that is approved from those of all hosts, and the token from that. And each host compares its
entry with the evidence of the run that has shown it, and with what there is now.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError, InputError
from ...contract.options.shared import Approval
from ...contract.records.approval import ApprovalPlan
from ...contract.records.deployment import Approved
from ...contract.records.fleet_plan import (
    FORMAT,
    PLAN_FILE,
    FleetPart,
    FleetPlan,
    PlannedHost,
    PlannedSteps,
)
from ...contract.records.reading import RecordError, plain, read
from ...contract.records.run import RunRecord
from ...contract.run_id import is_run_id
from ...verdict import PRODUCTION
from .. import evidence
from ..evidence import disk
from ..evidence.parsing import parse
from ..invocation.native import Variables
from ..invocation.paths import path_of
from . import approval, deploy_approval, signing
from .remembered import Remembered

__all__ = ["KEY", "OfFleet", "check", "digest", "made", "problem", "read_plan", "require"]
__all__ += ["statements_of", "steps_digest", "waits_for_all"]

KEY = "deploy_fleet_id"
_STATEMENTS = "the statements"
_NOTHING = "nothing was deployed"
_AGAIN = "Run the playbook without an approval: it shows a new plan."


@dataclass(frozen=True)
class OfFleet:
    """The plan of a fleet, as it is signed."""

    plan: FleetPlan | FleetPart

    @property
    def planned_at(self) -> str:
        return self.plan.planned_at

    @property
    def text(self) -> str:
        plan = self.plan
        return signing.line_of(
            what="deploy",
            environment=plan.environment,
            fleet=plan.fleet_id,
            hosts=len(plan.listed),
            plan=plan.content,
            planned_at=plan.planned_at,
            expires_at=plan.expires_at,
            token=plan.token,
        )


def waits_for_all(said: Callable[[str], object]) -> bool:
    """Whether a host, which says so by its variables, is deployed to once all are approved, and has
    no approval.

    Where it cannot be told the stage finds out, which knows what the inventory alone may say.
    """
    if not _flag(said("deploy_enabled")) or said("deploy_token"):
        return False
    if said("deploy_approval_for") not in (None, "fleet"):
        return False
    is_open = said("gonogo_protected") is not None and not _flag(said("gonogo_protected"))
    return bool(
        not is_open
        or said("gonogo_environment") == PRODUCTION
        or _flag(said("deploy_approval_required"))
        or said("gonogo_approval_signers")
    )


def _flag(value: object) -> bool:
    try:
        return bool(boolean(value, strict=True))
    except TypeError:
        return False


def digest(host: PlannedHost) -> str:
    """What stands for a host in the list."""
    return sha256(line(plain(host)))


def steps_digest(steps: PlannedSteps) -> str:
    """As `deploy_approval.holds` has it."""
    return sha256(line([steps.runbook_sha256, steps.profile, plain(steps.steps)]))


def statements_of(host: PlannedHost) -> str | None:
    """The digest of the statements that would be applied there."""
    held = host.holds.get(_STATEMENTS)
    return held[1] if held else None


def made(
    fleet_id: str,
    environment: str,
    shown: Sequence[tuple[PlannedHost, PlannedSteps, ApprovalPlan]],
    *,
    now: datetime,
) -> FleetPlan:
    """The plan of these hosts. It can be approved as long as that of each of them can."""
    hosts = sorted((host for host, _, _ in shown), key=lambda one: one.host)
    listed = sorted(map(digest, hosts))
    unsealed = FleetPlan(
        format=FORMAT,
        fleet_id=fleet_id,
        environment=environment,
        planned_at=now.isoformat(timespec="microseconds"),
        expires_at=min(plan.expires_at for _, _, plan in shown),
        content=sha256(line(listed)),
        token="",
        listed=listed,
        hosts=hosts,
        statements={steps_digest(steps): steps for _, steps, _ in shown},
    )
    return replace(unsealed, token=_token(unsealed))


def read_plan(environment: Path, fleet_id: str) -> FleetPlan:
    """The plan of a fleet in the folder of an environment. Raises GonogoError for one that is not
    as it was shown."""
    file = environment / "fleets" / fleet_id / PLAN_FILE
    if not is_run_id(fleet_id) or not file.is_file():
        raise InputError(
            "no fleet of this environment has shown a plan under this id",
            key=KEY,
            value=fleet_id,
            hint="It stands in the command that approves the plan, at the end of the playbook that "
            "has shown it.",
        )
    try:
        with disk.explained("read the plan of the fleet"):
            raw = disk.read(file)
        found = read(FleetPlan, parse(raw), file=PLAN_FILE)
    except RecordError as error:
        raise _not_as_shown(error.primary) from None
    except ValueError:
        raise _not_as_shown("It is no JSON.") from None
    wrong = problem(found, fleet_id=fleet_id, environment=environment.name)
    if wrong:
        raise _not_as_shown(wrong)
    return found


def problem(plan: FleetPlan, *, fleet_id: str, environment: str) -> str | None:
    """What of a plan does not follow from the rest of it, in words; None where all does."""
    return next(_problems(plan, fleet_id, environment), None)


def check(values: Variables, remembered: Remembered) -> None:
    """Refuse at the start, before hours of work, an approval that could be none of any host.
    Raises InputError. Of each host it is asked again, when its plan is known."""
    fleet_id = values.get(KEY)
    if not fleet_id:
        return
    if not isinstance(fleet_id, str):
        raise InputError("must be text", key=KEY)
    if values.get("deploy_run_id"):
        raise _two_approvals()
    directory = path_of(str(values.get("gonogo_runs_dir")), key="gonogo_runs_dir")
    folder = directory / str(values.get("gonogo_environment"))
    remembered.of((KEY, folder, fleet_id), lambda: _usable(folder, fleet_id, values))


def _usable(folder: Path, fleet_id: str, values: Variables) -> None:
    try:
        plan = read_plan(folder, fleet_id)
    except InputError:
        raise
    except GonogoError as error:
        raise InputError(error.primary, key=KEY, detail=error.detail, hint=error.hint) from None
    token = str(values.get("deploy_token") or "")
    if not hmac.compare_digest(token.encode(), plan.token.encode()):
        raise InputError(
            "the token is not that of the fleet's plan",
            key="deploy_token",
            hint="It stands in the command that approves the plan, as the fleet's id does.",
        )
    if datetime.now(UTC) >= datetime.fromisoformat(plan.expires_at):
        raise InputError(f"the fleet's plan has expired at {plan.expires_at}", key=KEY, hint=_AGAIN)


def _two_approvals() -> InputError:
    return InputError(
        "an approval is of a fleet or of one host",
        key=KEY,
        hint="Leave deploy_run_id out, or this.",
    )


def require(
    run: evidence.Run,
    given: Approval,
    now: ApprovalPlan,
    *,
    hint: str,
    rules: signing.Rules,
) -> tuple[Approved, FleetPart]:
    """Who approved the deployment of this host with that of others, and its part of their plan.
    Raises GonogoError where nobody did.

    `now` is what would be done as there is now. As for one host, the token is used from then on:
    what is noted is the host's own, so that neither approval can follow the other.
    """
    if given.run_id:
        raise _two_approvals()
    fleet = read_plan(run.path.parent, given.fleet_id or "")
    named = replace(given, run_id=fleet.fleet_id)
    refusal = approval.refusal(named, fleet.fleet_id, fleet, prefix="deploy")
    if refusal:
        raise GonogoError(f"{refusal}: {_NOTHING}", hint=hint)
    entry = _entry(run, fleet, hint)
    shown_by, plan = _shown(run, entry)
    if entry.plan != now.content:
        raise GonogoError(
            "what would be done, or what is there, has changed since the fleet's plan was shown: "
            f"{_NOTHING}",
            detail="\n".join(approval.came_later(entry.holds, now.holds)) or None,
            hint=hint,
        )
    expires = min(fleet.expires_at, plan.expires_at, key=datetime.fromisoformat)
    if datetime.now(UTC) >= datetime.fromisoformat(expires):
        raise GonogoError(f"the fleet's plan has expired at {expires}: {_NOTHING}", hint=hint)
    if rules.signers is None and given.approved_by:
        # They are for the hosts of the fleet that ask for them.
        given = replace(given, signatures=())
    by = approval.accepted(given, OfFleet(fleet), rules, unchanged=_NOTHING, hint=hint)
    said = {"approved_by": by.by, "approved_at": by.at}
    deploy_approval.use(
        shown_by, {**said, "token": plan.token, "fleet": fleet.fleet_id}, run.run_id, hint=hint
    )
    approved = Approved(
        **said,
        token=fleet.token,
        signed=by.signed,
        shown_by=shown_by.run_id,
        approval=deploy_approval.known_by(shown_by, plan),
        fleet=fleet.fleet_id,
    )
    return approved, _part(fleet, entry)


def _entry(run: evidence.Run, fleet: FleetPlan, hint: str) -> PlannedHost:
    """That of this host."""
    record = run.read(RunRecord)
    host = record.target.inventory_host
    entry = next((one for one in fleet.hosts if one.host == host), None)
    if entry is None:
        raise GonogoError(
            f"this host is not in the fleet's plan: {_NOTHING}",
            detail=f"The plan of {fleet.fleet_id} lists {len(fleet.hosts)} hosts.",
            hint=hint,
        )
    is_own = (record.customer, record.target.declared.database) == (entry.customer, entry.database)
    if not is_own:
        raise GonogoError(
            f"the fleet's plan has another database under the name of this host: {_NOTHING}",
            detail=f"It is about {_of(entry.database, entry.customer)}, and this host about "
            f"{_of(record.target.declared.database, record.customer)}.",
            hint=hint,
        )
    return entry


def _of(database: str, customer: str | None) -> str:
    return database if customer is None else f"{database} of {customer}"


def _shown(run: evidence.Run, entry: PlannedHost) -> tuple[evidence.Run, ApprovalPlan]:
    """The run that has shown the plan of this host, and that plan."""
    shown_by = deploy_approval.run_of(run, entry.run_id)
    plan = approval.plan_of(shown_by, deploy_approval.PLAN)
    record = shown_by.read(RunRecord)
    theirs = (record.target.inventory_host, record.target.declared.database, record.customer)
    if plan.content != entry.plan or theirs != (entry.host, entry.database, entry.customer):
        raise _not_as_shown(f"Run {entry.run_id} has shown another plan.")
    return shown_by, plan


def _part(fleet: FleetPlan, entry: PlannedHost) -> FleetPart:
    return FleetPart(
        fleet_id=fleet.fleet_id,
        environment=fleet.environment,
        planned_at=fleet.planned_at,
        expires_at=fleet.expires_at,
        content=fleet.content,
        token=fleet.token,
        listed=fleet.listed,
        host=entry,
    )


def _token(plan: FleetPlan) -> str:
    about = (plan.fleet_id, plan.environment, plan.content, plan.planned_at, plan.expires_at)
    return sha256("\n".join((PLAN_FILE, *about)))[:10]


def _problems(plan: FleetPlan, fleet_id: str, environment: str) -> Iterator[str]:
    if plan.format != FORMAT:
        yield f"It is of format {plan.format}, and this version knows {FORMAT}."
    if plan.fleet_id != fleet_id:
        yield f"It is that of the fleet {plan.fleet_id}."
    if plan.environment != environment:
        yield f"It is of the environment {plan.environment}."
    if len({one.host for one in plan.hosts}) < len(plan.hosts):
        yield "It lists a host twice."
    for one in plan.hosts:
        if sha256(line(plain(one.holds))) != one.plan:
            yield f"What it says of {one.host} is not what its digest stands for."
    texts = {statements_of(one) for one in plan.hosts}
    if {*plan.statements} != texts or any(
        steps_digest(steps) != name for name, steps in plan.statements.items()
    ):
        yield "Its statements are not those that the hosts have shown."
    if [*plan.listed] != sorted(map(digest, plan.hosts)) or sha256(line(plain(plan.listed))) != (
        plan.content
    ):
        yield "Its hosts are not those that its digest stands for."
    if not all(map(_is_time, (plan.planned_at, plan.expires_at))):
        yield "Its times are none."
    if plan.token != _token(plan):
        yield "Its token is that of another plan."


def _is_time(text: str) -> bool:
    """One without a zone is of nobody's clock."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _not_as_shown(detail: str) -> GonogoError:
    return GonogoError(
        f"the fleet's plan is not as it was shown; {_NOTHING}", detail=detail, hint=_AGAIN
    )
