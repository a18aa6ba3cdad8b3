"""One page of each kind, made by the code that makes it in a run. Always the same bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gonogo.contract import canonical
from gonogo.contract.records.audit import FILE, AuditRecord, AuditWaiver
from gonogo.contract.records.check_result import CheckResult
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.verdict import VerdictRecord
from gonogo.controller import audit, fleet
from gonogo.controller.audit import Shelf
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.fleet import Member, Place
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.report import next_steps, write_reports
from gonogo.controller.report.parts import Command
from gonogo.controller.request import waivers
from gonogo.controller.request.waivers import Waiver
from tests.browser.kept import Files, kept, written
from tests.unit.test_audit_pages import record as audited
from tests.unit.test_report import EVIL, write_run
from tools.project import PROJECT

__all__ = ["HOSTILE", "KINDS", "REPORTS", "Built", "build"]

TEMPLATES = PROJECT / "roles" / "verdict" / "templates"
_CALLER = Caller(playbooks=["validate_staging.yml"], inventories=["inventories/staging"])

# What the page says in other words.
_PLAINLY = re.compile(r"^(stage failed: |tried on a copy: )+|: (failed|proved nothing)$")
REPORTS = ("go", "hold", "no_go", "deployment", "stopped")
KINDS = (*REPORTS, "fleet", "audit")
# Pages whose every text is the worst there is.
HOSTILE = ("hostile_report", "hostile_fleet", "hostile_audit")


@dataclass(frozen=True)
class Built:
    """A page: its file, and the words that who opens it has to see at once."""

    kind: str
    file: Path
    first: Sequence[str]


def build(folder: Path) -> dict[str, Built]:
    """All pages, below a folder."""
    # Nothing of it has to outlive the machine.
    with patch("os.fsync"):
        reports = _reports(folder)
        pages = [*reports, _fleet(folder, reports), _audit(folder), *_hostile(folder)]
    return {page.kind: page for page in pages}


# --- reports -------------------------------------------------------------------------------------


def _reports(folder: Path) -> list[Built]:
    return [_reported(kind, written(_evidence(kind), folder / "runs" / kind)) for kind in REPORTS]


def _reported(kind: str, run: Path) -> Built:
    verdict = decided(run)
    write_reports(run, TEMPLATES, verdict=verdict, next_steps=_commands(run, verdict))
    reasons = [_PLAINLY.sub("", reason.text) for reason in verdict.reasons[:1]]
    return Built(kind, run / "report.html", [verdict.decision, *reasons])


def _commands(run: Path, verdict: VerdictRecord) -> list[Command]:
    """As somebody in the project's directory gets them, whose runs are in its directory."""
    with chdir(PROJECT):
        found = next_steps(run, verdict, caller=_CALLER)
        there = os.path.relpath(run)
    usual = f"runs/{run.parent.name}/{run.name}"
    return [
        Command(one.words.replace(there, usual), one.line.replace(there, usual)) for one in found
    ]


def _evidence(kind: str) -> Files:
    return _held() if kind == "hold" else kept(kind)


def _held() -> Files:
    """The run that was a GO, where an index is missing and a check has proved nothing."""
    found: dict[str, Mapping[str, object]] = {
        "I1.2": {"status": "fail", "observed": "no index begins with these columns"},
        "C5.2": {
            "status": "inconclusive",
            "observed": "both workspaces see the same 20 rows: nothing tells them apart",
            "samples": ["workspaces.id=3547fa97-92e5-44df-85eb-ea26c6c64220"],
        },
    }
    return _altered(kept("go"), found)


def _altered(files: Files, found: Mapping[str, Mapping[str, object]]) -> Files:
    """The same run, where checks have come to something else."""

    def of(results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [{**result, **found.get(result["check_id"], {})} for result in results]

    rehearsal = files["rehearsal.json"]
    return {
        **files,
        "checks.jsonl": of(files["checks.jsonl"]),
        "rehearsal.json": {**rehearsal, "checks": of(rehearsal["checks"])},
    }


# --- many hosts ----------------------------------------------------------------------------------

_HOSTS = ("go", "no_go", "deployment", "hold", "deployment", "stopped", "go", "deployment")
_WAIVERS: Sequence[Mapping[str, object]] = (
    {
        "check": "I1.2",
        "owner": "Dewi Lestari",
        "reason": "the index is built in the next maintenance window",
        "expires": "2026-12-05",
        "hosts": ["db4*"],
    },
    {
        "check": "D1.3",
        "owner": "Rian Putra",
        "reason": "tables of the old importer are removed with release 14",
        "expires": "2027-03-31",
    },
)
_NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _fleet(folder: Path, reports: Sequence[Built]) -> Built:
    runs = folder / "fleet"
    report_of = {report.kind: report.file for report in reports}
    known = waivers.listed(_WAIVERS, None)
    members = []
    for number, kind in enumerate(_HOSTS, 1):
        host = f"db{number}.example"
        files = _accepting(_evidence(kind), known, host)
        run = written(files, runs, run_id=f"20261129T0930{number:02}Z-0a1b2c", host=host)
        # Where the summary leads to.
        (run / "report.html").symlink_to(report_of[kind])
        members.append(Member(host, run, waivers=known))
    cause = "unreachable: Failed to connect to the host via ssh: connect to host port 22"
    unreached = Member("db9.example", cause=cause, database="shop_staging", waivers=known)
    return _summary("fleet", runs, [*members, unreached])


def _accepting(files: Files, known: Sequence[Waiver], host: str) -> Files:
    """The same run, with the waivers for this host that its runbook has a check for."""
    plan = files["plan.json"]
    there = {check["id"] for check in plan["checks"]}
    words = [one.words for one in waivers.of_host(known, host, []) if one.subject in there]
    return {**files, "plan.json": {**plan, "waivers": words}}


def _summary(kind: str, runs: Path, members: Sequence[Member]) -> Built:
    place = Place(runs, "staging", "20261129T093000Z-fedcba")
    record = fleet.collected(members, place, started_at=_NOON - timedelta(minutes=4), now=_NOON)
    fleet.write(record, place.path)
    first = [record.verdict, record.hosts[0].host, str(record.hosts[0].reason)]
    return Built(kind, place.path / "fleet.html", first)


# --- nights of audits ----------------------------------------------------------------------------

_NIGHTS = 14
_ASKED = (
    *("D5.1", "D5.2", "D5.3", "D5.4", "D6.1", "D6.2", "D7.1", "D7.2", "D7.3", "D7.4"),
    *("D8.1", "D10.1", "D10.2", "D10.4"),
)


def _audit(folder: Path) -> Built:
    runs = folder / "audits"
    files = kept("deployment")
    titles = {one["id"]: (one["title"], one["remedy"]) for one in files["plan.json"]["checks"]}
    passed = {one["check_id"]: one for one in files["checks.jsonl"]}
    last: AuditRecord | None = None
    for night in range(_NIGHTS):
        shelf = Shelf(runs, "staging", "db1.example", "derived", "target")
        last = _night(night, passed, last)
        if night < _NIGHTS - 2:
            # Only the last one and the one that it leads to are looked at.
            shelf.keep(last.audit_id, {FILE: canonical.dumps(plain(last))})
        else:
            page = audit.write(last, shelf, titles=titles, sql={"01_derived": "SELECT 1;\n"})
    assert last is not None
    change = last.changes[0]
    return Built("audit", page / "audit.html", [change.kind, str(change.key)])


def _night(
    night: int, passed: Mapping[str, Mapping[str, Any]], last: AuditRecord | None
) -> AuditRecord:
    at = datetime(2026, 11, 16, 2, tzinfo=UTC) + timedelta(days=night)
    found = _found(night)
    checks = [
        read(CheckResult, {**passed[name], **found.get(name, {})}, file="checks.jsonl")
        for name in _ASKED
    ]
    return AuditRecord(
        format=1,
        audit_id=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c",
        environment="staging",
        host="db1.example",
        database="shop_staging",
        system_identifier="7713391497344443891",
        database_oid=20200,
        runbook="derived",
        runbook_sha256="ab" * 32,
        profile="target",
        started_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        finished_at=f"{at + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}",
        last=last.audit_id if last else None,
        baseline="20261116T020000Z-0a1b2c",
        facts={},
        checks=checks,
        changes=audit.changes(last.checks, checks) if last else (),
        waivers=(_waiver(found),) if night == _NIGHTS - 1 else (),
        notes=(),
        problems=(),
    )


def _found(night: int) -> Mapping[str, Mapping[str, object]]:
    """What is wrong in a night: orphans come and go, a sequence fills up, rights are lost once."""
    orphans = [f"public.Order.id={40 + number}" for number in range(max(0, night - 5) % 5)]
    full = night // 5
    found: dict[str, Mapping[str, object]] = {
        "D5.1": _fault(orphans, f"{len(orphans)} of {200 + night} references lead nowhere"),
        "D5.3": {**_fault([], f"{full} of 9 keys have used more than four fifths"), "examined": 9},
        "D8.1": _fault(
            [f"public.Order.customerId_{number}" for number in range(4 - night // 4)],
            f"{4 - night // 4} of 12 foreign keys stand on columns without an index",
        ),
    }
    found = {name: one for name, one in found.items() if not str(one["observed"]).startswith("0 ")}
    if night in (6, 7):
        found["D6.2"] = {"status": "inconclusive", "observed": "canceling statement: timeout"}
    if night == _NIGHTS - 1:
        rights = ["UPDATE on table public.Order for shop_app"]
        found["D7.1"] = _fault(rights, "1 of 121 rights are gone")
        found["D10.4"] = {"status": "inconclusive", "observed": "another session has the lock"}
    if night == _NIGHTS - 2:
        public = ["table public.Customer: SELECT"]
        found["D7.2"] = _fault(public, "1 of 65 objects are open to PUBLIC")
    return found


def _fault(samples: Sequence[str], observed: str) -> Mapping[str, object]:
    return {"status": "fail", "samples": [*samples], "observed": observed}


def _waiver(found: Mapping[str, object]) -> AuditWaiver:
    return AuditWaiver(
        subject="D8.1",
        owner="Dewi Lestari",
        reason="the index is built in the next maintenance window",
        expires="2026-12-05",
        days_left=6,
        failed=("D8.1",) if "D8.1" in found else (),
    )


# --- hostile texts -------------------------------------------------------------------------------


def _hostile(folder: Path) -> list[Built]:
    report = _reported("hostile_report", write_run(folder / "hostile", text=EVIL, status="fail"))
    cause = EVIL.replace("\ud800", "")
    known = waivers.listed([{**_WAIVERS[0], "reason": cause}], None)
    members = [
        Member(f"h{EVIL}", cause=EVIL, database=EVIL, environment=EVIL, waivers=known),
        Member("x" * 300, cause="y" * 300, database="z" * 63),
    ]
    summary = _summary("hostile_fleet", folder / "hostile", members)
    shelf = Shelf(folder / "hostile", "staging", "db1", "derived", "target")
    evil = replace(audited(EVIL), environment="staging")
    page = audit.write(evil, shelf, titles={"D5.1": (EVIL, EVIL)}, sql={})
    return [
        replace(report, first=[report.first[0]]),
        replace(summary, first=[summary.first[0]]),
        Built("hostile_audit", page / "audit.html", ["new"]),
    ]
