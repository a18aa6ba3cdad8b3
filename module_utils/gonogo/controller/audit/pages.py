"""The report of an audit, with a small picture of how the number of each check went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...contract import canonical
from ...contract.records.audit import (
    BETTER,
    FILE,
    GONE,
    KINDS,
    NEW,
    WORSE,
    AuditRecord,
    AuditWaiver,
    Change,
)
from ...contract.records.check_result import CheckResult
from ...contract.records.reading import plain
from ..invocation import project
from ..report import inert, waivers
from ..report.parts import Cell, Column, Score, Table, Trend, tone, words
from .comparing import number_of
from .kept import NIGHTS, Shelf
from .said import EXPIRES_SOON_DAYS, counts, expiring, unmatched

__all__ = ["trend", "write"]

# Not an option: a variable could name others.
_TEMPLATES = project.ROOT / "roles" / "verdict" / "templates"
_WIDTH, _HEIGHT, _EDGE = 120, 20, 2
_CHANGED = {
    NEW: "The last audit did not find this.",
    WORSE: "The last audit found less of this, or could find it out.",
    BETTER: "The last audit found more of this, or could not find it out.",
    GONE: "The last audit found this.",
}


@dataclass(frozen=True)
class Row:
    """A check in the report."""

    result: CheckResult
    title: str
    remedy: str
    number: str
    trend: Trend


def write(
    record: AuditRecord,
    shelf: Shelf,
    *,
    titles: Mapping[str, tuple[str, str]],
    sql: Mapping[str, str],
) -> Path:
    """Write all files of an audit; `titles` are title and remedy of each check, `sql` what ran."""
    earlier = list(reversed(shelf.newest))[-(NIGHTS - 1) :]
    rows = [_row(result, earlier, titles) for result in record.checks]
    rows.sort(key=lambda row: row.result.status == "pass")
    names = {
        "audit": record,
        "rows": rows,
        "soon": expiring(record.waivers),
        "soon_days": EXPIRES_SOON_DAYS,
        "unmatched": unmatched(record.waivers),
        "nights": len(earlier) + 1,
    }
    parts = {
        "scores": _scores(record),
        "changes": _changes(record, titles),
        "checks": _checks(rows, len(earlier) + 1),
        "waivers": _waivers(record.waivers),
    }
    return shelf.keep(
        record.audit_id,
        {
            **{f"sql/{name}.sql": text for name, text in sql.items()},
            "audit.md": inert.markdown("audit.md.j2", _TEMPLATES, names),
            "audit.html": inert.html("audit.html.j2", _TEMPLATES, {**names, **parts}),
            # Last: without it there was no audit.
            FILE: canonical.dumps(plain(record)),
        },
    )


def _scores(record: AuditRecord) -> list[Score]:
    """How many changes there are of each kind, where there are any."""
    return [
        Score(str(number), f"{number} {kind}", kind, f"#{kind}")
        for kind, number in counts(record).items()
        if number
    ]


def _changes(
    record: AuditRecord, titles: Mapping[str, tuple[str, str]]
) -> list[tuple[str, str, Table]]:
    """The changes of each kind: the kind, its tone, and what has changed."""
    columns = [Column("Check", head=True), Column("About"), Column("Which"), Column("What")]
    known = {result.check_id for result in record.checks}

    def cells(change: Change) -> list[Cell]:
        link = _link(change.check_id) if change.check_id in known else ""
        title, _ = titles.get(change.check_id, ("", ""))
        about = Cell(change.key or "", code=True)
        return [Cell(change.check_id, link=link), Cell(title), about, Cell(change.text)]

    found = [(kind, [one for one in record.changes if one.kind == kind]) for kind in KINDS]
    return [
        (kind, tone(kind), Table(_CHANGED[kind], columns, [*map(cells, of_kind)]))
        for kind, of_kind in found
        if of_kind
    ]


def _checks(rows: Sequence[Row], nights: int) -> Table:
    columns = [
        Column("Check", head=True),
        Column("About"),
        Column("Result", word=True),
        Column("Number", number=True),
        Column(f"The last {nights}"),
        Column("Observed"),
        Column("Remedy"),
    ]
    return Table("What did not pass comes first.", columns, [_cells(row) for row in rows])


def _cells(row: Row) -> list[Cell]:
    result = row.result
    is_open = result.status != "pass"
    return [
        Cell(result.check_id, anchor=_link(result.check_id)[1:]),
        Cell(row.title),
        Cell(words(result.status), tone(result.status)),
        Cell(row.number),
        Cell(trend=row.trend),
        Cell(result.observed or "", lines=result.samples if is_open else ()),
        Cell(row.remedy if is_open else ""),
    ]


def _link(check_id: str) -> str:
    return f"#check-{check_id}"


def _waivers(known: Sequence[AuditWaiver]) -> Table:
    columns = [
        *waivers.COLUMNS,
        Column("Accepts"),
    ]
    rows = [
        [
            *waivers.cells(one),
            Cell(", ".join(one.failed) or "nothing"),
        ]
        for one in known
    ]
    return Table("What is accepted for now.", columns, rows)


def trend(numbers: Sequence[int | None]) -> Trend:
    known = [number for number in numbers if number is not None]
    most = max([*known, 1])
    step = (_WIDTH - 2 * _EDGE) / max(len(numbers) - 1, 1)
    parts: list[list[tuple[float, float]]] = [[]]
    for at, number in enumerate(numbers):
        if number is None:
            parts.append([])
        else:
            height = (_HEIGHT - 2 * _EDGE) * (1 - number / most)
            parts[-1].append((_EDGE + at * step, _EDGE + height))
    spelled = [[(f"{x:.1f}", f"{y:.1f}") for x, y in part] for part in parts]
    words = ", ".join("unknown" if number is None else str(number) for number in numbers)
    return Trend(
        width=_WIDTH,
        height=_HEIGHT,
        lines=[" ".join(map(",".join, part)) for part in spelled if len(part) > 1],
        dots=[part[0] for part in spelled if len(part) == 1],
        words=words,
    )


def _row(
    result: CheckResult, earlier: Sequence[AuditRecord], titles: Mapping[str, tuple[str, str]]
) -> Row:
    before = [_number(record, result.check_id) for record in earlier]
    now = number_of(result)
    title, remedy = titles.get(result.check_id, ("", ""))
    return Row(
        result=result,
        title=title,
        remedy=remedy,
        number="" if now is None else str(now),
        trend=trend([*before, now]),
    )


def _number(record: AuditRecord, check_id: str) -> int | None:
    return next((number_of(one) for one in record.checks if one.check_id == check_id), None)
