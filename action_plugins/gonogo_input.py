"""Checks the whole request before the first connection, for every host of the group."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.utils.vars import load_extra_vars

from gonogo.controller import project, promotion, request
from gonogo.controller.stage import Stage, native
from gonogo.deploy import budgets

_DEFAULTS: dict[str, Any] = {
    "parameters": {},
    "waivers": [],
    "refused_databases": [],
    "timeouts": {},
}
_ASKED = ("environment", "login", "profile", "residue", "runbook", "runs_dir", *_DEFAULTS)


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
        known, prefixes = project.variables()
        request.check_variables(extra, known=known, prefixes=prefixes)
        for host in hosts:
            self._check_host(host, known, prefixes)
        return {"changed": False, "hosts": hosts}

    def _check_host(self, host: str, known: frozenset[str], prefixes: tuple[str, ...]) -> None:
        variables = self._vars["hostvars"][host]
        request.check_variables(variables, known=known, prefixes=prefixes)
        values = {name: native(variables.get(name)) for name in sorted(known) if name in variables}
        request.require_options(host, values, project.options())
        given: dict[str, Any] = {name: values.get(f"gonogo_{name}") for name in _ASKED}
        for name, default in _DEFAULTS.items():
            if given[name] is None:
                given[name] = default
        loaded = request.load_runbook(given)
        request.check_options(values, project.options())
        budgets.check_variables(values)
        promotion.require_rehearsal(values, environment=given["environment"])
        promotion.admitted(
            promotion.asked(values),
            environment=given["environment"],
            runbook=loaded,
            now=datetime.now(UTC),
        )
