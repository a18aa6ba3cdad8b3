"""A person's approval of one plan: shown with a token, given with that token, a name and the run.

No answer means no.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import canonical
from ..errors import shown
from . import evidence

__all__ = ["APPROVAL", "is_mistaken", "open_plan", "refusal"]

# What a task passes on: `typed` is true where a person at a terminal gave the answer.
APPROVAL: dict[str, Any] = {
    "type": "dict",
    "options": {
        "answer": {"type": "str"},
        "approved_by": {"type": "str"},
        "typed": {"type": "bool", "default": False},
        "run_id": {"type": "str"},
    },
}


def open_plan(
    run: evidence.Run, name: str, content: str, *, hours: int
) -> tuple[dict[str, Any], bool]:
    """The plan on record if it is of this content and still open, else a new one.

    Returns the plan (`content`, `planned_at`, `expires_at`, `token`) and whether it is new.
    """
    now = datetime.now(UTC)
    if (run.path / name).is_file():
        plan: dict[str, Any] = run.read_json(name)
        if plan["content"] == content and now < datetime.fromisoformat(plan["expires_at"]):
            return plan, False
    planned_at = now.isoformat(timespec="seconds")
    token = canonical.sha256(f"{name}\n{run.run_id}\n{content}\n{planned_at}")[:10]
    return {
        "content": content,
        "planned_at": planned_at,
        "expires_at": (now + timedelta(hours=hours)).isoformat(timespec="seconds"),
        "token": token,
    }, True


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
        return f'"{shown(approval["answer"])}" is neither COMMIT with the token nor ROLLBACK'
    if not hmac.compare_digest(answer[1].encode(), str(plan["token"]).encode()):
        return "The token is not this plan's"
    if not approval["run_id"]:
        return f"The approval does not name the run ({prefix}_run_id)"
    if approval["run_id"] != run_id:
        return "The approval is for another run"
    if not (approval["approved_by"] or "").strip():
        return f"The approval does not say who gives it ({prefix}_approved_by)"
    return None


def is_mistaken(approval: Mapping[str, Any]) -> bool:
    """No answer and ROLLBACK are answers; an approval that does not fit is a mistake."""
    return (approval["answer"] or "").split() not in ([], ["ROLLBACK"])
