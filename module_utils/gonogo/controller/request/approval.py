"""A person's approval of one plan: shown with a token, given with that token, the run, and a name
or the signatures of persons (`signing.py`).

No answer means no. A plan is for what there was when it was shown (`holds`); what came later is
named, and asked for again. Its token is used once.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ...contract import canonical
from ...contract.errors import GonogoError
from ...contract.options.shared import Approval
from ...contract.records.approval import ApprovalPlan, EarlierPlan, Signed
from ...contract.records.fleet_plan import FleetPlan
from ...contract.records.reading import read
from .. import evidence
from ..invocation import person
from . import signing

__all__ = ["Given", "Holds", "accepted", "came_later", "earlier", "is_mistaken", "of_a_person"]
__all__ += ["open_plan", "plan_of", "refusal"]

# What an approval is for: name → rows (None where it is none of rows) and a digest.
Holds = Mapping[str, tuple[int | None, str | None]]

# So many plans that were replaced by a newer one are known by their tokens.
_REMEMBERED = 3


def open_plan(
    run: evidence.Run,
    name: str,
    content: str,
    *,
    hours: int,
    holds: Holds | None = None,
    used: str | None = None,
) -> tuple[ApprovalPlan, bool]:
    """The plan on record if it is of this content and still open, else a new one; and whether it is
    new.

    `holds` is what the content is made of, `used` the token that something was done with.
    """
    now = datetime.now(UTC)
    before = plan_of(run, name) if (run.path / name).is_file() else None
    replaced: tuple[EarlierPlan, ...] = ()
    if before is not None:
        still = now < datetime.fromisoformat(before.expires_at) and before.token != used
        if before.content == content and still:
            return before, False
        replaced = (EarlierPlan(before.token, before.holds), *before.earlier)[:_REMEMBERED]
    planned_at = now.isoformat(timespec="microseconds")
    token = canonical.sha256(f"{name}\n{run.run_id}\n{content}\n{planned_at}")[:10]
    plan = ApprovalPlan(
        content=content,
        holds=holds or {},
        planned_at=planned_at,
        expires_at=(now + timedelta(hours=hours)).isoformat(timespec="seconds"),
        token=token,
        earlier=replaced,
        nothing_came_of=before.nothing_came_of if before else None,
    )
    return plan, True


def plan_of(run: evidence.Run, name: str) -> ApprovalPlan:
    """The plan on record. Raises RecordError for one that no run has written."""
    return read(ApprovalPlan, run.read_json(name), file=name)


@dataclass(frozen=True)
class Given:
    """Who has approved, and `signed`, where it was done by signatures."""

    by: str
    at: str
    signed: Signed | None


def of_a_person(given: Approval) -> Approval:
    """With the files of signatures that stand behind a typed token, and, where there are none, the
    account of whoever has typed it. Raises GonogoError where that is nobody."""
    if not given.typed:
        return given
    answer, *paths = _parts(given.answer)
    if paths:
        return replace(given, answer=answer, signatures=(*(given.signatures or ()), *paths))
    if given.approved_by or given.signatures:
        return given
    return replace(given, approved_by=person.account())


def _parts(answer: str | None) -> list[str]:
    """The answer, and the files that it names."""
    words = (answer or "").split()
    if words[:1] == ["COMMIT"] and len(words) > 2:
        return [" ".join(words[:2]), *words[2:]]
    return [answer or ""]


def accepted(
    given: Approval,
    subject: signing.Subject,
    rules: signing.Rules,
    *,
    unchanged: str,
    hint: str | None = None,
) -> Given:
    """Who has approved a plan, where `refusal` has found nothing against it.

    Raises GonogoError where signatures are not what the inventory asks for.
    """
    now = datetime.now(UTC)
    try:
        signed = signing.require(given, subject, rules, now=now)
    except GonogoError as error:
        asked = "\n".join([*signing.lines(subject, rules), *([hint] if hint else [])])
        raise GonogoError(
            f"{error.primary}: {unchanged}", detail=error.detail, hint=error.hint or asked or None
        ) from None
    by = person.name_of(given.approved_by)
    if signed is not None:
        by = ", ".join(one.principal for one in signed.signatures)
    return Given(by, now.isoformat(timespec="seconds"), signed)


def came_later(shown_then: Holds, now: Holds) -> list[str]:
    """What is not as it was when the plan was shown, one line each; both are `holds` of a plan."""
    lines = []
    for name in sorted({*shown_then, *now}):
        then, there = shown_then.get(name), now.get(name)
        if then == there:
            continue
        if then is None:
            lines.append(f"{_with_rows(name, now[name])}, not in the plan")
        elif there is None:
            lines.append(f"{_with_rows(name, then)}, no longer there")
        elif then[0] == there[0]:
            words = "" if then[0] is None else f"{there[0]} rows, "
            lines.append(f"{name}: {words}not the same as in the plan")
        else:
            lines.append(f"{name}: {then[0]} rows in the plan, {there[0]} now")
    return lines


def _with_rows(name: str, held: tuple[int | None, str | None]) -> str:
    return name if held[0] is None else f"{name}: {held[0]} rows"


def refusal(
    approval: Approval, run_id: str, plan: ApprovalPlan | FleetPlan, *, prefix: str
) -> str | None:
    """Why this is no approval of this plan, or None. `prefix` is that of the role's variables."""
    answer = (approval.answer or "").split()
    if not answer:
        return "No answer"
    if answer == ["ROLLBACK"]:
        return "Rolled back as asked"
    if len(answer) != 2 or answer[0] != "COMMIT":
        # Somebody may have typed a password at the prompt.
        return "The answer is neither COMMIT with the token nor ROLLBACK"
    if not hmac.compare_digest(answer[1].encode(), plan.token.encode()):
        return "The token is not this plan's"
    if not approval.run_id:
        return f"The approval does not name the run ({prefix}_run_id)"
    if approval.run_id != run_id:
        return "The approval is for another run"
    if approval.signatures:
        # Whose they are, they say.
        return None
    return person.mistake(approval.approved_by, f"{prefix}_approved_by")


def earlier(approval: Approval, plan: ApprovalPlan) -> EarlierPlan | None:
    """The plan that this one has replaced and that the approval is for, None if it is for none."""
    answer = (approval.answer or "").split()
    return next((old for old in plan.earlier if answer == ["COMMIT", old.token]), None)


def is_mistaken(approval: Approval) -> bool:
    """No answer and ROLLBACK are answers; an approval that does not fit is a mistake."""
    return (approval.answer or "").split() not in ([], ["ROLLBACK"])
