"""Reports of a run, for people and for CI: made from evidence and verdict, nothing else.

What templates print is inert, see `inert`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...contract import canonical
from ...contract.errors import shown, visible
from ...contract.records.backup import BackupRecord
from ...contract.records.deployment import Deployment
from ...contract.records.history import HistoryRecord
from ...contract.records.plan import PlannedCheck, PlanRecord
from ...contract.records.readable import readable
from ...contract.records.reading import plain
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import Target
from ...contract.records.twin import Confined, TableProof, TwinRecord, TwinSeconds
from ...contract.records.verdict import Reason, VerdictRecord
from ..evidence import Evidence, Run, load
from ..outcome import trace
from . import inert, junit
from .page import CheckLine, CriterionLine, Labelled, Page, Proof, Row, TableLine

__all__ = [
    "nothing_judged",
    "render_html",
    "render_junit",
    "render_markdown",
    "suite",
    "summary_lines",
    "write_reports",
]

SUMMARY_LINES = 25
_LINE_END = re.compile(r"([:,;]?)[ \t]*\n\s*")
SUMMARY_WIDTH = 200

# The classes of criteria in their order, and their headings where the runbook has no others.
HEADINGS = {
    "preflight": "Preflight",
    "critical": "Critical Criteria",
    "invariant": "Invariants",
    "indicator": "Indicators",
    "important": "Important Criteria",
    "nice": "Nice to Have",
}
WORDS = {"pass": "PASS", "fail": "FAIL", "not_run": "NOT RUN", "inconclusive": "INCONCLUSIVE"}


def write_reports(
    run_dir: Path, templates_dir: Path, *, verdict: VerdictRecord | None = None
) -> None:
    """Write report.md, report.html and junit.xml into the run's directory.

    Without a `verdict` the directory's verdict.json is read.
    Give it when the verdict is still to be published, so that a GO never appears before its
    report does. Raises `GonogoError` if a file cannot be written or there is no verdict.
    """
    run = Run.open(run_dir)
    evidence = load(run_dir)
    document = run.read(VerdictRecord) if verdict is None else verdict
    page = _page(evidence, document)
    run.publish("report.md", render_markdown(page, templates_dir))
    run.publish("report.html", render_html(page, templates_dir))
    run.publish("junit.xml", render_junit(page))


def summary_lines(verdict: VerdictRecord, *, report: str | None = None) -> list[str]:
    """Return what the terminal shows at the end of a run: at most 25 safe lines.

    `report` is the way to the report as the person would type it.
    """
    score = verdict.score
    words = (
        verdict.decision,
        f"{score.passed}/{score.of}",
        verdict.environment or "unknown environment",
        _database(verdict.target) or "unknown database",
        f"run {verdict.run_id or 'unknown'}",
    )
    lines = ["  ".join(words)]
    blocks = [_reason_lines(reason) for reason in _to_say(verdict.reasons)]
    for shown_blocks, block in enumerate(blocks):
        # Two lines are kept for what does not fit and for the report.
        if len(lines) + len(block) > SUMMARY_LINES - 2:
            lines.append(f"  and {_count(len(blocks) - shown_blocks, 'more reason')} in the report")
            break
        lines += block
    if not blocks:
        notes = [f"  {note.subject}  {note.text}" for note in verdict.conditions]
        lines += notes[: SUMMARY_LINES - 2]
    if report is None:
        report = f"runs/{verdict.environment}/{verdict.run_id}/report.md"
    return [shown(line, limit=SUMMARY_WIDTH) for line in (*lines, f"Report: {report}")]


def nothing_judged(why: str, *, host: str | None = None) -> str:
    """What the terminal shows instead, of a run without a verdict."""
    of = f"{visible(host)}  " if host else ""
    return f"HOLD  {of}nothing was judged: {visible(why)}"


def _to_say(reasons: Sequence[Reason]) -> list[Reason]:
    """Without the checks that did not run because a stage failed, or what was tried on the copy:
    that says why."""
    if not any(reason.code in ("stage_failed", "rehearsal_failed") for reason in reasons):
        return list(reasons)
    silent = ("check_not_run", "stage_not_run")
    said = [reason for reason in reasons if reason.code not in silent]
    number = sum(reason.code == "check_not_run" for reason in reasons)
    if number:
        text = f"{_count(number, 'check')} did not run"
        nothing = dict.fromkeys(("expected", "observed", "hint"))
        said.append(Reason("check_not_run", "hold", "checks", text, **nothing))
    return said


def _reason_lines(reason: Reason) -> list[str]:
    """Return one reason for the terminal: the finding, then what was expected, seen, advised."""
    word = "NO-GO" if reason.severity == "no_go" else "HOLD"
    return [f"  {word:<5}  {reason.subject}  {reason.text}"] + [
        f"         {key}: {_in_one_line(said)}"
        for key, said in (
            ("expected", reason.expected),
            ("observed", reason.observed),
            ("hint", reason.hint),
        )
        if said
    ]


def _in_one_line(said: str) -> str:
    return _LINE_END.sub(lambda end: f"{end[1] or ';'} ", said.strip())


# --- what a report says -------------------------------------------------------------------------


def _page(evidence: Evidence, verdict: VerdictRecord) -> Page:
    """Gather what the reports say."""
    plan = evidence.plan
    checks = [_check_view(check, evidence, verdict) for check in (plan.checks if plan else ())]
    score = verdict.score
    labelled, facts = _facts(plan, evidence.facts)
    return Page(
        title=(plan.title if plan else "") or verdict.runbook or "unknown runbook",
        verdict=verdict,
        score=f"{score.passed}/{score.of}",
        percent=score.passed * 100 // score.of if score.of else 0,
        head=_head(evidence, verdict),
        labelled=labelled,
        facts=facts,
        groups=_groups(plan, verdict),
        checks=checks,
        justification=_justification(verdict, checks),
        backup=_backup(evidence.backup),
        proof=_proof(evidence.twin),
        rehearsal=_rehearsal(readable(Rehearsal, evidence.rehearsal, file=Rehearsal.FILE)),
        deployment=trace.view(
            readable(Deployment, evidence.deploy, file=Deployment.FILE), shown=_value
        ),
        sql=sorted(path.name for path in (evidence.path / "sql").glob("*") if path.is_file()),
        ledger=len(evidence.ledger),
        stages=[
            (event.stage, event.event == "stage_passed", event.at)
            for event in evidence.events
            if event.event in ("stage_passed", "stage_failed")
        ],
    )


def _head(evidence: Evidence, verdict: VerdictRecord) -> list[Row]:
    run, target = evidence.run, verdict.target
    return [
        ("Date", _value(verdict.finished_at)),
        ("Tester", _value(run.operator if run else None)),
        ("Environment", _value(verdict.environment)),
        ("Database", _value(_database(target))),
        *_target(target),
        ("Run", _value(verdict.run_id)),
        ("Started", _value(run.started_at if run else None)),
        ("Runbook", _value(verdict.runbook)),
        ("Runbook SHA-256", _value(verdict.runbook_sha256)),
        *_migrations(evidence.history),
        ("Profile", _value(verdict.profile)),
        ("Test rows", _value(verdict.residue)),
        ("Head of the evidence", _value(verdict.evidence_head)),
    ]


def _migrations(found: HistoryRecord | None) -> list[Row]:
    """What is judged of a folder of migrations, where the run is about one."""
    if found is None:
        return []
    return [
        ("Migrations", _value(f"{len(found.pending)} of {len(found.files)} in {found.directory}")),
        ("Migration tool", _value(found.tool)),
        *(("Judged", _value(name)) for name in found.pending[:20]),
    ]


def _facts(plan: PlanRecord | None, facts: Mapping[str, object]) -> tuple[Labelled, list[Row]]:
    """Return the facts that the runbook has labels for, and the others by their names."""
    declared = plan.report.facts if plan and plan.report else None
    labels = {one.fact: one.label for one in (declared.labels if declared else ())}
    labelled = Labelled(
        heading=declared.heading if declared else "",
        rows=[(label, _value(facts.get(key))) for key, label in labels.items()],
    )
    others = [(key, _value(value)) for key, value in sorted(facts.items()) if key not in labels]
    return labelled, others


def _groups(
    plan: PlanRecord | None, verdict: VerdictRecord
) -> list[tuple[str, list[CriterionLine]]]:
    """Return the criteria under their headings, classes without any left out."""
    groups = []
    own = (plan.report.headings if plan and plan.report else None) or {}
    for kind, heading in HEADINGS.items():
        rows = [
            CriterionLine(
                id=criterion.id,
                title=criterion.title,
                status=verdict.criteria.get(criterion.id, "not_run"),
                of=_value([*(criterion.of or ())]),
            )
            for criterion in (plan.criteria if plan else ())
            if criterion.class_ == kind
        ]
        if rows:
            groups.append((own.get(kind, heading), rows))
    return groups


def _check_view(check: PlannedCheck, evidence: Evidence, verdict: VerdictRecord) -> CheckLine:
    found = [result for result in evidence.checks if result.check_id == check.id]
    status = verdict.checks.get(check.id, "not_run")
    # Of several results the one that decided.
    deciding = (result for result in found if result.status == status)
    result = next(deciding, found[-1] if found else None)
    notes = [note for note in verdict.conditions if note.subject == check.id]
    return CheckLine(
        id=check.id,
        title=check.title,
        criterion=check.criterion,
        phase=(result.phase if result else "") or check.phase,
        status=status,
        examined=_value(result.examined if result else None),
        seconds=f"{result.seconds:.3f}" if result else "",
        expected=_value(result.expected if result else None),
        observed=_value(result.observed if result else None),
        samples=[*(result.samples if result else ())],
        remedy=check.remedy,
        counts=not any(note.code in ("informational", "waiver_applied") for note in notes),
        notes=[note.text for note in notes],
    )


def _backup(record: BackupRecord | None) -> list[tuple[str, str]]:
    """Return the record of the backup, its best-known keys first."""
    if record is None:
        return []
    backup = {**plain(record), "seconds": _seconds(record.seconds)}
    first = ("file", "size", "sha256", "seconds")
    # These lists are for restoring; they are as long as the database has tables.
    lists = {"files", "tables"}
    keys = [key for key in first if key in backup] + sorted({*backup} - {*first, *lists})
    unit = {"size": " bytes"}
    return [(key, _value(backup[key]) + unit.get(key, "")) for key in keys]


def _seconds(record: object) -> str | None:
    """Return how long each step took, None where there was none."""
    steps = (plain(record) or {}).items()
    return ", ".join(f"{step.replace('_', ' ')} {taken} s" for step, taken in steps) or None


_TABLES_SHOWN = 200


def _proof(twin: TwinRecord | None) -> Proof:
    """Return what the restored backup was found to be, and its tables one by one."""
    if twin is None:
        return Proof()
    seconds = twin.seconds or TwinSeconds()
    head: dict[str, object] = {
        "proven": twin.proven,
        "reason": twin.reason,
        "restore time": None if seconds.restore is None else f"{seconds.restore} s",
        "seconds": _seconds(twin.seconds),
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
    tables = [
        _compared(name, table) for name, table in (twin.proof.tables.items() if twin.proof else ())
    ]
    # What differs first, and all of that.
    tables.sort(key=lambda table: table.equal)
    shown = max(_TABLES_SHOWN, sum(not table.equal for table in tables))
    return Proof(
        head=[(label, _value(value)) for label, value in head.items() if value not in (None, [])],
        tables=tables[:shown],
        more=f"{len(tables) - shown} more are equal, see {twin.FILE}" if tables[shown:] else "",
    )


def _confinement(found: Confined | None) -> str | None:
    """Return what the twin's server could not reach, and why not where it could."""
    if found is None:
        return None
    taken = {"files": found.files, "network": found.network, "signals": found.signals}
    said = ", ".join(word for word, is_taken in taken.items() if is_taken) or "nothing"
    return f"{said} ({found.reason})" if found.reason else said


def _rehearsal(record: Rehearsal | None) -> trace.View:
    """Return what was tried on the twin: what it came to, and what each statement cost."""
    if record is None:
        return trace.View([], [])
    undone, again, back, problem = record.undone, record.again, record.back, record.problem
    deployment = trace.view(record.deployment, shown=_value)
    head = {
        "rehearsed": record.done is True,
        "why not": record.reason,
        "what went wrong": problem.message if problem else None,
        "why": problem.detail if problem else None,
        "tables whose rows the migration changes": sorted(record.rows_changed),
        "time to take it back": f"{undone.seconds} s" if undone else None,
        "not as before it, without a meaning": undone.immaterial if undone else None,
        "tables locked meanwhile": undone.locked if undone else None,
        "time to apply it again": f"{again.seconds} s" if again else None,
        "lost by taking it back after the phases": _pairs(
            back.undone.lost if back and back.undone else None
        ),
        "why that would not work": back.problem.message if back and back.problem else None,
        "over a budget": [
            f"{_string(one.file)}:{one.line} took {_value(one.seconds)} s, "
            f"allowed are {_string(one.allowed)} s"
            for one in record.slow
        ],
        "not as it was validated": record.unlike_promotion,
        "checks passed": sum(check.status == "pass" for check in record.checks),
        "checks that did not pass": [
            check.check_id for check in record.checks if check.status != "pass"
        ],
    }
    said = [(key, _value(value)) for key, value in head.items() if value not in (None, [], (), "")]
    return trace.View([*said, *deployment.head], deployment.lines)


def _compared(name: str, table: TableProof) -> TableLine:
    source, restored = table.rows
    word = "equal" if table.equal else "DIFFERENT"
    return TableLine(name, table.equal, _value(source), _value(restored), word)


def _justification(verdict: VerdictRecord, checks: Sequence[CheckLine]) -> list[str]:
    """Return the sentences a person used to write under the decision."""
    counts = {status: sum(check.status == status for check in checks) for status in WORDS}
    summary = ", ".join(
        f"{number} {WORDS[status].lower()}" for status, number in counts.items() if number
    )
    sentences = [f"{_count(len(checks), 'check')} declared: {summary or 'no result'}."]
    severities = [reason.severity for reason in verdict.reasons]
    if not severities:
        sentences.append("Nothing is proven bad and nothing is unknown.")
    if severities.count("no_go"):
        sentences.append(f"Proven bad: {_count(severities.count('no_go'), 'finding')}.")
    if severities.count("hold"):
        sentences.append(
            f"Unknown or to be weighed: {_count(severities.count('hold'), 'finding')}."
        )
    if verdict.conditions:
        sentences.append(f"{_count(len(verdict.conditions), 'condition')} noted below.")
    return sentences


# What of an observed identity a person wants to read; run.json has all of it.
_OBSERVED = {
    "Server": ("server_version", "server_address", "server_port", "system_identifier"),
    "Login": ("login", "superuser", "database_owner"),
}


def _target(target: Target | None) -> list[tuple[str, str]]:
    """Where the run was: declared and observed, a line each."""
    identity = plain(target) if target else {}
    observed = identity.get("observed")
    rows = [("Host", _value(identity.get("inventory_host")))]
    rows.append(("Declared", _pairs(identity.get("declared"))))
    if isinstance(observed, dict):
        for label, keys in _OBSERVED.items():
            rows.append((label, _pairs({key: observed.get(key) for key in keys})))
    return rows


def _pairs(value: Any) -> str:
    """`database orders_staging, environment staging`, without what is not there."""
    pairs = value.items() if isinstance(value, dict) else ()
    return ", ".join(f"{key} {_value(item)}" for key, item in pairs if item not in (None, [], ""))


def _database(target: Target | None) -> str:
    """Return the database's name: as it answered, else as the inventory declares it."""
    return (target.observed or target.declared).database if target else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _string(value: Any) -> str:
    return value if isinstance(value, str) else canonical.line(value)


def _value(value: Any) -> str:
    """Return a JSON value for people: text as it is, booleans as words, objects as JSON."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_string, value))
    return _string(value)


# --- Markdown and HTML --------------------------------------------------------------------------


def render_markdown(page: Page, templates_dir: Path) -> str:
    """Return report.md. Raises `GonogoError` for a template that prints raw text."""
    return inert.markdown("report.md.j2", templates_dir, {**page.names(), "words": WORDS})


def render_html(page: Page, templates_dir: Path) -> str:
    """Return report.html: one file, no script, nothing loaded from anywhere."""
    return inert.html("report.html.j2", templates_dir, {**page.names(), "words": WORDS})


# --- JUnit --------------------------------------------------------------------------------------


def render_junit(page: Page) -> str:
    """Return junit.xml; green means GO."""
    return junit.text_of(_suite(page))


def suite(run_dir: Path, verdict: VerdictRecord) -> ElementTree.Element:
    """Return what junit.xml of this run says."""
    return _suite(_page(load(run_dir), verdict))


def _suite(page: Page) -> ElementTree.Element:
    """Return a case per check and one for the decision.

    A check that does not count, or whose failure is waived, is `skipped` unless it passed.
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
    decision = junit.case(found, "decision", "The decision is GO")
    if verdict.decision != "GO":
        outcome = "failure" if verdict.decision == "NO-GO" else "error"
        reasons = [f"{reason.subject}: {reason.text}" for reason in verdict.reasons]
        junit.outcome(decision, outcome, f"{verdict.decision} {page.score}", reasons)
    junit.count(found)
    return found
