"""All that is asked of a run on one host, checked before the first connection."""

from __future__ import annotations

from datetime import UTC, datetime

from ...contract.errors import InputError
from ..invocation import person, project, request_form
from ..invocation.native import Variables, native
from . import promotion, requested
from .protection import protection

__all__ = ["check"]


def check(
    host: str,
    *,
    variables: Variables,
    extra: Variables,
    said: Variables,
    play: Variables,
) -> None:
    """Check what is asked for by `variables`, the host's, where `extra` are of the command line.

    `said` is what the inventory says of the host, `play` the variables of the play. Raises
    InputError.
    """
    known, prefixes = project.variables()
    for names in (extra, variables):
        requested.check_variables(names, known=known, prefixes=prefixes)
    values = {name: native(variables.get(name)) for name in sorted(known) if name in variables}
    request_form.refuse_secrets(values)
    requested.require_options(host, values, project.options())
    protected = protection(said, play=play, effective=values)
    about = {"inventory_hostname": host, "group_names": native(variables.get("group_names"))}
    asked = requested.Asked.of({**values, **about})
    loaded = requested.load_runbook(asked, protection=protected)
    requested.check_options(values, project.options())
    requested.check_budgets(values)
    _check_approvers(values)
    promotion.require_rehearsal(values, protection=protected)
    promotion.admitted(
        promotion.wanted(protected, evidence=values.get("gonogo_promotion_evidence")),
        protection=protected,
        environment=asked.environment,
        runbook=loaded,
        now=datetime.now(UTC),
    )


def _check_approvers(values: Variables) -> None:
    """Refuse a name that cannot be seen; that one is missing is said where it is asked for."""
    for name, value in values.items():
        if name.endswith("_approved_by") and value not in (None, ""):
            wrong = person.mistake(value, name)
            if wrong:
                raise InputError(wrong, hint="Write the name of the person who approves.")
