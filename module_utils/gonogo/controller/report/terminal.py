"""What the terminal shows at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...contract.errors import shown, visible
from ...contract.records.verdict import Reason, VerdictRecord
from ...verdict import COPY_ONLY
from .values import count, database, in_one_line

__all__ = ["nothing_judged", "summary_lines"]

SUMMARY_LINES = 25
# Reasons behind which the rest did not run.
_WHY = ("stage_failed", "stage_not_run", "rehearsal_failed")
SUMMARY_WIDTH = 200
# What stands in a hint may be pasted, so it is bounded by what is no command of anybody's.
HINT_WIDTH = 4000
_HINT_LINES = 12


def summary_lines(verdict: VerdictRecord, *, report: str | None = None) -> list[str]:
    """Return what the terminal shows at the end of a run: at most 25 safe lines.

    `report` is the way to the report as the person would type it.
    """
    score = verdict.score
    words = (
        verdict.decision,
        f"{score.passed}/{score.of}",
        verdict.environment or "unknown environment",
        database(verdict.target) or "unknown database",
        f"run {verdict.run_id or 'unknown'}",
    )
    lines = [shown("  ".join(words), limit=SUMMARY_WIDTH)]
    blocks = [_reason_lines(reason) for reason in _to_say(verdict.reasons)]
    for shown_blocks, block in enumerate(blocks):
        # Two lines are kept for what does not fit and for the report.
        if len(lines) + len(block) > SUMMARY_LINES - 2:
            lines.append(f"  and {count(len(blocks) - shown_blocks, 'more reason')} in the report")
            break
        lines += block
    if not blocks:
        notes = [f"  {note.subject}  {note.text}" for note in verdict.conditions]
        lines += [shown(note, limit=SUMMARY_WIDTH) for note in notes[: SUMMARY_LINES - 2]]
    if report is None:
        report = f"runs/{verdict.environment}/{verdict.run_id}/report.md"
    return [*lines, shown(f"Report: {report}", limit=HINT_WIDTH)]


def nothing_judged(why: str, *, host: str | None = None) -> str:
    """What the terminal shows instead, of a run without a verdict."""
    of = f"{visible(host)}  " if host else ""
    return f"HOLD  {of}nothing was judged: {visible(why)}"


def _to_say(reasons: Sequence[Reason]) -> list[Reason]:
    """Without the checks that did not run because a stage failed, or what was tried on the copy:
    that says why."""
    if not any(reason.code in _WHY for reason in reasons):
        return list(reasons)
    silent = ("check_not_run", "stage_not_run")
    said = [reason for reason in reasons if reason.code not in silent]
    if not said:
        return list(reasons)
    number = Counter(
        COPY_ONLY if reason.text.endswith(COPY_ONLY) else "did not run"
        for reason in reasons
        if reason.code == "check_not_run"
    )
    nothing = dict.fromkeys(("expected", "observed", "hint"))
    return said + [
        Reason("check_not_run", "hold", "checks", f"{count(many, 'check')} {words}", **nothing)
        for words, many in sorted(number.items(), reverse=True)
    ]


def _reason_lines(reason: Reason) -> list[str]:
    """Return one reason for the terminal: the finding, then what was expected, seen, advised."""
    word = "NO-GO" if reason.severity == "no_go" else "HOLD"
    lines = [f"  {word:<5}  {reason.subject}  {reason.text}"] + [
        f"         {key}: {in_one_line(said)}"
        for key, said in (("expected", reason.expected), ("observed", reason.observed))
        if said
    ]
    return [*(shown(line, limit=SUMMARY_WIDTH) for line in lines), *_hint_lines(reason.hint)]


def _hint_lines(hint: str | None) -> list[str]:
    """A hint, whole: a command of it that is cut is none."""
    said = [line.strip() for line in (hint or "").strip().split("\n") if line.strip()]
    keys = ["hint: ", *["      "] * _HINT_LINES]
    return [
        shown(f"         {key}{line}", limit=HINT_WIDTH)
        for key, line in zip(keys, said, strict=False)
    ]
