"""What stands against a GO, and what was noted beside it: whole, with the SQL that asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...contract.listing import MOST
from ...contract.records.verdict import Condition, Reason, VerdictRecord
from ...verdict import COPY_ONLY
from ..evidence import disk
from .causes import Causes, split_query
from .page import CheckLine, Finding, SqlText
from .parts import tone, words
from .results import NOT_RUN
from .values import count, number

__all__ = ["all_of", "findings", "is_of_a_check", "severity_word"]

_OF_CHECKS = re.compile(r"(rehearsal_)?(check_\w+|important_fail)")
_BLOCK = re.compile(r"-- @(check\s+(\S+)|setup\b|facts\b)")
_COUNTED = re.compile(r"(\d{1,12}) of \d")
_LINES = 400


def is_of_a_check(reason: Reason) -> bool:
    return _OF_CHECKS.fullmatch(reason.code) is not None


def severity_word(severity: str) -> str:
    return "NO-GO" if severity == "no_go" else "HOLD"


def findings(
    path: Path,
    verdict: VerdictRecord,
    checks: Sequence[CheckLine],
    causes: Causes | None = None,
) -> list[Finding]:
    """In the order of the reasons; what does not count after them, what did not run last.

    `path` is the directory of the run, `causes` what the copy has shown of its statements.
    """
    causes = causes or Causes()
    by_id = {check.id: check for check in reversed(checks)}
    found: list[Finding] = []
    for reason in verdict.reasons:
        check = by_id.get(reason.subject) if is_of_a_check(reason) else None
        if reason.code in NOT_RUN:
            continue
        finding = _of_check(path, reason, check, causes) if check else _of_run(reason, causes)
        twice = any(finding.anchor == one.anchor for one in found)
        found.append(replace(finding, anchor="") if twice else finding)
    told = {finding.anchor for finding in found}
    found += [
        _noted(path, check, verdict.conditions)
        for check in checks
        if check.status not in ("pass", "not_run") and check.anchor not in told
    ]
    known = {check.id for check in checks}
    found += [
        Finding(f"{note.subject}:", note.text, "", "", "noted")
        for note in verdict.conditions
        if note.subject not in known
    ]
    return [*found, *_silent(verdict, checks)]


def _of_check(path: Path, reason: Reason, check: CheckLine, causes: Causes) -> Finding:
    status = _status(reason, check)
    on_copy = reason.code.startswith("rehearsal_")
    # Of two results the line has that of the database itself.
    own = on_copy == check.on_copy
    observed, query = split_query(reason.observed or "")
    return Finding(
        subject=check.id,
        title=check.title,
        word=words(status) + (" on a copy" if on_copy else ""),
        tone=tone(status),
        effect=severity_word(reason.severity),
        anchor=check.anchor,
        expected=reason.expected or "",
        observed=observed,
        examined=check.examined if own else "",
        samples=all_of(check) if own else (),
        statements=causes.of(check) if own and status == "fail" else (),
        query=query,
        remedy=reason.hint or "",
        notes=check.notes,
        sql=_sql(path, check),
    )


def _status(reason: Reason, check: CheckLine) -> str:
    """What the reason is about: on a copy a check may have another status than here."""
    if not reason.code.startswith("rehearsal_"):
        return check.status
    return "inconclusive" if reason.code.endswith("inconclusive") else "fail"


def all_of(check: CheckLine) -> Sequence[str]:
    """What a check names, and of a list that is cut how much more there is."""
    counted = _COUNTED.match(check.observed)
    more = int(counted[1]) - len(check.samples) if counted else 0
    if len(check.samples) < MOST or more <= 0:
        return check.samples
    return [*check.samples, f"and {number(more)} more"]


def _of_run(reason: Reason, causes: Causes) -> Finding:
    failed = reason.code == "stage_failed"
    return Finding(
        subject=f"stage {reason.subject}" if failed else f"{reason.subject}:",
        title=reason.text.removeprefix("stage ") if failed else reason.text,
        word="",
        tone=tone(reason.severity),
        effect=severity_word(reason.severity),
        expected=reason.expected or "",
        observed=reason.observed or "",
        query=causes.query(reason),
        remedy=reason.hint or "",
    )


def _noted(path: Path, check: CheckLine, conditions: Sequence[Condition]) -> Finding:
    waived = any(note.subject == check.id and note.code == "waiver_applied" for note in conditions)
    return Finding(
        subject=check.id,
        title=check.title,
        word=words(check.status),
        tone=tone(check.status),
        effect="waived" if waived else "does not count",
        anchor=check.anchor,
        expected=check.expected,
        observed=check.observed,
        examined=check.examined,
        samples=all_of(check),
        remedy=check.remedy,
        notes=check.notes if waived else (),
        sql=_sql(path, check),
    )


def _silent(verdict: VerdictRecord, checks: Sequence[CheckLine]) -> Iterator[Finding]:
    """What nobody came to, in one: the stages and the checks. What the copy was asked at least has
    its results there, among all checks."""
    tried = {check.id for check in checks if check.is_tried}
    for noun, codes in (("stage", {"stage_not_run"}), ("check", NOT_RUN - {"stage_not_run"})):
        subjects = [reason.subject for reason in verdict.reasons if reason.code in codes]
        for words_said, those in (
            (COPY_ONLY, [one for one in subjects if one in tried]),
            ("did not run", [one for one in subjects if one not in tried]),
        ):
            if those:
                what = count(len(those), noun)
                yield Finding(what, words_said, "", "open", "HOLD", samples=those)


def _sql(path: Path, check: CheckLine) -> SqlText | None:
    """The block of the script that has asked, as it lies beside the report."""
    folder = path / "sql"
    for name in (f"{check.phase}.sql", f"rehearsal_{check.phase}.sql"):
        if Path(name).name != name:
            continue
        try:
            text = disk.read(folder / name).decode("utf-8", "replace")
        except (OSError, ValueError):
            continue
        lines = _block(text, check.id)
        if lines:
            return SqlText(f"sql/{name}", lines)
    return None


def _block(text: str, check_id: str) -> list[str]:
    """The lines from this check's own to that of the next block."""
    found: list[str] = []
    for line in text.split("\n"):
        begins = _BLOCK.match(line)
        if found and begins:
            break
        if found or (begins and begins[2] == check_id):
            found.append(line.expandtabs())
    while found and not found[-1].strip():
        found.pop()
    more = len(found) - _LINES
    return found[:_LINES] + ([f"-- and {more} more lines"] if more > 0 else [])
