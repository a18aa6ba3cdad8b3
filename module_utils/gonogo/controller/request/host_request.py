"""All that is asked of a run on one host, checked before the first connection."""

from __future__ import annotations

from datetime import UTC, datetime

from ...contract.errors import InputError
from .. import attestation
from ..invocation import person, project, request_form
from ..invocation.native import Variables, native
from ..reading.faults import Faults
from . import fleet_approval, promotion, requested, signing, waves
from .protection import Protection, protection
from .remembered import Remembered

__all__ = ["check"]


def check(
    host: str,
    *,
    variables: Variables,
    extra: Variables,
    said: Variables,
    play: Variables,
    templates: bool = True,
    remembered: Remembered | None = None,
) -> None:
    """Check what is asked for by `variables`, the host's, where `extra` are of the command line.

    `said` is what the inventory says of the host, `play` the variables of the play; `templates` as
    for `runbook.load`. What hosts have in common is `remembered`. Raises one InputError for all
    that is wrong.
    """
    known, prefixes = project.variables()
    faults = Faults()
    with faults.collected():
        requested.check_variables({*extra, *variables}, known=known, prefixes=prefixes)
    written = {name: native(variables.get(name)) for name in sorted(known) if name in variables}
    values = request_form.values_of_texts(written, project.options())
    # What comes next says values.
    request_form.refuse_secrets(values)
    missing = Faults()
    with missing.collected():
        requested.require_options(host, values, project.options())
    if missing.found:
        # What is missing would be told a second time, as of another kind.
        faults.note_all(missing.found)
        faults.refuse()
    with faults.collected():
        protected = protection(said, play=play, effective=values)
        _check_run(
            values,
            protected,
            about={
                "inventory_hostname": host,
                "group_names": native(variables.get("group_names")),
            },
            templates=templates,
            remembered=remembered or Remembered(),
        )
    with faults.collected():
        signing.rules(said, effective=values, extra=extra)
    told = {fault.key for fault in faults.found} - {None}
    unfit = Faults()
    with unfit.collected():
        requested.check_options(values, project.options())
        requested.check_budgets(values)
    faults.note_all(fault for fault in unfit.found if fault.key not in told)
    with faults.collected():
        _check_approvers(values)
    with faults.collected():
        waves.check(values, native(variables.get("groups")))
    with faults.collected():
        _check_key(values)
    with faults.collected():
        fleet_approval.check(values, remembered or Remembered())
    faults.refuse()


def _check_run(
    values: Variables,
    protected: Protection,
    *,
    about: Variables,
    templates: bool,
    remembered: Remembered,
) -> None:
    asked = requested.Asked.of({**values, **about})
    loaded = requested.load_runbook(
        asked, protection=protected, templates=templates, remembered=remembered
    )
    promotion.require_rehearsal(values, protection=protected)
    wanted = promotion.wanted(
        protected,
        evidence=values.get("gonogo_promotion_evidence"),
        evidence_store=values.get("gonogo_evidence_store"),
        ssh_args=values.get("gonogo_evidence_ssh_args"),
    )
    remembered.of(
        ("promotion", repr((wanted, protected)), asked.environment, loaded.sha256),
        lambda: promotion.admitted(
            wanted,
            protection=protected,
            environment=asked.environment,
            runbook=loaded,
            now=datetime.now(UTC),
        ),
    )


def _check_key(values: Variables) -> None:
    """Refuse a key with which nothing could be signed in the end."""
    given = values.get("gonogo_attestation_key")
    if given is not None:
        attestation.private_key(given)


def _check_approvers(values: Variables) -> None:
    """Refuse a name that cannot be seen; that one is missing is said where it is asked for."""
    for name, value in values.items():
        if name.endswith("_approved_by") and value not in (None, ""):
            wrong = person.mistake(value, name)
            if wrong:
                raise InputError(wrong, hint="Write the name of the person who approves.")
