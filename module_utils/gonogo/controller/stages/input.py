"""Checks the whole request before the first connection, for every host of the group."""

from __future__ import annotations

from ...contract.options.input import INPUT, InputTask
from .. import request
from ..request import host_request
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
        for host in hosts:
            host_request.check(
                host,
                variables=self.site.variables["hostvars"][host],
                extra=extra,
                said=self.site.said(host),
                play=self.site.play,
            )
        return Reported(changed=False, told={"hosts": hosts})
