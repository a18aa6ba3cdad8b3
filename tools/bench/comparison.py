"""The product and the work by hand in turn, so that both meet the same machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tools.bench import byhand, product
from tools.bench.figures import Comparison, Pair, medians

if TYPE_CHECKING:
    from tools.bench.lab import Lab


def compare(
    lab: Lab,
    database: str,
    *,
    name: str,
    database_bytes: int,
    repetitions: int,
    limit: float,
    say: Callable[[str], None],
) -> Comparison:
    """Measure ``repetitions`` pairs after one of each that does not count: what is read has been
    read before, and psycopg is on the target host.

    Raises: SandboxError when either fails.
    """
    byhand.run(lab, database, product.run(lab, database).scripts())
    pairs, stages, steps = [], [], []
    for number in range(1, repetitions + 1):
        ours = product.run(lab, database)
        # The scripts that have just been rendered, from the facts of this database.
        theirs, parts = byhand.run(lab, database, ours.scripts())
        pairs.append(Pair(ours.cost, theirs))
        stages.append(ours.stages)
        steps.append(parts)
        say(
            f"{name} {number}/{repetitions}: run {ours.cost.wall:.2f} s, by hand "
            f"{theirs.wall:.2f} s, ratio {ours.cost.wall / theirs.wall:.2f}"
        )
    return Comparison(
        name=name,
        database_bytes=database_bytes,
        pairs=pairs,
        stages=medians(stages),
        steps=medians(steps),
        limit=limit,
    )
