"""All changes there are, and a sample of them that has something of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tools.sabotage.change import Mutation, Undeclared, Variant
from tools.sabotage.mutations import MAKERS
from tools.sabotage.shape import Shape
from tools.sabotage.undeclared import declared
from tools.sabotage.undeclared import undeclared as _undeclared
from tools.sabotage.variants import variants as _variants

__all__ = ["mutations", "sample", "undeclared", "variants"]


@cache
def mutations() -> tuple[Mutation, ...]:
    """In the order of the kinds."""
    shape = Shape()
    return tuple(mutation for make in MAKERS for mutation in make(shape))


@cache
def variants() -> tuple[Variant, ...]:
    return (*_variants(), *declared(Shape()))


@cache
def undeclared() -> tuple[Undeclared, ...]:
    return tuple(_undeclared(Shape()))


def sample(major: int, *, by_hand: bool = False) -> list[Mutation]:
    """The middle one of each kind that a server of this version can have.

    Without those by hand, which the tests of the checks try anyway.
    """
    kinds: dict[str, list[Mutation]] = {}
    for mutation in mutations():
        if mutation.since <= major and (by_hand or not mutation.kind.startswith("by hand")):
            kinds.setdefault(mutation.kind, []).append(mutation)
    return [_middle(members) for members in kinds.values()]


def _middle(members: Sequence[Mutation]) -> Mutation:
    return members[len(members) // 2]
