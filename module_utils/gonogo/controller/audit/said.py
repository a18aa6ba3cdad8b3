"""What an audit says on the terminal: a line a change, and a last line for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...contract.errors import shown
from ...contract.records.audit import KINDS, AuditRecord, AuditWaiver

__all__ = ["EXPIRES_SOON_DAYS", "counts", "expiring", "last_line", "lines", "unmatched"]

WIDTH = 300
EXPIRES_SOON_DAYS = 14


def counts(record: AuditRecord) -> dict[str, int]:
    """How many changes there are of each kind."""
    return {kind: sum(one.kind == kind for one in record.changes) for kind in KINDS}


def lines(record: AuditRecord, titles: Mapping[str, str] | None = None) -> list[str]:
    """One line a change, then what the checks ask whose ids are there (id → title), and what there
    is to say of the comparison and of waivers."""
    return [shown(text, limit=WIDTH) for text in _lines(record, titles or {})]


def _lines(record: AuditRecord, titles: Mapping[str, str]) -> Iterator[str]:
    for change in record.changes:
        about = change.key or change.text
        yield f"{change.kind:<6}  {record.host}  {record.database}  {change.check_id}  {about}"
    for check_id in dict.fromkeys(change.check_id for change in record.changes):
        if check_id in titles:
            yield f"{check_id} asks: {titles[check_id]}"
    if not record.changes and record.last:
        yield f"no change  {record.host}  {record.database}  since the audit {record.last}"
    yield from record.notes
    for problem in record.problems:
        yield f"not asked: {problem}"
    for waiver in expiring(record.waivers):
        word = "expired" if waiver.days_left < 0 else "expires"
        yield f"waiver {word} on {waiver.expires}: {waiver.subject} ({waiver.owner})"
    for waiver in unmatched(record.waivers):
        yield f"waiver matches nothing that fails: {waiver.subject} ({waiver.owner})"


def expiring(waivers: Sequence[AuditWaiver]) -> list[AuditWaiver]:
    """Those that expire within two weeks, and those that have expired."""
    return [one for one in waivers if one.days_left <= EXPIRES_SOON_DAYS]


def unmatched(waivers: Sequence[AuditWaiver]) -> list[AuditWaiver]:
    return [one for one in waivers if not one.failed]


def last_line(records: Sequence[AuditRecord], *, not_audited: int) -> str:
    """Of all hosts of a playbook, for a program that reads nothing else."""
    each = [counts(record) for record in records]
    words = {
        "audited": len(records),
        "not_audited": not_audited,
        **{kind: sum(one[kind] for one in each) for kind in KINDS},
        "failing": sum(check.status == "fail" for one in records for check in one.checks),
        "unknown": sum(
            check.status not in ("pass", "fail") for one in records for check in one.checks
        ),
    }
    return "gonogo-audit: " + " ".join(f"{word}={number}" for word, number in words.items())
