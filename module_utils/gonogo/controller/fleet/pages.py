"""The directory of a fleet's summary, for people and CI. The hosts' own reports stay as they
are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from ...contract import canonical
from ...contract.errors import visible
from ...contract.records.fleet import (
    FILE,
    NOT_JUDGED,
    FleetHost,
    FleetRecord,
    FleetShape,
    FleetWaiver,
)
from ...contract.records.reading import plain
from ...contract.records.verdict import UP_TO_DATE
from ..evidence import disk, judgement
from ..invocation import project
from ..report import inert, junit, view, waivers
from ..report.parts import Cell, Column, Score, Table, tone
from .told import EXPIRES_SOON_DAYS, expiring, unmatched

__all__ = ["TEMPLATES", "render_html", "render_junit", "render_markdown", "write"]

# So many objects that differ between shapes are shown.
_PARTS_SHOWN = 200
# Not an option: a variable could name others.
TEMPLATES = project.ROOT / "roles" / "verdict" / "templates"


def write(record: FleetRecord, directory: Path) -> None:
    """Write the four files of the summary. Raises `GonogoError` if one cannot be written."""
    pages = {
        "fleet.md": render_markdown(record),
        "fleet.html": render_html(record),
        "junit.xml": render_junit(record, directory),
        # Last: who finds it finds the others.
        FILE: canonical.dumps(plain(record)),
    }
    with disk.explained("write the summary of all hosts"):
        disk.make_dirs(directory)
        for name, text in pages.items():
            disk.replace(directory / name, text.encode())


def render_markdown(record: FleetRecord) -> str:
    return inert.markdown("fleet.md.j2", TEMPLATES, _names(record))


def render_html(record: FleetRecord) -> str:
    parts = {
        "tone": tone(record.verdict),
        "scores": _scores(record),
        "hosts": _hosts(record.hosts),
        "waivers": _waivers(record.waivers),
        "shapes": _shapes(record.shapes),
        "parts_of_shapes": _parts(record.shapes),
    }
    return inert.html("fleet.html.j2", TEMPLATES, {**_names(record), **parts})


def render_junit(record: FleetRecord, directory: Path) -> str:
    """The checks of all hosts, a suite for each; suites and classes have host and database."""
    suites = [_suite(host, directory) for host in record.hosts]
    return junit.text_of(junit.total(suites, f"{record.environment} {record.fleet_id}"))


def _names(record: FleetRecord) -> Mapping[str, object]:
    return {
        "fleet": record,
        "soon": expiring(record.waivers),
        "soon_days": EXPIRES_SOON_DAYS,
        "unmatched": unmatched(record.waivers),
        "counts": _counts(record),
        "differing": differing(record.shapes),
    }


def _counts(record: FleetRecord) -> list[tuple[str, int]]:
    found = record.counts
    each = [("NO-GO", found.no_go), ("HOLD", found.hold), (NOT_JUDGED, found.not_judged)]
    return [*each, ("GO", found.go), (UP_TO_DATE, found.up_to_date)]


def _scores(record: FleetRecord) -> list[Score]:
    """How many hosts there are of each verdict; a cell leads to the first of them."""
    return [
        Score(
            str(number), f"{number} of {len(record.hosts)} hosts: {word}", word, f"#{_anchor(word)}"
        )
        for word, number in _counts(record)
        if number
    ]


def _anchor(verdict: str) -> str:
    return verdict.lower().replace(" ", "-")


def _hosts(hosts: Sequence[FleetHost]) -> Table:
    columns = [
        Column("Host", head=True),
        Column("Verdict", word=True),
        Column("Score", number=True),
        Column("Database"),
        Column("First reason"),
        Column("Seconds", number=True),
        Column("Head of the evidence"),
    ]
    # Of each verdict the first one.
    first = {host.verdict: host.host for host in reversed(hosts)}
    rows = [_cells(host, is_first=first[host.verdict] == host.host) for host in hosts]
    return Table("The worst come first; a name leads to the report.", columns, rows)


def _cells(host: FleetHost, *, is_first: bool) -> list[Cell]:
    return [
        Cell(
            host.host,
            link=f"{host.directory}/report.html" if host.directory else "",
            anchor=_anchor(host.verdict) if is_first else "",
        ),
        Cell(host.verdict, tone(host.verdict)),
        Cell(f"{host.score.passed}/{host.score.of}" if host.score else ""),
        Cell(host.database or "", code=True),
        Cell(host.reason or ""),
        Cell("" if host.seconds is None else str(host.seconds)),
        Cell((host.evidence_head or "")[:16], code=True),
    ]


def _waivers(known: Sequence[FleetWaiver]) -> Table:
    columns = [
        *waivers.COLUMNS,
        Column("For"),
        Column("Applied"),
        Column("Not needed"),
        Column("Could not be applied"),
    ]
    rows = [
        [
            *waivers.cells(one),
            Cell("every host" if one.for_hosts is None else ", ".join(one.for_hosts)),
            Cell(", ".join(one.applied)),
            Cell(", ".join(one.not_needed)),
            Cell(", ".join(one.refused)),
        ]
        for one in known
    ]
    return Table("What is accepted for now; what expires first comes first.", columns, rows)


@dataclass
class Differing:
    """An object that is not the same in all shapes: the names of those where it is not as in the
    first. `missing` is it there and not here, `extra` here and not there."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def differing(shapes: Sequence[FleetShape]) -> dict[str, Differing]:
    """The objects that are not the same in all shapes, by their names."""
    found: dict[str, Differing] = {}
    for shape in shapes:
        for one in shape.differences:
            getattr(found.setdefault(one.name, Differing()), one.kind).append(shape.name)
    return dict(sorted(found.items())[:_PARTS_SHOWN])


def _shapes(shapes: Sequence[FleetShape]) -> Table:
    columns = [
        Column("Shape", head=True),
        Column("Databases", number=True),
        Column("Hosts"),
        Column("Rehearsed on"),
        Column("Objects", number=True),
        Column("Not as in the first", number=True),
        Column("Digest"),
    ]
    rows = [
        [
            Cell(one.name),
            Cell(str(len(one.hosts))),
            Cell(", ".join(one.hosts)),
            Cell(", ".join(one.rehearsed_on)),
            Cell(str(one.objects)),
            Cell(str(one.differing) if one is not shapes[0] else ""),
            Cell(one.sha256[:16], code=True),
        ]
        for one in shapes
    ]
    return Table("Databases of one shape differ in rows alone.", columns, rows)


def _parts(shapes: Sequence[FleetShape]) -> Table:
    columns = [
        Column("Object", head=True),
        Column("Missing in"),
        Column("Only in"),
        Column("Different in"),
    ]
    rows = [
        [Cell(name, code=True), *(Cell(", ".join(which)) for which in vars(one).values())]
        for name, one in differing(shapes).items()
    ]
    first = shapes[0].name if shapes else ""
    return Table(f"What is not as in shape {first}.", columns, rows)


def _suite(host: FleetHost, directory: Path) -> Element:
    name = " ".join(filter(None, (host.host, host.database)))
    if host.directory is None:
        suite = junit.new_suite(name)
        case = junit.case(suite, f"{_class(host)}.decision", "The decision is GO")
        junit.outcome(case, "error", f"{NOT_JUDGED}: {host.reason}")
    else:
        # The directory need not be there yet.
        path = Path(os.path.normpath(directory / host.directory))
        suite = view.suite(path, judgement.decided(path))
        suite.set("name", visible(name))
        for case in suite:
            case.set("classname", f"{_class(host)}.{case.get('classname')}")
    junit.count(suite)
    return suite


def _class(host: FleetHost) -> str:
    """Dots divide a class for CI: those of a name would be levels of their own."""
    parts = (host.host, host.database or "unknown")
    return visible(".".join(part.replace(".", "_") for part in parts))
