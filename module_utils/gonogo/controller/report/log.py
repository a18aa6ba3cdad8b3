"""The execution log of a runbook, filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...contract.listing import MOST
from ...contract.records.history import HistoryRecord
from ...contract.records.plan import PlannedCriterion, PlanRecord
from ...contract.records.reading import plain
from ...contract.records.run import Target
from ...contract.records.verdict import VerdictRecord
from ...verdict import COPY_ONLY
from ..evidence import Evidence
from .page import CheckLine, Group, Labelled, Log
from .parts import Cell, Column, Table, tone, words
from .results import came_to
from .values import Row, count, database, pairs, value

__all__ = ["log", "other_facts"]

# The classes of criteria in their order, and their headings where the runbook has no others.
HEADINGS = {
    "preflight": "Preflight",
    "critical": "Critical Criteria",
    "invariant": "Invariants",
    "indicator": "Indicators",
    "important": "Important Criteria",
    "nice": "Nice to Have",
}
_COLUMNS = (Column("Criterion", head=True), Column("Title"), Column("Result"))
_EMPTY = "not applicable"
_WORDS = ("pass", "fail", "not run", COPY_ONLY, "inconclusive", _EMPTY)
# What of an observed identity a person wants to read; run.json has all of it.
_OBSERVED = {
    "Server": ("server_version", "server_address", "server_port", "system_identifier"),
    "Login": ("login", "superuser", "database_owner"),
}


def log(evidence: Evidence, verdict: VerdictRecord, checks: Sequence[CheckLine]) -> Log:
    return Log(
        head=_head(evidence, verdict),
        labelled=_labelled(evidence.plan, evidence.facts),
        groups=_groups(evidence.plan, verdict, checks),
        justification=_justification(verdict, checks),
    )


def other_facts(plan: PlanRecord | None, facts: Mapping[str, object]) -> list[Row]:
    """The facts that the runbook has no labels for, by their names."""
    labels = _labels(plan)
    return [(key, value(found)) for key, found in sorted(facts.items()) if key not in labels]


def _head(evidence: Evidence, verdict: VerdictRecord) -> list[Row]:
    run, target = evidence.run, verdict.target
    return [
        ("Date", value(verdict.finished_at)),
        ("Tester", value(run.operator if run else None)),
        ("Environment", value(verdict.environment)),
        ("Database", value(database(target))),
        *_target(target),
        ("Run", value(verdict.run_id)),
        ("Started", value(run.started_at if run else None)),
        ("Runbook", value(verdict.runbook)),
        ("Runbook SHA-256", value(verdict.runbook_sha256)),
        *_migrations(evidence.history),
        ("Profile", value(verdict.profile)),
        ("Test rows", value(verdict.residue)),
        ("Head of the evidence", value(verdict.evidence_head)),
    ]


def _migrations(found: HistoryRecord | None) -> list[Row]:
    """What is judged of a folder of migrations, where the run is about one."""
    if found is None:
        return []
    return [
        ("Migrations", f"{len(found.pending)} of {len(found.files)} in {found.directory}"),
        ("Migration tool", found.tool),
        *(("Judged", name) for name in found.pending[:MOST]),
        *([("Judged", f"{len(found.pending) - MOST} more")] if len(found.pending) > MOST else []),
    ]


def _target(target: Target | None) -> list[Row]:
    """Where the run was: declared and observed, a line each."""
    identity = plain(target) if target else {}
    observed = identity.get("observed")
    rows = [("Host", value(identity.get("inventory_host")))]
    rows.append(("Declared", pairs(identity.get("declared"))))
    if isinstance(observed, dict):
        for label, keys in _OBSERVED.items():
            rows.append((label, pairs({key: observed.get(key) for key in keys})))
    return rows


def _labels(plan: PlanRecord | None) -> dict[str, str]:
    declared = plan.report.facts if plan and plan.report else None
    return {one.fact: one.label for one in (declared.labels if declared else ())}


def _labelled(plan: PlanRecord | None, facts: Mapping[str, object]) -> Labelled:
    """The facts that the runbook has labels for."""
    declared = plan.report.facts if plan and plan.report else None
    return Labelled(
        heading=declared.heading if declared else "",
        rows=[(label, value(facts.get(key))) for key, label in _labels(plan).items()],
    )


def _groups(
    plan: PlanRecord | None, verdict: VerdictRecord, checks: Sequence[CheckLine]
) -> list[Group]:
    """The criteria under their headings, classes without any left out."""
    own = (plan.report.headings if plan and plan.report else None) or {}
    groups = []
    for kind, heading in HEADINGS.items():
        rows = [
            _criterion(criterion, verdict.criteria.get(criterion.id, "not_run"), checks)
            for criterion in (plan.criteria if plan else ())
            if criterion.class_ == kind
        ]
        if rows:
            table = Table("What each criterion has come to", _COLUMNS, rows)
            groups.append(Group(own.get(kind, heading), table))
    return groups


def _criterion(criterion: PlannedCriterion, status: str, checks: Sequence[CheckLine]) -> list[Cell]:
    own = [check for check in checks if check.criterion == criterion.id]
    of = f" ({value([*criterion.of])})" if criterion.of else ""
    return [
        Cell(criterion.id),
        Cell(f"{criterion.title}{of}"),
        Cell(came_to(status, own) or words(status), tone(status)),
    ]


def _came_to(check: CheckLine) -> str:
    if check.is_tried:
        return COPY_ONLY
    return _EMPTY if check.status == "pass" and not check.applies else words(check.status).lower()


def _justification(verdict: VerdictRecord, checks: Sequence[CheckLine]) -> list[str]:
    """The sentences a person used to write under the decision: the numbers."""
    counts = Counter(_came_to(check) for check in checks)
    summary = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
    sentences = [f"{count(len(checks), 'check')} declared: {summary or 'no result'}."]
    severities = [reason.severity for reason in verdict.reasons]
    if not severities:
        sentences.append("Nothing is proven bad and nothing is unknown.")
    if severities.count("no_go"):
        sentences.append(f"Proven bad: {count(severities.count('no_go'), 'finding')}.")
    if severities.count("hold"):
        sentences.append(f"Unknown or to be weighed: {count(severities.count('hold'), 'finding')}.")
    if verdict.conditions:
        sentences.append(f"{count(len(verdict.conditions), 'condition')} noted.")
    return sentences
