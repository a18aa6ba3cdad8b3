"""The waves of the play at work, as Ansible begins them.

`serial` of a play is templated once, before its first host: the variables of a host are not there
yet, and neither are those of groups; `hostvars` is. So `gonogo_waves` is asked of the first host of
the group, and every other host has to say the same.

A start without an approval, on hosts that need one, deploys nothing on any host (`planning`): it is
there for the plan of all of them. No wave waits for another one then.

What is noted here is noted by ansible-playbook's own process. Its workers are forks of it, made
after that, so what they read cannot be a variable's word. A host whose wave nobody has noted is not
begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible import context
from ansible.errors import AnsibleError

from ...contract.errors import GonogoError
from ...contract.options.shared import PER_SHAPE
from ..invocation.native import Variables, native
from ..request import fleet_approval, waves
from ..request.waves import Came, Waves
from .shapes import SHAPES

__all__ = ["AT_WORK", "AtWork", "of_play", "of_shapes", "strategy"]

_GROUP = "gonogo"
# A pattern that no host suits.
_NOBODY = "localhost:!localhost"
_UNKNOWN = "not begun: nobody knows what the wave before has come to"


@dataclass
class AtWork:
    """`said` is what the play was given; `begun` are the hosts of each wave, and `stopped` says why
    the last of them is not begun. `planning` is whether no host of this start deploys anything.
    `whole` are the waves of all hosts of the group, of which the play has those that are `played`.
    """

    said: Waves | None = None
    planning: bool = False
    whole: Sequence[Sequence[str]] = ()
    played: frozenset[str] = frozenset()
    begun: list[tuple[str, ...]] = field(default_factory=list)
    stopped: str | None = None

    def begin(self, hosts: Sequence[str], came_to: Callable[[str], Came] | None) -> None:
        """Ansible begins these hosts, after all that were begun before. In a dry run nobody comes
        to anything (None), and nothing stops; where all show their plans, neither."""
        before = self.begun[-1] if self.begun else ()
        self.begun.append(tuple(hosts))
        # Once it has stopped it goes on stopping.
        if self.stopped is None and came_to is not None and not self.planning:
            # Also where this raises: Ansible only warns of that.
            self.stopped = _UNKNOWN
            self.stopped = waves.stop([came_to(host) for host in before])

    def refusal(self, host: str, said: Waves | None) -> GonogoError | None:
        """Why this host, which says so of the waves, is not begun; None where it is."""
        if said is None and self.said is None:
            return None
        if said != self.said:
            return GonogoError(
                "gonogo_waves of this host is not that of the play",
                detail="The play has taken it from the first host of the group.",
                hint="Say it once, for the whole group or with -e; and begin "
                "rollout_production.yml or validate_staging.yml, whose play knows waves.",
            )
        if not self.begun or host not in self.begun[-1]:
            return GonogoError(
                "not begun: nobody has looked at the wave before",
                hint="Let the callback plugin of this project be found (ansible.cfg).",
            )
        if self.stopped:
            return GonogoError(
                self.stopped,
                hint="Mend what is wrong there, then begin again: what is done is left alone.",
            )
        return None

    def left_out(self, host: str) -> list[list[str]]:
        """Of each wave before that of this host, the hosts that --limit leaves out."""
        at = next((at for at, wave in enumerate(self.whole) if host in wave), 0)
        before = ([one for one in wave if one not in self.played] for wave in self.whole[:at])
        return [wave for wave in before if wave]

    def never_begun(self, host: str) -> str | None:
        """Why Ansible has not even come to this host; None where it has, or no wave was begun."""
        if not self.begun or any(host in wave for wave in self.begun):
            return None
        if self.stopped is None and self.said is None and SHAPES.by:
            return "not begun: every host that rehearses for others has failed"
        return self.stopped or "not begun: every host before it has failed"


# That of this process: one play judges.
AT_WORK = AtWork()


def strategy() -> str:
    """That of the plays of hosts. Where a task is answered with No (`--step`), Ansible's strategies
    without lockstep wait for that host for ever."""
    one_by_one = context.CLIARGS.get("step")
    return "ansible.builtin.linear" if one_by_one else "ansible.builtin.host_pinned"


def of_play(known: Variables, rendered: Callable[[Any], Any]) -> dict[str, object]:
    """The `hosts` and the `serial` of the play; `known` are its variables.

    What cannot be is none: each host refuses it by itself, with the words for it.
    """
    group = str(rendered(known.get("gonogo_group")) or _GROUP)
    groups = _groups(known)
    members = groups.get(group, [])
    limited = {*(_names(known.get("ansible_play_hosts_all")) or members)}
    try:
        found = waves.named(_said(known, members, rendered))
    except GonogoError:
        found = None
    AT_WORK.said = found
    if found is not None and any(one not in groups for one in found.groups):
        found = None
    hosts = [host for host in members if host in limited]
    AT_WORK.planning = _is_planning(known, hosts, rendered)
    pattern, made, serial = group, [hosts], []
    if found is not None and not AT_WORK.planning:
        AT_WORK.whole, AT_WORK.played = found.of(members, groups), frozenset(limited)
        played = ([host for host in wave if host in limited] for wave in AT_WORK.whole)
        pattern, made = found.pattern(group), [wave for wave in played if wave]
        serial = [str(len(wave)) for wave in made]
    ordered = SHAPES.ordered(made, groups)
    if ordered is None:
        return {"hosts": pattern, "serial": serial}
    names = ",".join(host for wave in ordered for host in wave)
    return {"hosts": names, "serial": [str(len(wave)) for wave in ordered]}


def _is_planning(known: Variables, hosts: Sequence[str], rendered: Callable[[Any], Any]) -> bool:
    """Whether one of several hosts needs an approval of all of them, and none was given."""
    if len(hosts) < 2:
        return False

    def said(of_host: Variables, name: str) -> Any:
        try:
            value = known.get(name)
            return native(rendered(of_host.get(name) if value is None else value))
        except (AnsibleError, GonogoError):
            # The host says by itself what is wrong with it.
            return None

    if said({}, "deploy_token"):
        return False
    # One is enough: of a fleet that waits, the others are not even looked at.
    each = (_of_host(known, host) for host in hosts)
    return any(fleet_approval.waits_for_all(partial(said, one)) for one in each)


def of_shapes(known: Variables, rendered: Callable[[Any], Any]) -> str:
    """The pattern of the hosts whose shape is measured: all or none."""
    group = str(rendered(known.get("gonogo_group")) or _GROUP)
    asked = _said(known, _groups(known).get(group, []), rendered, PER_SHAPE.name)
    return group if asked is True else _NOBODY


def _said(
    known: Variables, members: Sequence[str], rendered: Callable[[Any], Any], name: str = waves.KEY
) -> object:
    """What is said with -e, in the play, or by the inventory of the first host."""
    value = known.get(name)
    if value is None and members:
        value = _of_host(known, members[0]).get(name)
    return native(rendered(value))


# Anybody may have set these of Ansible's with -e, to whatever: every host refuses that by itself.


def _groups(known: Variables) -> dict[str, list[str]]:
    groups = native(known.get("groups"))
    if not isinstance(groups, dict):
        return {}
    return {group: _names(members) for group, members in groups.items()}


def _names(hosts: object) -> list[str]:
    return [str(host) for host in hosts] if isinstance(hosts, (list, tuple)) else []


def _of_host(known: Variables, host: str) -> Variables:
    """Its variables, rendered as they are asked for. Where a playbook is only listed, or its syntax
    checked, there are none."""
    every = known.get("hostvars")
    found = every.get(host) if isinstance(every, Mapping) else None
    return found if isinstance(found, Mapping) else {}
