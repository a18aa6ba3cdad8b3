"""Checks the whole request before the first connection, for every host of the group."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible import context
from ansible.utils.vars import load_extra_vars

from gonogo.controller import request
from gonogo.controller.ansible.stage import Stage
from gonogo.controller.invocation.native import native
from gonogo.controller.request import host_request
from gonogo.controller.request.inventory import Inventory


class ActionModule(Stage):
    """See library/gonogo_input.py."""

    stage = "input"
    spec = {"group": {"type": "str", "required": True}}

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        extra = load_extra_vars(self._loader)
        request.check_command_line(self._vars, extra=extra)
        groups = self._vars.get("groups") or {}
        hosts = [str(host) for host in groups.get(arguments["group"]) or []]
        request.refuse_no_hosts(arguments["group"], hosts, groups)
        inventory = Inventory(self._loader, context.CLIARGS["inventory"])
        for host in hosts:
            host_request.check(
                host,
                variables=self._vars["hostvars"][host],
                extra=extra,
                said=native(inventory.variables(host)),
                play=native(self._task.play.vars),
            )
        return {"changed": False, "hosts": hosts}
