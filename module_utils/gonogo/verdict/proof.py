"""What the restored backup says for and against a GO.

A record that says proven and does not bear it out proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contract.records.backup import BackupRecord
from ..contract.records.event import Event
from ..contract.records.twin import (
    LargeObjectsProof,
    Proof,
    SchemaProof,
    SequencesProof,
    TableProof,
    TwinRecord,
)
from ..contract.records.verdict import Condition, Reason
from .plan import RunPlan
from .reasons import hold, no_go, stages_passed

__all__ = ["twin_reasons", "unproven"]


def twin_reasons(
    plan: RunPlan,
    events: Sequence[Event],
    backup: BackupRecord | None,
    twin: TwinRecord | None,
    *,
    protected: bool,
) -> list[Reason]:
    """What stands against a GO. A stage that failed or did not run is a reason by itself.

    On a protected target a proof is required, whatever the record says.
    """
    if twin and twin.proven is False:
        text = "the restored backup does not equal its source"
        return [no_go("twin_unequal", "backup", text, observed=twin.reason)]
    if "twin" not in stages_passed(events) or "twin" not in plan.stages:
        return []
    if twin is None:
        return [hold("twin", "backup", "there is no record of the restored backup")]
    if twin.proven:
        return [
            hold("twin", "backup", f"the record of the restored backup {gap}")
            for gap in _gaps(twin, backup)
        ]
    if not twin.required and not protected:
        return []
    text = "nobody has seen that the backup can be restored"
    return [hold("twin_unproven", "backup", text, observed=twin.reason, hint=twin.hint)]


def unproven(twin: TwinRecord | None) -> list[Condition]:
    """The condition of a backup that was not restored where that is accepted."""
    if twin is None or twin.proven is not None or twin.required:
        return []
    text = f"the backup was not restored: {twin.reason or 'no reason given'}"
    return [Condition("backup_unproven", "backup", text)]


def _gaps(twin: TwinRecord, backup: BackupRecord | None) -> Iterator[str]:
    """Why a record that says proven does not bear it out."""
    if backup is None or not backup.sha256 or twin.backup_sha256 != backup.sha256:
        yield "is about another archive"
    if twin.proof is None or not twin.proof.tables:
        yield "names no table"
    if twin.proof is None:
        return
    unequal = next(_unequal(twin.proof), None)
    if unequal is not None:
        yield f"says that {unequal} is not equal"
    elif not twin.proof.equal:
        yield "does not say that all is equal"


def _unequal(proof: Proof) -> Iterator[str]:
    yield from (name for name, table in proof.tables.items() if not _is_equal(table))
    parts: dict[str, SequencesProof | LargeObjectsProof | SchemaProof] = {
        "sequences": proof.sequences,
        "large_objects": proof.large_objects,
        "schema": proof.schema,
    }
    yield from (name for name, part in parts.items() if not part.equal)


def _is_equal(table: TableProof) -> bool:
    return table.equal and None not in (*table.rows, *table.hash)
