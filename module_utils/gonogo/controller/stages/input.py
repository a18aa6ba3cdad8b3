"""Checks the whole request before the first connection, for every host of the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contract.errors import GonogoError, InputError
from ...contract.options.input import INPUT, InputTask
from .. import request
from ..request import host_request
from ..request.remembered import Remembered
from .base import Stage
from .reported import Reported

__all__ = ["Input"]


class Input(Stage[InputTask]):
    """The stage `input`, see library/gonogo_input.py."""

    stage = "input"
    declared = INPUT
    task = InputTask

    def act(self, task: InputTask) -> Reported:
        extra = self.site.extra
        request.check_command_line(self.site.variables, extra=extra)
        groups = self.site.variables.get("groups") or {}
        hosts = [str(host) for host in groups.get(task.group) or []]
        request.refuse_no_hosts(task.group, hosts, groups)
        faulty = self._faults(hosts)
        if len(hosts) == 1 and faulty:
            raise faulty[hosts[0]]
        # Each host asks the same of itself, and only the faulty ones end there.
        return Reported(
            changed=False,
            told={"hosts": hosts, "faulty": {host: one.render() for host, one in faulty.items()}},
            lines=_lines(faulty, of=hosts),
        )

    def _faults(self, hosts: Sequence[str]) -> Mapping[str, GonogoError]:
        """What is wrong with what is asked of each host, where something is."""
        found: dict[str, GonogoError] = {}
        remembered, extra, play = Remembered(), self.site.extra, self.site.play
        for host in hosts:
            try:
                host_request.check(
                    host,
                    variables=self.site.variables["hostvars"][host],
                    extra=extra,
                    said=self.site.said(host),
                    play=play,
                    remembered=remembered,
                )
            except Exception as error:  # noqa: BLE001 - of one host, and told as what it is
                found[host] = self.site.explained(error)
        return found


def _lines(faulty: Mapping[str, GonogoError], *, of: Sequence[str]) -> list[str]:
    """For the terminal: each host with all that is wrong there, those with the same together."""
    alike: dict[str, list[str]] = {}
    for host, error in faulty.items():
        alike.setdefault(_text(error), []).append(host)
    lines = [f"{len(faulty)} of {len(of)} hosts cannot be judged as they are:"] if faulty else []
    for text, hosts in alike.items():
        lines += [f"{', '.join(hosts)}:", *(f"  {line}" for line in text.splitlines())]
    return lines


def _text(error: GonogoError) -> str:
    if isinstance(error, InputError):
        return "\n".join(fault.render() for fault in error.faults)
    return error.render()
