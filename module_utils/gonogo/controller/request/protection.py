"""Protected targets, and what of them the inventory alone may say.

A target is protected unless its inventory says `gonogo_protected: false`, written out, and for the
environment of this very run. A protected target gets nothing without the evidence of a GO
elsewhere, a proven backup, a rehearsal and a person's approval, and nothing that a run writes there
is ever visible. See docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...contract.errors import InputError
from ...contract.options.shared import PER_SHAPE, SIGNING
from ...verdict import PRODUCTION
from ..invocation.native import Variables

__all__ = ["ONLY_INVENTORY", "Protection", "check_extra", "only_inventory", "protection"]
__all__ += ["refuse_extra"]

VARIABLE = "gonogo_protected"
# What would weaken a protected target if it came from anywhere else.
ONLY_INVENTORY = (
    VARIABLE,
    "gonogo_promotion_from",
    "gonogo_promotion_max_age_hours",
    "gonogo_promotion_keys",
    "gonogo_criteria",
    "gonogo_customer",
    PER_SHAPE.name,
    *(variable.name for variable in SIGNING),
)
_ENVIRONMENT = "gonogo_environment"
_HINT = "Set it in the inventory's group_vars or host_vars, and nowhere else."


@dataclass(frozen=True)
class Protection:
    """`protected`; `reason`: why, in words. The others are the inventory's, None if unset."""

    protected: bool
    reason: str
    promotion_from: Any
    promotion_max_age_hours: Any
    promotion_keys: Any = None
    customer: Any = None


def check_extra(extra: Variables) -> None:
    """Refuse a command line that says what only the inventory may say. Raises InputError."""
    refuse_extra(extra, ONLY_INVENTORY)


def refuse_extra(extra: Variables, names: Sequence[str]) -> None:
    """Refuse a command line that says one of these. Raises InputError."""
    for name in names:
        if name in extra:
            raise InputError(
                "extra variables cannot set what only the inventory may say", key=name, hint=_HINT
            )


def only_inventory(
    names: Sequence[str], said: Variables, effective: Variables, *, raised: str = ""
) -> Variables:
    """What the inventory says of each of these, None where it says nothing.

    `said` is what it says of a host, `effective` what a task sees; `raised` may differ. Raises
    InputError for what is a template, or is something else in a task.
    """
    inventory = {name: _written_out(name, said.get(name)) for name in names}
    for name in names:
        value = effective.get(name)
        if name in effective and name != raised and not _same(value, inventory[name]):
            raise InputError(
                "another value than the inventory's comes from somewhere else",
                key=name,
                value=str(value),
                detail=f"The inventory says {_shown(inventory[name])}.",
                hint=_HINT,
            )
    return inventory


def protection(
    said: Variables,
    *,
    play: Variables,
    effective: Variables,
) -> Protection:
    """Whether a host is protected. Raises InputError for what contradicts its inventory.

    `said` is what the inventory says of it (`inventory.Inventory.variables`), `play` the variables
    of the play, `effective` those that a task sees, templated.
    """
    if VARIABLE in play and play[VARIABLE] is not True:
        raise InputError(
            "a playbook can only switch the protection of its targets on",
            key=VARIABLE,
            value=str(play[VARIABLE]),
            hint=_HINT,
        )
    raised = VARIABLE if VARIABLE in play else ""
    inventory = only_inventory(ONLY_INVENTORY, said, effective, raised=raised)
    open_by_inventory = inventory[VARIABLE] is not None and not _flag(inventory[VARIABLE])
    environment = effective.get(_ENVIRONMENT)
    reason = _why(
        playbook=VARIABLE in play,
        open_by_inventory=open_by_inventory,
        environment=environment,
        declared=said.get(_ENVIRONMENT),
    )
    return Protection(
        protected=reason is not None,
        reason=reason or "the inventory says gonogo_protected: false",
        promotion_from=inventory["gonogo_promotion_from"],
        promotion_max_age_hours=inventory["gonogo_promotion_max_age_hours"],
        promotion_keys=inventory["gonogo_promotion_keys"],
        customer=inventory["gonogo_customer"],
    )


def _why(*, playbook: bool, open_by_inventory: bool, environment: Any, declared: Any) -> str | None:
    """Why a target is protected, None if it is not."""
    if environment == PRODUCTION:
        return "production always is"
    if playbook:
        return "this playbook protects every target"
    if not open_by_inventory:
        return "every target is, unless its inventory says gonogo_protected: false"
    if declared != environment:
        return (
            f"the inventory says gonogo_protected: false of {_shown(declared)}, not of "
            f"{environment}"
        )
    return None


def _written_out(name: str, value: Any) -> Any:
    """The value. Raises InputError for a template: other variables would answer it."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            _written_out(name, key)
            _written_out(name, one)
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise InputError(
            "must be written out in the inventory",
            key=name,
            value=value,
            hint="A template could be answered by the command line.",
        )
    return value


def _flag(value: Any) -> bool:
    try:
        return bool(boolean(value, strict=True))
    except TypeError:
        raise InputError(
            "must be true or false", key=VARIABLE, value=str(value), hint=_HINT
        ) from None


def _same(value: Any, said: Any) -> bool:
    if value is None or said is None:
        return value is None and said is None
    return str(value).lower() == str(said).lower()


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
