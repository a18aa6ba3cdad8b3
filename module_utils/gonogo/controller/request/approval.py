"""A person's approval of one plan: shown with a token, given with that token, a name and the run.

No answer means no. A plan is for what there was when it was shown (`holds`); what came later is
named, and asked for again. Its token is used once.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ...contract import canonical
from .. import evidence
from ..invocation import person

__all__ = ["came_later", "earlier", "is_mistaken", "open_plan", "refusal"]

# So many plans that were replaced by a newer one are known by their tokens.
_REMEMBERED = 3


def open_plan(
    run: evidence.Run,
    name: str,
    content: str,
    *,
    hours: int,
    holds: Mapping[str, Any] | None = None,
    used: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """The plan on record if it is of this content and still open, else a new one.

    `holds` is what the content is made of: name → rows (None where it is none of rows) and a
    digest. `used` is the token that something was done with.

    Returns the plan (`content`, `holds`, `planned_at`, `expires_at`, `token`, `earlier`: the last
    plans that it has replaced, each with `token` and `holds`, and perhaps `nothing_came_of`:
    approvals whose change was interrupted) and whether it is new.
    """
    now = datetime.now(UTC)
    replaced: list[dict[str, Any]] = []
    kept: dict[str, Any] = {}
    if (run.path / name).is_file():
        plan: dict[str, Any] = run.read_json(name)
        still = now < datetime.fromisoformat(plan["expires_at"]) and plan["token"] != used
        if plan["content"] == content and still:
            return plan, False
        last = {"token": plan["token"], "holds": plan.get("holds") or {}}
        replaced = [last, *plan.get("earlier", [])][:_REMEMBERED]
        kept = {key: plan[key] for key in ("nothing_came_of",) if key in plan}
    planned_at = now.isoformat(timespec="microseconds")
    token = canonical.sha256(f"{name}\n{run.run_id}\n{content}\n{planned_at}")[:10]
    return {
        "content": content,
        "holds": dict(holds or {}),
        "planned_at": planned_at,
        "expires_at": (now + timedelta(hours=hours)).isoformat(timespec="seconds"),
        "token": token,
        "earlier": replaced,
        **kept,
    }, True


def came_later(shown_then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the plan was shown, one line each; both are `holds` of a plan."""
    lines = []
    for name in sorted({*shown_then, *now}):
        then, there = shown_then.get(name), now.get(name)
        if then == there:
            continue
        if then is None:
            lines.append(f"{_with_rows(name, there)}, not in the plan")
        elif there is None:
            lines.append(f"{_with_rows(name, then)}, no longer there")
        elif then[0] == there[0]:
            words = "" if then[0] is None else f"{there[0]} rows, "
            lines.append(f"{name}: {words}not the same as in the plan")
        else:
            lines.append(f"{name}: {then[0]} rows in the plan, {there[0]} now")
    return lines


def _with_rows(name: str, held: Any) -> str:
    return name if held[0] is None else f"{name}: {held[0]} rows"


def refusal(
    approval: Mapping[str, Any], run_id: str, plan: Mapping[str, Any], *, prefix: str
) -> str | None:
    """Why this is no approval of this plan, or None. `prefix` is that of the role's variables."""
    answer = (approval["answer"] or "").split()
    if not answer:
        return "No answer"
    if answer == ["ROLLBACK"]:
        return "Rolled back as asked"
    if len(answer) != 2 or answer[0] != "COMMIT":
        # Somebody may have typed a password at the prompt.
        return "The answer is neither COMMIT with the token nor ROLLBACK"
    if not hmac.compare_digest(answer[1].encode(), str(plan["token"]).encode()):
        return "The token is not this plan's"
    if not approval["run_id"]:
        return f"The approval does not name the run ({prefix}_run_id)"
    if approval["run_id"] != run_id:
        return "The approval is for another run"
    return person.mistake(approval["approved_by"], f"{prefix}_approved_by")


def earlier(approval: Mapping[str, Any], plan: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The plan that this one has replaced and that the approval is for, None if it is for none."""
    answer = (approval["answer"] or "").split()
    return next(
        (old for old in plan.get("earlier", []) if answer == ["COMMIT", old["token"]]), None
    )


def is_mistaken(approval: Mapping[str, Any]) -> bool:
    """No answer and ROLLBACK are answers; an approval that does not fit is a mistake."""
    return (approval["answer"] or "").split() not in ([], ["ROLLBACK"])
