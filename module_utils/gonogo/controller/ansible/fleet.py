"""The hosts of a play as Ansible knows them, and what the inventory declares of each.

It is asked at the end, of hosts too that no task has reached: for words in a summary, for the place
where it is kept, and for the command that approves a plan. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.template import Templar
from ansible.utils.vars import load_extra_vars

from ...contract.errors import GonogoError
from ...contract.options.shared import SIGNING
from ...contract.records.fleet_plan import FleetPlan
from ..evidence import ENVIRONMENT
from ..invocation.commands import Caller
from ..invocation.native import native
from ..invocation.paths import path_of
from ..request import signing, waves
from ..request.fleet_approval import KEY, OfFleet
from ..request.waivers import Waiver, listed
from .inventory import Inventory

__all__ = ["Declared", "approving", "declared", "hosts_of"]


@dataclass(frozen=True)
class Declared:
    """What a host's variables say; None where they say nothing that can be used."""

    runs_dir: Path | None = None
    environment: str | None = None
    database: str | None = None
    groups: Sequence[str] = ()
    waivers: Sequence[Waiver] = ()
    limits: waves.Limits = field(default_factory=lambda: waves.limits({}))


def hosts_of(play: Any) -> list[str]:
    """The hosts that a play is for, within --limit, whether or not it was begun."""
    manager = play.get_variable_manager()
    known = _Variables(play.get_loader(), manager.get_vars(play=play))
    pattern = known.rendered(play.hosts)
    # There is no other way to the inventory from here. A play that was cut leaves it restricted to
    # its own hosts.
    inventory = manager._inventory  # noqa: SLF001
    hosts = inventory.get_hosts(pattern, ignore_restrictions=True) if pattern else []
    return [host.get_name() for host in hosts]


def declared(play: Any, name: str) -> Declared:
    """What is declared of a host of the inventory."""
    manager = play.get_variable_manager()
    host = manager._inventory.get_host(name)  # noqa: SLF001 - as above
    if host is None:
        return Declared()
    said = _Variables(play.get_loader(), manager.get_vars(play=play, host=host))
    environment, login = said["gonogo_environment"], said["gonogo_login"]
    is_name = isinstance(environment, str) and ENVIRONMENT.fullmatch(environment)
    return Declared(
        runs_dir=_path(said["gonogo_runs_dir"]),
        environment=environment if is_name else None,
        database=str(login["db"]) if isinstance(login, Mapping) and login.get("db") else None,
        groups=[str(group) for group in said["group_names"] or ()],
        waivers=_waivers(said["gonogo_waivers"], said["gonogo_waivers_file"]),
        limits=_limits({name: said[name] for name in (waves.STOPS, waves.MAX_FAIL)}),
    )


def approving(play: Any, plan: FleetPlan) -> list[str]:
    """The command that approves the plan of these hosts, and before it the one that signs it where
    somebody has to."""
    try:
        inventory = Inventory(play.get_loader(), context.CLIARGS["inventory"])
        asked = [_rules(play, one.host, inventory) for one in plan.hosts]
    except GonogoError:
        # It could be read when the hosts were begun.
        asked = [signing.NONE]
    least_first = sorted((one for one in asked if one.signers), key=lambda one: one.needed)
    # The last line of each is about a prompt, which a fleet does not have.
    each = {one.namespace: signing.lines(OfFleet(plan), one)[:2] for one in least_first}
    who = [str(one.variable) for one in least_first[-1:]]
    if len(least_first) < len(asked):
        who.append("deploy_approved_by=NAME")
    given = (f"{KEY}={plan.fleet_id}", f"deploy_token={plan.token}", *who)
    command = _caller(play, plan.hosts[0].host).again(*given)
    return [*(line for lines in each.values() for line in lines), f"To approve it: {command}"]


def _caller(play: Any, name: str) -> Caller:
    manager = play.get_variable_manager()
    host = manager._inventory.get_host(name)  # noqa: SLF001 - as above
    variables = manager.get_vars(play=play, host=host)
    extra = dict(native(load_extra_vars(play.get_loader())))
    caller = Caller.of(variables, extra)
    return replace(caller, limit=context.CLIARGS.get("subset") or None)


def _rules(play: Any, name: str, inventory: Inventory) -> signing.Rules:
    """What the inventory asks of signatures; what is wrong with it, the host has said by itself."""
    manager, loader = play.get_variable_manager(), play.get_loader()
    host = manager._inventory.get_host(name)  # noqa: SLF001 - as above
    known = _Variables(loader, manager.get_vars(play=play, host=host))
    try:
        said = dict(native(inventory.variables(name)))
        effective = {one.name: known[one.name] for one in SIGNING if one.name in known}
        return signing.rules(said, effective=effective, extra={})
    except GonogoError:
        return signing.NONE


class _Variables:
    """Variables of a host, rendered one by one: what cannot be is None."""

    def __init__(self, loader: Any, variables: Mapping[str, object]) -> None:
        self._variables = variables
        self._templar = Templar(loader=loader, variables=variables)

    def __getitem__(self, name: str) -> Any:
        return self.rendered(self._variables.get(name))

    def __contains__(self, name: str) -> bool:
        return name in self._variables

    def rendered(self, value: object) -> Any:
        try:
            return native(self._templar.template(value))
        except (AnsibleError, GonogoError):
            return None


def _path(value: object) -> Path | None:
    try:
        return path_of(value, key="gonogo_runs_dir") if isinstance(value, str) else None
    except GonogoError:
        return None


def _limits(values: Mapping[str, object]) -> waves.Limits:
    """What cannot be is what there is where nothing is said: the strictest."""
    try:
        return waves.limits(values)
    except GonogoError:
        return waves.limits({})


def _waivers(given: object, file: object) -> Sequence[Waiver]:
    """What is wrong with one has been said by the stage input."""
    try:
        return listed(
            given if isinstance(given, list) else [], file if isinstance(file, str) else None
        )
    except GonogoError:
        return ()
