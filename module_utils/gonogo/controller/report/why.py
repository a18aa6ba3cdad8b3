"""Why the verdict is what it is, in at most five sentences, and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...contract.records.deployment import Deployment
from ...contract.records.plan import PlanRecord
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.twin import TwinRecord
from ...contract.records.verdict import Condition, Reason, VerdictRecord
from ...verdict import COPY_ONLY, WORDS
from ..evidence import Evidence
from .causes import Causes, split_query
from .findings import all_of, is_of_a_check, severity_word
from .page import CheckLine, Sentence
from .parts import tone
from .results import NOT_RUN
from .values import count, cut, listed, number, seconds

__all__ = ["became", "migration", "outlook", "rests_on", "why"]

_SENTENCES = 5
_FOUND_LIMIT = 220
_WHICH = 3
_MORE = re.compile(r"and ([\d,]+) more")
# As these end that say only that something is to run.
_THEN = ("runs and passes", "run and pass")
_COPY = "tried on a copy: "


def why(
    verdict: VerdictRecord,
    checks: Sequence[CheckLine],
    done: str,
    causes: Causes | None = None,
) -> list[Sentence]:
    """First what is wrong, then what became of the database: `done`, see `became`."""
    causes = causes or Causes()
    telling = _once([reason for reason in verdict.reasons if reason.code not in NOT_RUN])
    by_id = {check.id: check for check in reversed(checks)}
    last = Sentence(_ended(verdict, checks, done))
    notes = [_noted(note, by_id.get(note.subject)) for note in verdict.conditions]
    if not verdict.reasons:
        said = [Sentence(_all_well(checks)), last, *notes]
        return _few(said, "condition")
    said = [_sentence(reason, by_id.get(reason.subject), causes) for reason in telling]
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


def _sentence(reason: Reason, check: CheckLine | None, causes: Causes) -> Sentence:
    observed, query = split_query(reason.observed or "")
    found = _unstopped(cut(observed, _FOUND_LIMIT))
    which: Sequence[str] = ()
    statements: Sequence[str] = ()
    link = "#findings"
    check = check if is_of_a_check(reason) else None
    if check is not None:
        link = f"#{check.anchor}"
        if reason.code.startswith("rehearsal_") == check.on_copy:
            which = _first([one for one in all_of(check) if one not in found])
            statements = causes.of(check) if reason.code.endswith("fail") else ()
    return Sentence(
        text=f"{_plainly(reason, check)}.",
        word=severity_word(reason.severity),
        tone=tone(reason.severity),
        subject=f"stage {reason.subject}" if reason.code == "stage_failed" else reason.subject,
        link=link,
        found=found,
        which=which,
        statements=statements,
        query=query or causes.query(reason),
        asked=check is not None,
    )


def _unstopped(said: str) -> str:
    """Without a full stop at its end: another one follows."""
    return said if said.endswith("..") else said.removesuffix(".")


def _first(names: Sequence[str]) -> list[str]:
    """A few, and how many more there are; the last of a list that is cut says that itself."""
    more = _MORE.fullmatch(names[-1]) if names else None
    own = names[:-1] if more else names
    left = len(own) - _WHICH + (int(more[1].replace(",", "")) if more else 0)
    return [*own[:_WHICH], *([f"and {number(left)} more"] if left > 0 else [])]


def _noted(note: Condition, check: CheckLine | None) -> Sentence:
    link = f"#{check.anchor}" if check else "#findings"
    return Sentence(f"{note.text}.", subject=note.subject, link=link)


def _plainly(reason: Reason, check: CheckLine | None) -> str:
    """What the reason says as a sentence about its subject; that it was a copy comes with it."""
    if check is not None:
        where = " on a copy of the database" if reason.code.startswith("rehearsal_") else ""
        return f"{_status(reason)}{where}: {check.title}".rstrip(".")
    text = reason.text
    if reason.code == "stage_failed":
        text = text.removeprefix("stage ")
    if text.startswith(_COPY):
        text = f"{text.removeprefix(_COPY)}, on a copy of the database"
    return text.rstrip(".")


def _status(reason: Reason) -> str:
    ending = reason.code.rpartition("_")[2]
    return WORDS.get(ending, WORDS["fail"])


def _unasked(verdict: VerdictRecord) -> Sentence:
    """Where all that stands against a GO is that nobody came to it."""
    names = [reason.subject for reason in verdict.reasons]
    return Sentence(f"Did not run: {listed(names, 8)}.", "HOLD", "open", link="#findings")


def _all_well(checks: Sequence[CheckLine]) -> str:
    passed = sum(check.passed for check in checks)
    empty = _not_applying(checks)
    more = f"; {empty}" if empty else ""
    if all(check.status == "pass" for check in checks):
        which = " that apply" if empty else ""
        return f"All {count(passed, 'check')}{which} have passed{more}; nothing is unknown."
    return (
        f"All checks that count have passed, {passed} of {len(checks)} in all{more}; "
        "nothing is unknown."
    )


def _not_applying(checks: Sequence[CheckLine]) -> str:
    empty = sum(check.status == "pass" and not check.applies for check in checks)
    return f"{empty} {'does' if empty == 1 else 'do'} not apply" if empty else ""


def _ended(verdict: VerdictRecord, checks: Sequence[CheckLine], done: str) -> str:
    """What became of the database, and how far the run came."""
    stages = [reason.subject for reason in verdict.reasons if reason.code == "stage_not_run"]
    silent = {one.subject for one in verdict.reasons if one.code in NOT_RUN} - {*stages}
    tried = len(silent & {check.id for check in checks if check.is_tried})
    parts = [done]
    if stages:
        parts.append(f"stages that did not run: {listed(stages, 9)}")
    if tried:
        parts.append(f"{count(tried, 'check')} {COPY_ONLY}")
    if len(silent) > tried:
        parts.append(f"{count(len(silent) - tried, 'check')} did not run")
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
    passed = sum(check.passed for check in checks)
    parts = [f"{passed} of {count(len(checks), 'check')} passed"]
    tried = sum(check.is_tried for check in checks)
    parts += [f"{number(tried)} {COPY_ONLY}"] if tried else []
    parts += [said for said in (_not_applying(checks),) if said]
    parts += _proven(evidence.twin)
    if rehearsal and rehearsal.done and rehearsal.by:
        parts.append(f"the migration rehearsed on {rehearsal.by.host} (same shape)")
    elif rehearsal and rehearsal.done:
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
