"""The checks of a run with their results, each with the place where the report tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...contract.records.check_result import CheckResult
from ...contract.records.plan import PlannedCheck, PlannedCriterion
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.verdict import Reason, VerdictRecord
from ...verdict import COPY_ONLY
from ..evidence import Evidence
from .page import CheckLine
from .parts import Cell, Column, Score, Table, tone, words
from .values import listed, value

__all__ = ["NOT_RUN", "all_checks", "came_to", "check_lines", "decided", "score_cells"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
# Reasons that say only that nobody came to it.
NOT_RUN = frozenset({"check_not_run", "rehearsal_check_not_run", "stage_not_run"})
# A check that has passed for it had nothing to look at.
_NOT_APPLICABLE = "NOT APPLICABLE"
# A criterion whose checks have such a status.
_COPY_ONLY = "COPY ONLY"
# Worst first.
_ORDER = ("fail", "not_run", "inconclusive", "pass")
_COLUMNS = (
    Column("Check", head=True),
    Column("Title"),
    Column("Criterion"),
    Column("Phase"),
    Column("Result"),
    Column("Examined", number=True),
    Column("Seconds", number=True),
)


def check_lines(
    evidence: Evidence, verdict: VerdictRecord, rehearsal: Rehearsal | None
) -> list[CheckLine]:
    """In reading order. Of a check that only the copy was asked, the result is the copy's."""
    planned = evidence.plan.checks if evidence.plan else ()
    on_copy = rehearsal.checks if rehearsal else ()
    return [
        _line(check, f"check-{name}", evidence.checks, on_copy, verdict)
        for check, name in zip(planned, _names([check.id for check in planned]), strict=True)
    ]


def _names(ids: Sequence[str]) -> list[str]:
    """The end of an anchor for each id: no two are the same."""
    taken: set[str] = set()
    names = []
    for place, one in enumerate(ids, 1):
        name = one if _PLAIN.fullmatch(one) and one not in taken else f"-{place}"
        taken.add(name)
        names.append(name)
    return names


def _line(
    check: PlannedCheck,
    anchor: str,
    results: Sequence[CheckResult],
    on_copy: Sequence[CheckResult],
    verdict: VerdictRecord,
) -> CheckLine:
    status = verdict.checks.get(check.id, "not_run")
    result = _deciding([one for one in results if one.check_id == check.id], status)
    tried = None
    if result is None or result.status == "not_run":
        tried = _deciding([one for one in on_copy if one.check_id == check.id], "fail")
        tried = tried if result is None or (tried and tried.status != "not_run") else None
    told = tried or result
    notes = [note for note in verdict.conditions if note.subject == check.id]
    return CheckLine(
        id=check.id,
        title=check.title,
        criterion=check.criterion,
        phase=(told.phase if told else "") or check.phase,
        status=status,
        examined=value(told.examined if told else None),
        seconds=f"{told.seconds:.3f}" if told else "",
        expected=value(told.expected if told else None),
        observed=value(told.observed if told else None),
        samples=[*(told.samples if told else ())],
        remedy=check.remedy,
        counts=not any(note.code in ("informational", "waiver_applied") for note in notes),
        notes=[note.text for note in notes],
        anchor=anchor,
        on_copy=tried is not None,
        word=_word(check, status, told, on_copy=tried is not None),
        applies=told.applies if told else True,
    )


def _word(
    check: PlannedCheck, status: str, result: CheckResult | None, *, on_copy: bool = False
) -> str:
    """The status for people. What had nothing to look at has passed, and proves nothing."""
    if on_copy and result and status == "not_run" and result.status != "not_run":
        return f"{COPY_ONLY}: {_word(check, result.status, result)}"
    if result is None or status != "pass" or result.applies:
        return words(status)
    return f"{_NOT_APPLICABLE}: {check.empty}" if check.empty else _NOT_APPLICABLE


def _deciding(found: Sequence[CheckResult], status: str) -> CheckResult | None:
    """Of several results the one that decided."""
    deciding = (result for result in found if result.status == status)
    return next(deciding, found[-1] if found else None)


def all_checks(checks: Sequence[CheckLine], told: frozenset[str]) -> Table:
    """What failed first. `told` are the anchors of checks that are told of elsewhere."""
    worst_first = sorted(checks, key=lambda check: _rank(check.status))
    return Table(
        "Every check of the run, those first that did not pass",
        _COLUMNS,
        [
            [
                Cell(
                    check.id,
                    link=f"#{check.anchor}" if check.anchor in told else "",
                    anchor="" if check.anchor in told else check.anchor,
                ),
                Cell(check.title),
                Cell(check.criterion),
                Cell(check.phase),
                Cell(check.word or words(check.status), tone(check.status)),
                Cell(check.examined),
                Cell(check.seconds),
            ]
            for check in worst_first
        ],
    )


def score_cells(
    evidence: Evidence,
    verdict: VerdictRecord,
    checks: Sequence[CheckLine],
    told: frozenset[str],
) -> list[Score]:
    """A cell for each scoring unit; it leads to the worst of its checks, of several to one of which
    a finding tells (`told` are their anchors)."""
    plan = evidence.plan
    if plan is None:
        return []
    criteria = {one.id: one for one in plan.criteria}
    cells = []
    for unit in plan.scoring:
        mine = _parts(unit, criteria)
        own = [check for check in checks if check.criterion in mine]
        worst = min(own, key=lambda one: (_rank(one.status), one.anchor not in told), default=None)
        cells.append(
            Score(
                name=unit,
                title=criteria[unit].title if unit in criteria else "",
                status=(status := verdict.criteria.get(unit, "not_run")),
                link=f"#{worst.anchor}" if worst else "#checks",
                said=came_to(status, own),
            )
        )
    return cells


def _parts(
    unit: str, criteria: Mapping[str, PlannedCriterion], above: frozenset[str] = frozenset()
) -> set[str]:
    """A criterion and all that it is made of."""
    of = (criteria[unit].of or ()) if unit in criteria else ()
    known = above | {unit}
    return {unit}.union(*(_parts(one, criteria, known) for one in of if one not in known))


def came_to(status: str, own: Sequence[CheckLine]) -> str:
    """What a criterion has come to by its checks, where its status does not say all of it."""
    if status == "not_run":
        silent = [check for check in own if check.status == "not_run" and check.counts]
        return _COPY_ONLY if silent and all(check.is_tried for check in silent) else ""
    if status != "pass":
        return ""
    odd = [check for check in own if not check.counts and check.status != "pass"]
    if odd:
        each = ", ".join(f"{check.id} {words(check.status)}" for check in odd)
        return f"{words(status)}, without counting {each}"
    return _NOT_APPLICABLE if own and not any(check.applies for check in own) else ""


def decided(evidence: Evidence, verdict: VerdictRecord) -> str:
    """Which criteria the decision is of, in a sentence; nothing where none stands against a GO."""
    plan = evidence.plan
    if plan is None or not verdict.reasons:
        return ""
    severity = verdict.reasons[0].severity
    deciding = [one for one in verdict.reasons if one.severity == severity]
    deciding = [one for one in deciding if one.code not in NOT_RUN] or deciding
    home = {check.id: check.criterion for check in plan.checks}
    titles = {one.id: one.title for one in plan.criteria}
    known = {one.id: one for one in plan.criteria}
    scored = set().union(*(_parts(unit, known) for unit in plan.scoring))
    names = list(dict.fromkeys(home.get(one.subject, _called(one)) for one in deciding))
    beside = [one for one in names if one in titles and one not in scored]
    said = listed([" ".join((one, titles.get(one, ""))).strip() for one in names], 3)
    more = "; no part of the score" if len(beside) == len(names) else ""
    return f"Decided by {said}{more}."


def _called(reason: Reason) -> str:
    return f"stage {reason.subject}" if reason.code.startswith("stage_") else reason.subject


def _rank(status: str) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)
