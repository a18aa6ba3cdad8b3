"""What is asked of an audit of one host, checked before the first connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...contract.options.audit import AuditTask
from .. import runbook
from ..invocation import project, request_form
from ..invocation.native import Variables
from ..invocation.paths import path_of
from ..runbook.derived import DERIVED, DERIVED_PROFILE
from . import requested, waivers
from .waivers import Waiver

__all__ = ["Asked", "check"]


@dataclass(frozen=True)
class Asked:
    """The runbook whose checks are asked, and the waivers that are for this host."""

    runbook: runbook.Runbook
    waivers: Sequence[Waiver]


def check(task: AuditTask, *, host: str, groups: Sequence[str], variables: Variables) -> Asked:
    """Check the request; `variables` are those of this project that are set for the host.

    Raises InputError.
    """
    known, prefixes = project.variables()
    requested.check_variables(variables, known=known, prefixes=prefixes)
    request_form.refuse_secrets(variables)
    requested.check_environment(task.environment)
    requested.check_timeouts({name: text for name, text in task.timeouts.items() if text})
    loaded = _runbook(task)
    accepted = waivers.of_host(waivers.listed(task.waivers, task.waivers_file), host, groups)
    waivers.refuse_unknown(
        accepted,
        checks=loaded.checks,
        criteria={criterion.id for criterion in loaded.declared.criteria},
    )
    return Asked(loaded, accepted)


def _runbook(task: AuditTask) -> runbook.Runbook:
    """Of the derived checks, where they are meant: what the inventory says of another runbook, its
    profile and its parameters, is not about them."""
    directory = DERIVED.resolve()
    if task.migrations is None and task.runbook is not None:
        directory = path_of(task.runbook, key="gonogo_runbook")
    profile, parameters = task.profile, task.parameters
    if directory == DERIVED.resolve():
        plain = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
        known = plain.declared.parameters
        profile = DERIVED_PROFILE
        parameters = {name: value for name, value in parameters.items() if name in known}
    return runbook.load(directory, profile=profile, parameters=parameters, templates=False)
