"""The directory of a fleet's summary, for people and CI. The hosts' own reports stay as they
are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from ...contract import canonical
from ...contract.errors import visible
from ...contract.records.fleet import FILE, NOT_JUDGED, FleetHost, FleetRecord
from ...contract.records.reading import plain
from ...contract.records.verdict import UP_TO_DATE
from ..evidence import disk, judgement
from ..invocation import project
from ..report import inert, junit, view
from .told import EXPIRES_SOON_DAYS, expiring, unmatched

__all__ = ["TEMPLATES", "render_html", "render_junit", "render_markdown", "write"]

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
    return inert.html("fleet.html.j2", TEMPLATES, _names(record))


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
        "css": {NOT_JUDGED: "HOLD"},
    }


def _counts(record: FleetRecord) -> list[tuple[str, int]]:
    found = record.counts
    each = [("NO-GO", found.no_go), ("HOLD", found.hold), (NOT_JUDGED, found.not_judged)]
    return [*each, ("GO", found.go), (UP_TO_DATE, found.up_to_date)]


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
