"""Rows that contradict each other, made from the same rules that the checks are made from."""

from __future__ import annotations

from collections.abc import Iterator

from tools.sabotage.change import Mutation
from tools.sabotage.contradicting import contradicting
from tools.sabotage.shape import Shape

__all__ = ["contradictions"]


def contradictions(shape: Shape) -> Iterator[Mutation]:
    for rule in shape.runbook.manifest.rules:
        for how, command in contradicting(shape, rule):
            yield Mutation(
                id=f"contradiction: {rule.name}, {how}",
                words=f"{rule.words} ({how})",
                admin=command,
                kind=f"rows that contradict, {rule.check}",
                right=(rule.check,),
            )
