"""Where everything that can be done to an object would be too much: each object gets its turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.sabotage.change import OLDEST, Mutation

__all__ = ["turns"]


def turns(mutations: Iterable[Mutation], number: int, share: int = 1) -> Iterator[Mutation]:
    """`share` neighbours of these, for the object of this number; the next one gets the next.

    What only newer servers can do comes beside them.
    """
    common: list[Mutation] = []
    for mutation in mutations:
        if mutation.since > OLDEST:
            yield mutation
        else:
            common.append(mutation)
    for step in range(min(share, len(common))):
        yield common[(number * share + step) % len(common)]
