"""What stands against a GO, and what was noted beside it: whole, with the SQL that asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...contract.records.verdict import Condition, Reason, VerdictRecord
from ..evidence import disk
from .page import CheckLine, Finding, SqlText
from .parts import tone, words
from .values import count

__all__ = ["NOT_RUN", "findings", "is_of_a_check", "severity_word"]

# Reasons that say only that nobody came to it.
NOT_RUN = frozenset({"check_not_run", "rehearsal_check_not_run", "stage_not_run"})
_OF_CHECKS = re.compile(r"(rehearsal_)?(check_\w+|important_fail)")
_BLOCK = re.compile(r"-- @(check\s+(\S+)|setup\b|facts\b)")
_LINES = 400


def is_of_a_check(reason: Reason) -> bool:
    return _OF_CHECKS.fullmatch(reason.code) is not None


def severity_word(severity: str) -> str:
    return "NO-GO" if severity == "no_go" else "HOLD"


def findings(path: Path, verdict: VerdictRecord, checks: Sequence[CheckLine]) -> list[Finding]:
    """In the order of the reasons; what does not count after them, what did not run last.

    `path` is the directory of the run.
    """
    by_id = {check.id: check for check in reversed(checks)}
    found: list[Finding] = []
    for reason in verdict.reasons:
        check = by_id.get(reason.subject) if is_of_a_check(reason) else None
        if reason.code in NOT_RUN:
            continue
        finding = _of_check(path, reason, check) if check else _of_run(reason)
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
    return [*found, *_silent(verdict)]


def _of_check(path: Path, reason: Reason, check: CheckLine) -> Finding:
    status = _status(reason, check)
    on_copy = reason.code.startswith("rehearsal_")
    # Of two results the line has that of the database itself.
    own = on_copy == check.on_copy
    return Finding(
        subject=check.id,
        title=check.title,
        word=words(status) + (" on a copy" if on_copy else ""),
        tone=tone(status),
        effect=severity_word(reason.severity),
        anchor=check.anchor,
        expected=reason.expected or "",
        observed=reason.observed or "",
        examined=check.examined if own else "",
        samples=check.samples if own else (),
        remedy=reason.hint or "",
        notes=check.notes,
        sql=_sql(path, check),
    )


def _status(reason: Reason, check: CheckLine) -> str:
    """What the reason is about: on a copy a check may have another status than here."""
    if not reason.code.startswith("rehearsal_"):
        return check.status
    return "inconclusive" if reason.code.endswith("inconclusive") else "fail"


def _of_run(reason: Reason) -> Finding:
    failed = reason.code == "stage_failed"
    return Finding(
        subject=f"stage {reason.subject}" if failed else f"{reason.subject}:",
        title=reason.text.removeprefix("stage ") if failed else reason.text,
        word="",
        tone=tone(reason.severity),
        effect=severity_word(reason.severity),
        expected=reason.expected or "",
        observed=reason.observed or "",
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
        samples=check.samples,
        remedy=check.remedy,
        notes=check.notes if waived else (),
        sql=_sql(path, check),
    )


def _silent(verdict: VerdictRecord) -> Iterator[Finding]:
    """What nobody came to, in one: the stages and the checks."""
    for noun, codes in (("stage", {"stage_not_run"}), ("check", NOT_RUN - {"stage_not_run"})):
        subjects = [reason.subject for reason in verdict.reasons if reason.code in codes]
        if subjects:
            what = count(len(subjects), noun)
            yield Finding(what, "did not run", "", "open", "HOLD", samples=subjects)


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
