"""What the terminal shows of a fleet: a table that always fits, and a last line for programs."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract.errors import shown
from ...contract.records.fleet import FleetHost, FleetRecord, FleetShape, FleetWaiver

__all__ = ["EXPIRES_SOON_DAYS", "TABLE_LINES", "expiring", "last_line", "table", "unmatched"]

# All that is said of a fleet, the last line among it.
TABLE_LINES = 40
WIDTH = 160
EXPIRES_SOON_DAYS = 14
_HEAD = ("", "score", "host", "database", "first reason")
_LONGEST = (10, 8, 40, 40, WIDTH)
# Beside the rows: the head, what does not fit, shapes, waivers (2), where the summary is, the last
# line.
_BESIDE = 7
# Of a shape that few databases have, their hosts are named.
_NAMED = 3


def table(record: FleetRecord, *, summary: str) -> list[str]:
    """The lines of the table, but for the last one. `summary` is the way to the page for people."""
    room = TABLE_LINES - _BESIDE
    rows = [_cells(host) for host in record.hosts[:room]]
    widths = [max(len(row[at]) for row in (_HEAD, *rows)) for at in range(len(_HEAD))]
    lines = [_line(row, widths) for row in (_HEAD, *rows)]
    left = record.hosts[room:]
    if left:
        verdicts = dict.fromkeys(host.verdict for host in left)
        each = (f"{sum(one.verdict == word for one in left)} more {word}" for word in verdicts)
        lines.append(f"  and {', '.join(each)}")
    lines += _shapes(record.shapes)
    lines += _waivers(record.waivers)
    return [*lines, f"Summary: {summary}"]


def last_line(record: FleetRecord, *, file: str) -> str:
    """For a program that reads nothing else. `file` is the way to fleet.json."""
    counts = record.counts
    words = {
        "fleet": record.fleet_id,
        "verdict": record.verdict,
        "go": counts.go,
        "up_to_date": counts.up_to_date,
        "hold": counts.hold,
        "nogo": counts.no_go,
        "not_judged": counts.not_judged,
        "summary": file,
    }
    return "gonogo: " + " ".join(
        f"{name}={shown(word, limit=1000)}" for name, word in words.items()
    )


def expiring(waivers: Sequence[FleetWaiver]) -> list[FleetWaiver]:
    """Those that expire within two weeks, and those that have expired."""
    return [one for one in waivers if one.days_left <= EXPIRES_SOON_DAYS]


def unmatched(waivers: Sequence[FleetWaiver]) -> list[FleetWaiver]:
    return [one for one in waivers if one.matches_nothing]


def _shapes(shapes: Sequence[FleetShape]) -> list[str]:
    """Nothing where all are of one."""
    if len(shapes) < 2:
        return []
    each = []
    for one in shapes:
        hosts = ", ".join(one.hosts) if len(one.hosts) <= _NAMED else f"{len(one.hosts)} hosts"
        each.append(f"{one.name} on {hosts}")
    return [shown(f"  databases are of {len(shapes)} shapes: {'; '.join(each)}", limit=WIDTH)]


def _waivers(waivers: Sequence[FleetWaiver]) -> list[str]:
    said = []
    soon, nothing = expiring(waivers), unmatched(waivers)
    if soon:
        named = ", ".join(f"{one.subject} {one.expires} ({one.owner})" for one in soon)
        said.append(f"waivers that expire within {EXPIRES_SOON_DAYS} days: {named}")
    if nothing:
        named = ", ".join(f"{one.subject} ({one.owner})" for one in nothing)
        said.append(f"waivers that match nothing: {named}")
    return [shown(f"  {text}", limit=WIDTH) for text in said]


def _cells(host: FleetHost) -> tuple[str, ...]:
    score = f"{host.score.passed}/{host.score.of}" if host.score else ""
    cells = (host.verdict, score, host.host, host.database or "", host.reason or "")
    return tuple(shown(cell, limit=limit) for cell, limit in zip(cells, _LONGEST, strict=True))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return shown(f"  {'  '.join(cells)}".rstrip(), limit=WIDTH)
