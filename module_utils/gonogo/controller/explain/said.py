"""An explanation for people: short, and each command whole on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ...contract.errors import shown, visible
from .actions import PERSON, Action
from .explanation import FORMAT, Explanation, Finding

__all__ = ["last_line", "lines"]

_FINDINGS = 20
_OBJECTS = 5
_WIDTH = 300


def lines(told: Explanation) -> list[str]:
    """For the terminal."""
    return [*_verdict(told), *_findings(told), *_actions(told)]


def last_line(explanation: object, *, error: object = None) -> str:
    """For programs: an explanation in JSON, or why there is none. No character of it moves a
    cursor or hides another."""
    if not isinstance(explanation, Mapping):
        explanation = {"format": FORMAT, "error": str(error or "nothing was explained")}
    return json.dumps(explanation, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _verdict(told: Explanation) -> Iterator[str]:
    score = f"{told.score.passed}/{told.score.of}"
    run = f"run {told.run_id}"
    yield _line(f"{told.decision}  {score}  {told.environment}  {told.database}  {run}")
    for reason in told.reasons[:_FINDINGS]:
        word = "NO-GO" if reason.severity == "no_go" else "HOLD"
        yield _line(f"  {word:<5}  {reason.subject}  {reason.text}")
    if len(told.reasons) > _FINDINGS:
        yield f"  and {len(told.reasons) - _FINDINGS} more reasons"
    if told.evidence.later:
        yield _line(f"This head does not prove: {', '.join(told.evidence.later)}")


def _findings(told: Explanation) -> Iterator[str]:
    with_objects = [one for one in told.findings if one.objects or one.rows]
    if with_objects:
        yield "Found:"
    for finding in with_objects[:_FINDINGS]:
        yield _line(f"  {finding.subject}  {_named(finding)}")
        if finding.query:
            yield f"    {visible(finding.query)}"
    if len(with_objects) > _FINDINGS:
        yield f"  and {len(with_objects) - _FINDINGS} more"


def _named(finding: Finding) -> str:
    rows = "" if finding.rows is None else f"{finding.rows} row{'s' * (finding.rows != 1)}: "
    more = len(finding.objects) - _OBJECTS
    others = f" and {more} more" if more > 0 else ""
    return f"{rows}{', '.join(finding.objects[:_OBJECTS])}{others}"


def _actions(told: Explanation) -> Iterator[str]:
    coming = [one for name in told.next for one in told.actions if one.name == name]
    yield from _commands("Next:", coming)
    others = [one for one in told.actions if one not in coming]
    yield from _commands("Without a person:", [one for one in others if one.takes != PERSON])
    yield from _commands(
        "After a person's approval:", [one for one in others if one.takes == PERSON]
    )


def _commands(heading: str, known: list[Action]) -> Iterator[str]:
    if known:
        yield heading
    for one in known:
        by = " (a person approves it)" if one.takes == PERSON else ""
        yield f"  {one.name}{by}: {one.does}"
        yield f"    {visible(one.command)}"


def _line(text: str) -> str:
    return shown(text, limit=_WIDTH)
