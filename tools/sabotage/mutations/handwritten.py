"""What the tests of the checks break, each for its own check, and a few of the whole gate's."""

from __future__ import annotations

from collections.abc import Iterator

from tests.runbooks.master_tables import REDS, Red
from tools.sabotage.change import Mutation
from tools.sabotage.shape import Shape

__all__ = ["handwritten"]

# Of these the whole gate says something else first, which a test of one check does not see:
# what they take away is what an earlier script needs, or a premise of preflight.
_ELSEWHERE = {
    "N1.1: a column of the query is missing": ("C1.7",),
    # Triggers that do not act for the run itself: the proof of the target refuses that.
    "C1.9: the whole database switches triggers off": ("target",),
    "0.6: tables are nowhere to be found": ("0.2", "0.3"),
}


def handwritten(shape: Shape) -> Iterator[Mutation]:
    for red in REDS:
        # Those of another profile or of the files are not about a copy of this database.
        if red.profile == shape.runbook.profile and red.residue == "rollback" and not red.runbook:
            yield _of(shape, red)


def _of(shape: Shape, red: Red) -> Mutation:
    name = f"{red.check}: {red.name}"
    right = _ELSEWHERE.get(name, (red.check,))
    check = shape.runbook.checks[red.check]
    nice = {item.id for item in shape.runbook.declared.criteria if item.class_ == "nice"}
    return Mutation(
        id=f"by hand: {name}",
        words=red.name,
        sql=red.sql,
        admin=red.admin,
        between=red.between,
        parameters=red.parameters,
        since=15
        if "NULLS NOT DISTINCT" in red.sql
        else 14
        if "pg_database_owner" in red.admin
        else 13,
        kind=f"by hand, {check.criterion}",
        right=right,
        unknown=right if red.status != "fail" else (),
        reported=right == (red.check,) and (check.effect == "none" or check.criterion in nice),
    )
