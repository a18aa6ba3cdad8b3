"""What was caught, and for which reason. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.sabotage.change import Mutation, Undeclared, Variant
from tools.sabotage.lab import Outcome

__all__ = ["Finding", "Score", "found", "held", "score"]


@dataclass(frozen=True)
class Finding:
    """One change and what became of it; `right`: the checks that were right to fail."""

    id: str
    words: str
    kind: str
    state: str
    right: tuple[str, ...] = ()
    told: str = ""


@dataclass
class Score:
    """`state` of a mutation's finding: caught, wrong reason, survived or refused; of a
    variant's: quiet, alarm or refused; of what is not declared: held, wrong reason, passed, alarm
    or refused.
    `known`: how many mutations the catalogue has."""

    mutations: list[Finding] = field(default_factory=list)
    variants: list[Finding] = field(default_factory=list)
    undeclared: list[Finding] = field(default_factory=list)
    known: int = 0

    @property
    def _all(self) -> list[Finding]:
        return [*self.mutations, *self.variants, *self.undeclared]

    def count(self, *states: str) -> int:
        return sum(item.state in states for item in self._all)

    @property
    def applied(self) -> int:
        """Mutations that the server took."""
        return sum(item.state != "refused" for item in self.mutations)

    @property
    def caught(self) -> float:
        """Share of the applied mutations that a check caught whose subject they are."""
        return self.count("caught") / self.applied if self.applied else 0.0

    @property
    def alarms(self) -> list[Finding]:
        """What is nobody's fault and was no GO, and what is not declared and was a NO-GO."""
        return [item for item in self._all if item.state == "alarm"]

    @property
    def missed(self) -> list[Finding]:
        return [item for item in self._all if item.state in {"wrong reason", "survived", "passed"}]

    @property
    def refused(self) -> list[Finding]:
        return [item for item in self._all if item.state == "refused"]

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Kind → caught and applied, in the order of the catalogue."""
        counted: dict[str, tuple[int, int]] = {}
        for item in self.mutations:
            if item.state == "refused":
                continue
            caught, applied = counted.get(item.kind, (0, 0))
            counted[item.kind] = (caught + (item.state == "caught"), applied + 1)
        return counted

    def never(self, checks: Iterable[str]) -> list[str]:
        """Checks that were right about nothing: of these it is not known whether they can fail."""
        right = {check for item in self.mutations for check in item.right}
        return [check for check in checks if check not in right]


def score(
    mutations: Sequence[Mutation],
    variants: Sequence[Variant],
    undeclared: Sequence[Undeclared],
    outcomes: Mapping[str, Outcome],
) -> Score:
    """Only what has an outcome is counted."""
    return Score(
        [found(item, outcomes[item.id]) for item in mutations if item.id in outcomes],
        [_heard(item, outcomes[item.id]) for item in variants if item.id in outcomes],
        [held(item, outcomes[item.id]) for item in undeclared if item.id in outcomes],
    )


def found(mutation: Mutation, outcome: Outcome) -> Finding:
    """Whether a mutation was caught: a check of its subject failed, and so there is no GO."""
    judged = outcome.judged
    about = (mutation.id, mutation.words, mutation.kind)
    if judged is None:
        return Finding(*about, "refused", told=outcome.refused or "")
    right = tuple(
        check
        for check in judged.statuses
        if (check in mutation.right and judged.statuses[check] == "fail")
        or (check in mutation.unknown and judged.statuses[check] == "inconclusive")
    )
    right += tuple(stage for stage in mutation.right if stage in judged.failed)
    stopped = judged.decision != "GO"
    if right and (stopped or mutation.reported):
        return Finding(*about, "caught", right)
    return Finding(*about, "wrong reason" if stopped else "survived", told=_told(outcome))


def _heard(variant: Variant, outcome: Outcome) -> Finding:
    judged = outcome.judged
    about = (variant.id, variant.words, "benign")
    if judged is None:
        return Finding(*about, "refused", told=outcome.refused or "")
    if judged.decision == "GO":
        return Finding(*about, "quiet")
    return Finding(*about, "alarm", told=_told(outcome))


def held(change: Undeclared, outcome: Outcome) -> Finding:
    """Whether it is a HOLD because a check cannot tell what it is."""
    judged = outcome.judged
    about = (change.id, change.words, "undeclared")
    if judged is None:
        return Finding(*about, "refused", told=outcome.refused or "")
    right = tuple(name for name in change.right if judged.statuses.get(name) == "inconclusive")
    if judged.decision == "HOLD" and right:
        return Finding(*about, "held", right)
    state = {"GO": "passed", "NO-GO": "alarm"}.get(judged.decision, "wrong reason")
    return Finding(*about, state, told=_told(outcome))


def _told(outcome: Outcome) -> str:
    """The decision and what it stands on, in a few words."""
    judged = outcome.judged
    assert judged is not None
    failed = [
        f"{check} {judged.statuses[check]}: {judged.observed.get(check, '')}"
        for check in judged.statuses
        if judged.statuses[check] in {"fail", "inconclusive"}
    ]
    stages = [f"{stage}: {text}" for stage, text in judged.failed.items()]
    return "; ".join([judged.decision, *failed[:3], *stages[:1]])
