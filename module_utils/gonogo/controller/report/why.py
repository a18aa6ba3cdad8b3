"""Why the verdict is what it is, in at most five sentences, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract.records.deployment import Deployment
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ...contract.records.verdict import Reason, VerdictRecord
from ..evidence import Evidence
from .findings import NOT_RUN, is_of_a_check, severity_word
from .page import CheckLine, Sentence
from .parts import tone
from .values import count, cut, listed, number, seconds

__all__ = ["became", "migration", "rests_on", "why"]

_SENTENCES = 5
_FOUND_LIMIT = 260
_WHICH = 3
_COPY = "tried on a copy: "


def why(
    verdict: VerdictRecord,
    checks: Sequence[CheckLine],
    deployment: Deployment | None,
    rehearsal: Rehearsal | None,
) -> list[Sentence]:
    """First what is wrong, then what became of the database."""
    telling = [reason for reason in verdict.reasons if reason.code not in NOT_RUN]
    telling = _once(telling)
    by_id = {check.id: check for check in reversed(checks)}
    last = Sentence(_ended(verdict, deployment, rehearsal))
    notes = [Sentence(f"{note.subject}: {note.text}") for note in verdict.conditions]
    if not verdict.reasons:
        said = [Sentence(_all_well(checks)), last, *notes]
        return _few(said, "condition")
    said = [_sentence(reason, by_id.get(reason.subject)) for reason in telling]
    if not telling:
        said = [_unasked(verdict)]
    return [*_few(said, "finding", most=_SENTENCES - 1), last]


def _few(said: list[Sentence], noun: str, *, most: int = _SENTENCES) -> list[Sentence]:
    if len(said) <= most:
        return said
    more = Sentence(f"{count(len(said) - most + 1, f'more {noun}')} below.", link="#findings")
    return [*said[: most - 1], more]


def _once(reasons: Sequence[Reason]) -> list[Reason]:
    """Without a stage that failed by what another reason tells: what was observed is the same."""
    told = {reason.observed for reason in reasons if reason.code != "stage_failed"}
    return [
        reason
        for reason in reasons
        if reason.code != "stage_failed" or not reason.observed or reason.observed not in told
    ]


def _sentence(reason: Reason, check: CheckLine | None) -> Sentence:
    found = cut(reason.observed or "", _FOUND_LIMIT)
    which: Sequence[str] = ()
    link = "#findings"
    if check is not None and is_of_a_check(reason):
        link = f"#{check.anchor}"
        if reason.code.startswith("rehearsal_") == check.on_copy:
            which = [one for one in check.samples if one not in found][:_WHICH]
    return Sentence(
        text=f"{_plainly(reason)}.",
        word=severity_word(reason.severity),
        tone=tone(reason.severity),
        subject=reason.subject,
        link=link,
        found=found,
        which=which,
    )


def _plainly(reason: Reason) -> str:
    """What the reason says; that it was a copy comes last."""
    text = reason.text
    if text.startswith(_COPY):
        text = f"{text.removeprefix(_COPY)}, on a copy of the database"
    if reason.subject and text.startswith("stage failed: "):
        text = f"Stage {reason.subject} failed: {text.removeprefix('stage failed: ')}"
    return text.rstrip(".")


def _unasked(verdict: VerdictRecord) -> Sentence:
    """Where all that stands against a GO is that nobody came to it."""
    names = [reason.subject for reason in verdict.reasons]
    return Sentence(f"Did not run: {listed(names, 8)}.", "HOLD", "open", link="#findings")


def _all_well(checks: Sequence[CheckLine]) -> str:
    passed = sum(check.status == "pass" for check in checks)
    if passed == len(checks):
        return f"All {count(len(checks), 'check')} have passed; nothing is unknown."
    return (
        f"All checks that count have passed, {passed} of {len(checks)} in all; nothing is unknown."
    )


def _ended(
    verdict: VerdictRecord, deployment: Deployment | None, rehearsal: Rehearsal | None
) -> str:
    """What became of the database, and how far the run came."""
    stages = [reason.subject for reason in verdict.reasons if reason.code == "stage_not_run"]
    silent = sum(reason.code in NOT_RUN for reason in verdict.reasons) - len(stages)
    parts = [became(deployment, rehearsal)]
    if stages:
        parts.append(f"stages that did not run: {listed(stages, 9)}")
    if silent:
        parts.append(f"{count(silent, 'check')} did not run")
    return f"{'; '.join(parts)}."


def became(deployment: Deployment | None, rehearsal: Rehearsal | None) -> str:
    """What became of the database, as the beginning of a sentence."""
    if deployment is None:
        tried = rehearsal is not None and rehearsal.done and rehearsal.deployment is not None
        return "Nothing was deployed" + (": the migration was tried on a copy" if tried else "")
    if deployment.action == "applied":
        waits = [wait for one in deployment.statements for wait in one.waits]
        longest = max(waits, key=lambda wait: wait.seconds, default=None)
        waited = (
            f"; the longest that {longest.blocks} of {longest.relation} had to wait was "
            f"{seconds(longest.seconds)}"
            if longest
            else "; nothing that was there had to wait"
        )
        return f"The migration was applied in {seconds(deployment.seconds)}{waited}"
    if deployment.action == "none":
        return "The migration was there already: nothing was applied"
    if deployment.action == "failed":
        if deployment.changed:
            names = listed(deployment.changed, 3)
            return f"The deployment failed and has left changes in the schema: {names}"
        return "The deployment failed; " + (
            "nobody knows what it has left"
            if deployment.changed is None
            else "the schema is as it was"
        )
    return "Nothing was deployed"


def rests_on(evidence: Evidence, checks: Sequence[CheckLine], rehearsal: Rehearsal | None) -> str:
    """What was looked at, in a line."""
    passed = sum(check.status == "pass" for check in checks)
    parts = [f"{passed} of {count(len(checks), 'check')} passed"]
    parts += _proven(evidence.twin)
    if rehearsal and rehearsal.done:
        parts.append("the migration rehearsed on a copy" if rehearsal.deployment else "a rehearsal")
    if evidence.run and evidence.run.promotion:
        promotion = evidence.run.promotion
        parts.append(f"the run {promotion.run_id} on {promotion.environment}")
    return "; ".join(parts)


def _proven(twin: TwinRecord | None) -> Iterator[str]:
    if twin is None:
        return
    if not twin.proven or twin.proof is None:
        yield "no proven backup" if twin.proven is None else "a backup that differs from its source"
        return
    held = sum(table.rows[0] or 0 for table in twin.proof.tables.values())
    tables = count(len(twin.proof.tables), "table")
    yield f"a backup that, restored, equals its source ({tables}, {number(held)} rows)"


def migration(evidence: Evidence, verdict: VerdictRecord, title: str) -> str:
    """Which migration is judged: files of a folder by their names, else the runbook."""
    history = evidence.history
    if history is not None:
        names = listed(history.pending, 3) or "none is pending"
        return f"{names} ({history.tool})"
    name = verdict.runbook or "unknown"
    return name if title in (name, "") else f"{title} ({name})"
