"""Who was at work on the server right before a deployment: lines for the terminal, and the error of
a deployment that would wait for somebody in vain."""

from __future__ import annotations

from ...contract.errors import GonogoError
from ...contract.records.activity import Activity
from ...verdict import holding, next_step, sentence, summary
from ..invocation.commands import Caller

__all__ = ["blocked", "lines"]

_WORDS = {"hold": "HOLD", "slow": "may be slower or fail", "unknown": "unknown"}


def lines(activity: Activity | None) -> list[str]:
    """What was found, the worst first, each with the next step; none where nobody has looked."""
    if activity is None:
        return []
    said = [f"{_capital(summary(activity))}."]
    for one in activity.occupants:
        said += [f"  {_WORDS[one.effect]}: {sentence(one)}.", f"    {next_step(one)}"]
    if activity.more:
        said.append(f"  and {activity.more} more, which were not kept")
    return said


def blocked(activity: Activity, *, caller: Caller) -> GonogoError:
    """Why nothing was tried, and what to do about it."""
    found = holding(activity)
    steps = dict.fromkeys(map(next_step, found))
    return GonogoError(
        "the deployment would wait in vain for what others have; nothing was tried",
        detail="\n".join(sentence(one) for one in found),
        hint="\n".join([*steps, f"Then: {caller.again()}"]),
    )


def _capital(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}"
