"""The report of an audit, with a small picture of how the number of each check went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...contract import canonical
from ...contract.records.audit import FILE, AuditRecord
from ...contract.records.check_result import CheckResult
from ...contract.records.reading import plain
from ..invocation import project
from ..report import inert
from .comparing import number_of
from .kept import NIGHTS, Shelf
from .said import EXPIRES_SOON_DAYS, counts, expiring, unmatched

__all__ = ["Trend", "trend", "write"]

# Not an option: a variable could name others.
_TEMPLATES = project.ROOT / "roles" / "verdict" / "templates"
_WIDTH, _HEIGHT, _EDGE = 120, 20, 2


@dataclass(frozen=True)
class Trend:
    """How a number went, oldest first; where nobody knows it, the line is broken.

    `lines` are the points of its parts, `dots` parts of one point.
    """

    width: int
    height: int
    lines: Sequence[str]
    dots: Sequence[tuple[str, str]]
    words: str


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
    names = {
        "audit": record,
        "rows": sorted(rows, key=lambda row: row.result.status == "pass"),
        "counts": counts(record),
        "soon": expiring(record.waivers),
        "soon_days": EXPIRES_SOON_DAYS,
        "unmatched": unmatched(record.waivers),
        "nights": len(earlier) + 1,
    }
    return shelf.keep(
        record.audit_id,
        {
            **{f"sql/{name}.sql": text for name, text in sql.items()},
            "audit.md": inert.markdown("audit.md.j2", _TEMPLATES, names),
            "audit.html": inert.html("audit.html.j2", _TEMPLATES, names),
            # Last: without it there was no audit.
            FILE: canonical.dumps(plain(record)),
        },
    )


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
