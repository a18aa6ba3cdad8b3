"""What a person asked for: the inventory's variables and the command line, checked together.

Everything here is refused before the first connection.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ..errors import GonogoError, InputError
from . import runbook

__all__ = [
    "REQUEST",
    "check_command_line",
    "check_variables",
    "load_runbook",
    "refuse_no_hosts",
]

# The variables of a run as an argument spec: the stage target and the first play take it.
REQUEST: dict[str, Any] = {
    "runbook": {"type": "path", "required": True},
    "environment": {"type": "str", "required": True},
    "profile": {"type": "str", "required": True},
    "residue": {"type": "str", "choices": ["keep", "rollback"], "required": True},
    "parameters": {"type": "dict", "default": {}},
    "waivers": {"type": "list", "elements": "dict", "default": []},
    "refused_databases": {"type": "list", "elements": "str", "default": []},
    "system_identifier": {"type": "str"},
}

_WAIVER_KEYS = {"check", "criterion", "owner", "reason", "expires"}
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")

# Results of this project have no variables. A name like these in the extra variables is an
# attempt to set one, or a misunderstanding; both deserve a word.
_RESULT_NAMES = re.compile(r"^(gonogo_)?(decision|verdict|score|approved|result|results|checks)$")


def check_command_line(task_vars: Mapping[str, Any], *, extra: Mapping[str, Any]) -> None:
    """Refuse command lines that would judge a part and look like the whole."""
    tags = [str(tag) for tag in task_vars.get("ansible_run_tags") or ["all"]]
    skipped = [str(tag) for tag in task_vars.get("ansible_skip_tags") or []]
    if tags != ["all"] or skipped:
        option = f"--skip-tags {','.join(skipped)}" if skipped else f"--tags {','.join(tags)}"
        raise InputError(
            "a run cannot be limited to some of its tasks",
            key="command line",
            value=option,
            detail="A verdict needs every stage.",
            hint="Run the playbook without --tags and --skip-tags.",
        )
    for name in extra:
        if _RESULT_NAMES.match(name):
            raise InputError(
                "extra variables cannot set a result",
                key=name,
                hint="The verdict is computed from the evidence alone. Leave the variable out.",
            )


def check_variables(
    names: Iterable[str], *, known: frozenset[str], prefixes: tuple[str, ...]
) -> None:
    """Refuse misspelt variables: a name of ours that nothing reads would have no effect."""
    for name in sorted(names):
        if name.startswith(prefixes) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            raise InputError(
                f"unknown variable '{name}'",
                hint=f"Did you mean '{near[0]}'?" if near else "See docs/variables.md.",
            )


def load_runbook(arguments: Mapping[str, Any]) -> runbook.Runbook:
    """Validate the request and load its runbook. Raises InputError."""
    if not _ENVIRONMENT.fullmatch(arguments["environment"]):
        raise InputError(
            "not a name for an environment",
            key="gonogo_environment",
            value=arguments["environment"],
            hint="Use lower-case letters, digits, - and _.",
        )
    for number, waiver in enumerate(arguments["waivers"]):
        _check_waiver(f"gonogo_waivers[{number}]", waiver)
    return runbook.load(
        Path(arguments["runbook"]).expanduser().resolve(),
        profile=arguments["profile"],
        parameters=arguments["parameters"],
    )


def _check_waiver(key: str, waiver: Mapping[str, Any]) -> None:
    unknown = sorted(set(waiver) - _WAIVER_KEYS)
    if unknown:
        raise InputError(
            f"a waiver has no key '{unknown[0]}'",
            key=key,
            hint=f"Known: {', '.join(sorted(_WAIVER_KEYS))}.",
        )
    if ("check" in waiver) == ("criterion" in waiver):
        raise InputError("a waiver names either a check or a criterion", key=key)
    for name in ("owner", "reason", "expires"):
        if not str(waiver.get(name) or "").strip():
            raise InputError(f"a waiver must say its {name}", key=key)
    try:
        date.fromisoformat(str(waiver["expires"]))
    except ValueError:
        raise InputError(
            "the day a waiver expires is written as 2026-01-31",
            key=f"{key}.expires",
            value=waiver["expires"],
        ) from None


def refuse_no_hosts(group: str, hosts: list[str], groups: Mapping[str, Any]) -> None:
    """Ansible calls a play without hosts a success; a run without a target is none."""
    if hosts:
        return
    known = sorted(name for name in groups if name not in {"all", "ungrouped"} and groups[name])
    raise GonogoError(
        f"group '{group}' of the inventory has no hosts",
        detail=f"Groups with hosts: {', '.join(known) or 'none'}.",
        hint="Check the inventory (-i) and its group names.",
    )
