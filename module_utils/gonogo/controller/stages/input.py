"""Checks the whole request before the first connection, for every host of the group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...contract.options.input import INPUT
from .. import request
from ..request import host_request
from .base import Stage

__all__ = ["Input"]


class Input(Stage):
    """The stage `input`, see library/gonogo_input.py."""

    stage = "input"
    spec: ClassVar[Mapping[str, Any]] = INPUT.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        extra = self.site.extra
        request.check_command_line(self.site.variables, extra=extra)
        groups = self.site.variables.get("groups") or {}
        hosts = [str(host) for host in groups.get(arguments["group"]) or []]
        request.refuse_no_hosts(arguments["group"], hosts, groups)
        for host in hosts:
            host_request.check(
                host,
                variables=self.site.variables["hostvars"][host],
                extra=extra,
                said=self.site.said(host),
                play=self.site.play,
            )
        return {"changed": False, "hosts": hosts}
