"""The hosts of a play as Ansible knows them, and what the inventory declares of each.

It is asked at the end, of hosts too that no task has reached: for words in a summary, and for the
place where it is kept. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ...contract.errors import GonogoError
from ..evidence import ENVIRONMENT
from ..invocation.native import native
from ..invocation.paths import path_of
from ..request import waves
from ..request.waivers import Waiver, listed

__all__ = ["Declared", "declared", "hosts_of"]


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


class _Variables:
    """Variables of a host, rendered one by one: what cannot be is None."""

    def __init__(self, loader: Any, variables: Mapping[str, object]) -> None:
        self._variables = variables
        self._templar = Templar(loader=loader, variables=variables)

    def __getitem__(self, name: str) -> Any:
        return self.rendered(self._variables.get(name))

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
