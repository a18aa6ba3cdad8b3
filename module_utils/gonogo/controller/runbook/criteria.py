"""How the criteria of the derived checks count: by themselves, and as an inventory says.

What proves a migration bad counts for the score, and no waiver ever covers it. What a person may
accept is a criterion of its own beside it (`D4.waivable`), which does not count for the score: so a
waiver can be granted for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...contract.errors import InputError
from ...verdict import CLASSES
from ..declared.runbook import Criterion, Declaration, DeclaredCheck

__all__ = ["LEVELS", "WAIVABLE", "counted"]

KEY = "gonogo_criteria"
# As which a criterion can count → what a failure of a check means then.
LEVELS: Mapping[str, str] = {
    "critical": "no_go",
    "important": "important",
    "hold": "hold",
    "none": "none",
}
WAIVABLE = ".waivable"


def counted(declared: Declaration, levels: Mapping[str, object]) -> Declaration:
    """The runbook with each criterion as it counts. Raises InputError for a level or a criterion
    that there is not."""
    _check(declared, levels)
    classes = {one.id: one.class_ for one in declared.criteria}
    checks = [
        replace(one, effect=_effect(one, classes[one.criterion], levels.get(one.criterion)))
        for one in declared.checks
    ]
    criteria = [part for one in declared.criteria for part in _parts(one, checks)]
    homes = {one.id for one in criteria}
    return replace(
        declared,
        criteria=criteria,
        checks=[_at_home(one, homes) for one in checks],
        scoring=[one.id for one in criteria if one.class_ == "critical"],
    )


def _check(declared: Declaration, levels: Mapping[str, object]) -> None:
    known = [one.id for one in declared.criteria]
    for name, level in levels.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise InputError(
                "there is no criterion of this id",
                key=KEY,
                value=name,
                hint=f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}.",
            )
        if level not in (*LEVELS,):
            raise InputError(
                "a criterion cannot count so",
                key=f"{KEY}.{name}",
                value=level,
                hint=f"Known: {', '.join(LEVELS)}.",
            )


def _effect(check: DeclaredCheck, class_: str, level: object) -> str:
    """What a failure means. A check that has an effect of its own weighs no more for a level, and
    one that weighs more than its criterion is to, as much as that."""
    own = check.effect or CLASSES[class_]
    if level is None:
        return own
    wanted = LEVELS[str(level)]
    if level in ("critical", "none"):
        return wanted if level == "none" else check.effect or wanted
    return wanted if own == "no_go" or check.effect is None else own


def _parts(criterion: Criterion, checks: list[DeclaredCheck]) -> Iterator[Criterion]:
    """A criterion as what proves a migration bad, and what a person may accept of it."""
    effects = {one.effect for one in checks if one.criterion == criterion.id}
    acceptable = bool(effects & {"hold", "important"})
    if "no_go" in effects:
        yield replace(criterion, class_="critical")
        if acceptable:
            title = f"{criterion.title}: what a waiver can accept"
            yield Criterion(criterion.id + WAIVABLE, class_="important", title=title)
    else:
        yield replace(criterion, class_="important" if acceptable else "nice")


def _at_home(check: DeclaredCheck, homes: set[str]) -> DeclaredCheck:
    home = check.criterion + WAIVABLE
    moved = check.effect in ("hold", "important") and home in homes
    return replace(check, criterion=home) if moved else check
