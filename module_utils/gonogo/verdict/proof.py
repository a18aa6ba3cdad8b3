"""What the restored backup says for and against a GO.

`twin.json` has `proven` (true, false, or null where it could not be tried), `required` (whether
an unproven backup stands in the way), `reason`, `backup_sha256` (which archive was restored) and
`proof` (what was compared; see `gonogo.host.compare.proof`). A true that its own record does not
bear out proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .conditions import condition
from .plan import Plan
from .reasons import hold, no_go
from .values import mapping, text_of

__all__ = ["twin_reasons", "unproven"]

_PARTS = ("sequences", "large_objects", "schema")


def twin_reasons(
    plan: Plan, events: Sequence[Mapping[str, Any]], backup: Any, twin: Any, *, protected: bool
) -> list[dict[str, Any]]:
    """What stands against a GO. A stage that failed or did not run is a reason by itself.

    On a protected target a proof is required, whatever the record says.
    """
    record = mapping(twin)
    if record.get("proven") is False:
        text = "the restored backup does not equal its source"
        return [no_go("twin_unequal", "backup", text, observed=record.get("reason"))]
    passed = {event.get("stage") for event in events if event.get("event") == "stage_passed"}
    if "twin" not in passed or "twin" not in plan.stages:
        return []
    if not record:
        return [hold("twin", "backup", "there is no record of the restored backup")]
    if record.get("proven") is True:
        return [
            hold("twin", "backup", f"the record of the restored backup {gap}")
            for gap in _gaps(record, mapping(backup))
        ]
    if record.get("required") is False and not protected:
        return []
    text = "nobody has seen that the backup can be restored"
    return [
        hold(
            "twin_unproven",
            "backup",
            text,
            observed=record.get("reason"),
            hint=record.get("hint"),
        )
    ]


def unproven(twin: Any) -> list[dict[str, str]]:
    """The condition of a backup that was not restored where that is accepted."""
    record = mapping(twin)
    if not record or record.get("proven") is not None or record.get("required") is not False:
        return []
    text = f"the backup was not restored: {text_of(record.get('reason')) or 'no reason given'}"
    return [condition("backup_unproven", "backup", text)]


def _gaps(record: Mapping[str, Any], backup: Mapping[str, Any]) -> Iterator[str]:
    """Why a record that says proven does not bear it out."""
    if not backup.get("sha256") or record.get("backup_sha256") != backup.get("sha256"):
        yield "is about another archive"
    proof = mapping(record.get("proof"))
    tables = mapping(proof.get("tables"))
    if not tables:
        yield "names no table"
    unequal = [name for name, table in tables.items() if not _is_equal(mapping(table))]
    unequal += [part for part in _PARTS if mapping(proof.get(part)).get("equal") is not True]
    if unequal:
        yield f"says that {text_of(unequal[0])} is not equal"
    elif proof.get("equal") is not True:
        yield "does not say that all is equal"


def _is_equal(table: Mapping[str, Any]) -> bool:
    return table.get("equal") is True and all(
        isinstance(table.get(key), (list, tuple))
        and len(table[key]) == 2
        and None not in table[key]
        for key in ("rows", "hash")
    )
