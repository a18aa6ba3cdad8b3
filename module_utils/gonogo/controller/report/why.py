"""Why the verdict is what it is, in at most five sentences, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract.records.deployment import Deployment
from ...contract.records.plan import PlanRecord
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ...contract.records.verdict import Condition, Reason, VerdictRecord
from ..evidence import Evidence
from .findings import NOT_RUN, is_of_a_check, severity_word
from .page import CheckLine, Sentence
from .parts import tone
from .values import count, cut, listed, number, seconds

__all__ = ["became", "migration", "outlook", "rests_on", "why"]

_SENTENCES = 5
_FOUND_LIMIT = 220
_WHICH = 3
# As these end that say only that something is to run.
_THEN = ("runs and passes", "run and pass")
_COPY = "tried on a copy: "


def why(
    verdict: VerdictRecord,
    checks: Sequence[CheckLine],
    done: str,
) -> list[Sentence]:
    """First what is wrong, then what became of the database: `done`, see `became`."""
    telling = _once([reason for reason in verdict.reasons if reason.code not in NOT_RUN])
    by_id = {check.id: check for check in reversed(checks)}
    last = Sentence(_ended(verdict, done))
    notes = [_noted(note, by_id.get(note.subject)) for note in verdict.conditions]
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
    """Without a stage that failed by what another reason tells, in the same words."""

    def told(failed: Reason) -> bool:
        return any(
            one.code != "stage_failed"
            and one.observed == failed.observed
            and one.text.removeprefix(_COPY) in failed.text
            for one in reasons
        )

    return [one for one in reasons if one.code != "stage_failed" or not told(one)]


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
        subject=f"stage {reason.subject}" if reason.code == "stage_failed" else reason.subject,
        link=link,
        found=found,
        which=which,
    )


def _noted(note: Condition, check: CheckLine | None) -> Sentence:
    link = f"#{check.anchor}" if check else "#findings"
    return Sentence(f"{note.text}.", subject=note.subject, link=link)


def _plainly(reason: Reason) -> str:
    """What the reason says; that it was a copy comes last."""
    text = reason.text
    if reason.code == "stage_failed":
        text = text.removeprefix("stage ")
    if text.startswith(_COPY):
        text = f"{text.removeprefix(_COPY)}, on a copy of the database"
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


def _ended(verdict: VerdictRecord, done: str) -> str:
    """What became of the database, and how far the run came."""
    stages = [reason.subject for reason in verdict.reasons if reason.code == "stage_not_run"]
    silent = sum(reason.code in NOT_RUN for reason in verdict.reasons) - len(stages)
    parts = [done]
    if stages:
        parts.append(f"stages that did not run: {listed(stages, 9)}")
    if silent:
        parts.append(f"{count(silent, 'check')} did not run")
    return f"{'; '.join(parts)}."


def became(
    plan: PlanRecord | None, deployment: Deployment | None, rehearsal: Rehearsal | None
) -> str:
    """What became of the database, as the beginning of a sentence."""
    if deployment is not None:
        return _deployed(deployment)
    if plan is not None and "deploy" not in plan.stages:
        return "This run deploys nothing: it judges the database as it is"
    tried = rehearsal is not None and rehearsal.done and rehearsal.deployment is not None
    return "Nothing was deployed" + (": the migration was tried on a copy" if tried else "")


def _deployed(deployment: Deployment) -> str:
    if deployment.action == "applied":
        return f"The migration was applied in {seconds(deployment.seconds)}; {_waited(deployment)}"
    if deployment.action == "none":
        return "The migration was there already: nothing was applied"
    if deployment.action != "failed":
        return "Nothing was deployed"
    if deployment.changed is None:
        return "The deployment failed; nobody knows what it has left"
    if not deployment.changed:
        return "The deployment failed; the schema is as it was"
    names = listed(deployment.changed, 3)
    return f"The deployment failed and has left changes in the schema: {names}"


def _waited(deployment: Deployment) -> str:
    """Who had to wait for the longest time."""
    waits = [wait for one in deployment.statements for wait in one.waits]
    longest = max(waits, key=lambda wait: wait.seconds, default=None)
    if longest is None:
        return "nothing that was there had to wait"
    return f"{longest.blocks} of {longest.relation} had to wait longest, {seconds(longest.seconds)}"


def outlook(verdict: VerdictRecord) -> tuple[list[str], list[str]]:
    """What would change the verdict: what is to be mended, and the rest, such as what runs then."""
    sentences = [*verdict.would_change]
    first = [one for one in sentences if not one.endswith(_THEN)][:2] or sentences[:2]
    return first, [one for one in sentences if one not in first]


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
