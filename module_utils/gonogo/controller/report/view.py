"""Reports of a run, for people and for CI: made from evidence and verdict, nothing else.

What templates print is inert, see `inert`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from ...contract.records.deployment import Deployment
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ...contract.records.verdict import UP_TO_DATE, VerdictRecord
from ..evidence import Evidence, Run, load
from . import inert, junit, sarif
from .causes import Causes
from .costs import active, deployed, rehearsed, table_rows
from .findings import findings
from .log import log, other_facts
from .page import Files, Page
from .parts import Command, tone
from .proof import backup_rows, proof
from .results import all_checks, check_lines, decided, score_cells
from .timeline import time_line
from .values import Row, database, value
from .why import became, migration, outlook, rests_on, why

__all__ = [
    "page_of",
    "render_html",
    "render_junit",
    "render_markdown",
    "suite",
    "write_reports",
]


def write_reports(
    run_dir: Path,
    templates_dir: Path,
    *,
    verdict: VerdictRecord | None = None,
    next_steps: Sequence[Command] = (),
) -> None:
    """Write report.md, report.html, junit.xml and report.sarif into the run's directory.

    Without a `verdict` the directory's verdict.json is read.
    Give it when the verdict is still to be published, so that a GO never appears before its
    report does. `next_steps` are the commands to be pasted: how the playbook was started is no
    part of the evidence. Raises `GonogoError` if a file cannot be written or there is no verdict.
    """
    run = Run.open(run_dir)
    evidence = load(run_dir)
    document = run.read(VerdictRecord) if verdict is None else verdict
    page = page_of(evidence, document, next_steps=next_steps)
    run.publish("report.md", render_markdown(page, templates_dir))
    run.publish("report.html", render_html(page, templates_dir))
    run.publish("junit.xml", render_junit(page))
    run.publish("report.sarif", sarif.render_sarif(evidence, document))


def page_of(
    evidence: Evidence, verdict: VerdictRecord, *, next_steps: Sequence[Command] = ()
) -> Page:
    """Gather what the reports say."""
    plan, score = evidence.plan, verdict.score
    rehearsal = readable(Rehearsal, evidence.rehearsal, file=Rehearsal.FILE)
    deployment = readable(Deployment, evidence.deploy, file=Deployment.FILE)
    checks = check_lines(evidence, verdict, rehearsal)
    causes = Causes(rehearsal, deployment)
    found = findings(evidence.path, verdict, checks, causes)
    told = frozenset(one.anchor for one in found)
    held = table_rows(evidence.twin)
    costs = (rehearsed(rehearsal, held), active(deployment), deployed(deployment, held))
    title = (plan.title if plan else "") or verdict.runbook or "unknown runbook"
    return Page(
        title=title,
        subject=_subject(verdict),
        verdict=verdict,
        tone=tone(verdict.decision),
        score=f"{score.passed}/{score.of}",
        percent=score.passed * 100 // score.of if score.of else 0,
        about=_about(evidence, verdict, title, rests_on(evidence, checks, rehearsal)),
        why=why(verdict, checks, became(plan, deployment, rehearsal), causes),
        cells=score_cells(evidence, verdict, checks, told),
        decided=decided(evidence, verdict),
        outlook=outlook(verdict),
        next_steps=next_steps,
        time_line=time_line(evidence.events, idle=_idle(evidence.twin, rehearsal)),
        proof=proof(evidence.twin, evidence.backup),
        costs=[one for one in costs if one is not None],
        findings=found,
        checks=checks,
        all_checks=all_checks(checks, told),
        log=log(evidence, verdict, checks),
        backup=backup_rows(evidence.backup),
        facts=other_facts(plan, evidence.facts),
        files=Files(
            sql=sorted(path.name for path in (evidence.path / "sql").glob("*") if path.is_file()),
            ledger=len(evidence.ledger),
        ),
    )


def _idle(twin: TwinRecord | None, rehearsal: Rehearsal | None) -> frozenset[str]:
    """Stages that have passed and done nothing, such as a twin that is switched off."""
    idle = []
    if twin is not None and twin.proven is None:
        idle.append(TwinRecord.FILE)
    if rehearsal is not None and rehearsal.done is None:
        idle.append(Rehearsal.FILE)
    return frozenset(file.removesuffix(".json") for file in idle)


def _subject(verdict: VerdictRecord) -> str:
    """Which database: its name and where it is."""
    host = verdict.target.inventory_host if verdict.target else ""
    name = database(verdict.target)
    named = f"database {name}" if name else "unknown database"
    return f"{named} on {host}" if host else named


def _about(evidence: Evidence, verdict: VerdictRecord, title: str, rests: str) -> list[Row]:
    return [
        ("Environment", value(verdict.environment)),
        ("Migration", migration(evidence, verdict, title)),
        ("Run", f"{value(verdict.run_id)}, {value(verdict.finished_at)[:16]}"),
        ("Rests on", rests),
    ]


# --- Markdown and HTML --------------------------------------------------------------------------


def render_markdown(page: Page, templates_dir: Path) -> str:
    """Return report.md. Raises `GonogoError` for a template that prints raw text."""
    return inert.markdown("report.md.j2", templates_dir, page.names())


def render_html(page: Page, templates_dir: Path) -> str:
    """Return report.html: one file, no script, nothing loaded from anywhere."""
    return inert.html("report.html.j2", templates_dir, page.names())


# --- JUnit --------------------------------------------------------------------------------------


def render_junit(page: Page) -> str:
    """Return junit.xml; green means GO."""
    return junit.text_of(_suite(page))


def suite(run_dir: Path, verdict: VerdictRecord) -> ElementTree.Element:
    """Return what junit.xml of this run says."""
    return _suite(page_of(load(run_dir), verdict))


def _suite(page: Page) -> ElementTree.Element:
    """Return a case per check and one for the decision.

    A check that does not count, or whose failure is waived, is `skipped` unless it passed, and so
    is one that does not apply.
    """
    verdict = page.verdict
    found = junit.new_suite(page.title)
    for check in page.checks:
        case = junit.case(found, check.criterion, f"{check.id} {check.title}")
        case.set("time", check.seconds or "0")
        if check.status != "pass":
            outcome = "failure" if check.status == "fail" else "error"
            message = f"expected: {check.expected}; observed: {check.observed}"
            more = [*check.samples, *check.notes, check.remedy]
            junit.outcome(case, outcome if check.counts else "skipped", message, more)
        elif not check.applies:
            junit.outcome(case, "skipped", check.word)
    decision = junit.case(found, "decision", "The decision is GO")
    if verdict.decision == UP_TO_DATE:
        junit.outcome(decision, "skipped", "nothing is pending: no migration was judged")
    elif verdict.decision != "GO":
        outcome = "failure" if verdict.decision == "NO-GO" else "error"
        reasons = [f"{reason.subject}: {reason.text}" for reason in verdict.reasons]
        junit.outcome(decision, outcome, f"{verdict.decision} {page.score}", reasons)
    junit.count(found)
    return found
