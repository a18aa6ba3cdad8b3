"""What the backup is worth: its record, and what it was found to be when it was restored."""

from __future__ import annotations

from ...contract.records.backup import BackupRecord
from ...contract.records.reading import plain
from ...contract.records.twin import Confined, TableProof, TwinRecord, TwinSeconds
from .page import Proof
from .parts import Cell, Column, Table
from .values import Row, count, number, rows, seconds, size, steps, value

__all__ = ["backup_rows", "proof"]

_TABLES_SHOWN = 200
_COLUMNS = (
    Column("Table", head=True),
    Column("Rows at the source", number=True),
    Column("Rows restored", number=True),
    Column("Content"),
)


def backup_rows(record: BackupRecord | None) -> list[Row]:
    """The record of the backup, its best-known keys first."""
    if record is None:
        return []
    backup = {**plain(record), "seconds": steps(record.seconds)}
    first = ("file", "size", "sha256", "seconds")
    # These lists are for restoring; they are as long as the database has tables.
    lists = {"files", "tables"}
    keys = [key for key in first if key in backup] + sorted({*backup} - {*first, *lists})
    unit = {"size": " bytes"}
    return [(key, value(backup[key]) + unit.get(key, "")) for key in keys]


def proof(twin: TwinRecord | None, backup: BackupRecord | None) -> Proof:
    """What the restored backup was found to be, and its tables one by one."""
    if twin is None:
        return Proof("The backup was not restored." if backup else "There is no backup.")
    taken = twin.seconds or TwinSeconds()
    head: dict[str, object] = {
        "proven": twin.proven,
        "reason": twin.reason,
        "restore time": None if taken.restore is None else f"{taken.restore} s",
        "seconds": steps(twin.seconds),
        "restored into": twin.method,
        "first attempt to restore it failed": twin.first_attempt,
        "taken from its server": _confinement(twin.confinement),
    }
    if twin.proof:
        schema = twin.proof.schema
        head |= {
            "sequences that differ": plain(twin.proof.sequences.different),
            "objects of the schema": schema.objects,
            "objects that differ": plain(schema.differences),
            "the way back does not bring": plain(schema.not_carried),
        }
    each = twin.proof.tables if twin.proof else {}
    # What differs first, and all of that.
    ordered = sorted(each.items(), key=lambda item: item[1].equal)
    different = sum(not table.equal for table in each.values())
    shown = max(_TABLES_SHOWN, different)
    more = len(ordered) - shown
    table = Table(
        "Each table at the source and restored",
        _COLUMNS,
        [_compared(name, found) for name, found in ordered[:shown]],
    )
    return Proof(
        words=_words(twin, backup),
        head=rows(head),
        tables=table if each else None,
        more=f"{more} more are equal, see {twin.FILE}" if more > 0 else "",
        differs=bool(different),
    )


def _words(twin: TwinRecord, backup: BackupRecord | None) -> str:
    """The proof in two or three sentences."""
    if twin.proof is None:
        said = f"The backup is unproven: {twin.reason or 'it was not restored'}."
    else:
        tables = twin.proof.tables.values()
        held = sum(table.rows[0] or 0 for table in tables)
        different = sum(not table.equal for table in tables)
        word = "all equal their source" if not different else f"{number(different)} differ"
        said = f"{count(len(tables), 'table')} with {number(held)} rows were compared: {word}."
        if twin.proven is False and not different:
            said += f" Yet the restored backup is not its source: {twin.reason or 'see below'}."
    restore = twin.seconds.restore if twin.seconds else None
    if restore is not None:
        of = f" of {size(backup.size)}" if backup else ""
        said += f" The restore{of} took {seconds(restore)}."
    lost = twin.proof.schema.not_carried if twin.proof else ()
    if lost:
        said += f" {count(len(lost), 'thing')} the way back does not bring, named below."
    return said


def _confinement(found: Confined | None) -> str | None:
    """What the twin's server could not reach, and why not where it could."""
    if found is None:
        return None
    taken = {"files": found.files, "network": found.network, "signals": found.signals}
    said = ", ".join(word for word, is_taken in taken.items() if is_taken) or "nothing"
    return f"{said} ({found.reason})" if found.reason else said


def _compared(name: str, table: TableProof) -> list[Cell]:
    source, restored = table.rows
    word, tone = ("equal", "good") if table.equal else ("DIFFERENT", "bad")
    return [Cell(name), Cell(value(source)), Cell(value(restored)), Cell(word, tone)]
