"""What a race's spec says, checked; the keys are described in the package.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import GonogoError

__all__ = ["Outcome", "Permutation", "Spec", "Step", "parse"]


@dataclass(frozen=True)
class Outcome:
    """One kind of outcome a step may have; exactly one of the three."""

    accepted: bool = False
    waits_for: str | None = None
    states: tuple[str, ...] = ()
    constraints: tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.waits_for:
            return f"waits for {self.waits_for}"
        if self.accepted:
            return "is accepted"
        by = "" if self.constraints is None else f" by {' or '.join(self.constraints) or 'nothing'}"
        return f"is refused with {' or '.join(self.states)}{by}"


@dataclass(frozen=True)
class Step:
    session: str
    sql: str | None
    expect: tuple[Outcome, ...]
    wrong: tuple[Outcome, ...]


@dataclass(frozen=True)
class Permutation:
    name: str
    steps: tuple[Step, ...]
    question: str


@dataclass(frozen=True)
class Spec:
    check: str
    title: str
    expected: str
    setup: str | None
    permutations: tuple[Permutation, ...]

    def sessions(self) -> list[str]:
        """Names in the order of their first step."""
        return list(
            dict.fromkeys(step.session for item in self.permutations for step in item.steps)
        )


def parse(spec: Mapping[str, object]) -> Spec:
    _keys(spec, "race", ["check", "title", "expected", "permutations"], ["setup"])
    parsed = Spec(
        check=_text(spec, "check", "race"),
        title=_text(spec, "title", "race"),
        expected=_text(spec, "expected", "race"),
        setup=_text(spec, "setup", "race") if "setup" in spec else None,
        permutations=tuple(
            _permutation(item, f"permutations[{number}]")
            for number, item in enumerate(_list(spec, "permutations", "race"))
        ),
    )
    names = parsed.sessions()
    for number, item in enumerate(parsed.permutations):
        busy: set[str] = set()
        for position, step in enumerate(item.steps):
            where = f"permutations[{number}].steps[{position}]"
            for outcome in (*step.expect, *step.wrong):
                if outcome.waits_for and outcome.waits_for not in names:
                    raise _mistake(f"{where}: no session is called {outcome.waits_for!r}")
            if step.sql is None and step.session not in busy:
                raise _mistake(f"{where} has no sql, but its session is not at anything")
            if step.sql is not None and step.session in busy:
                raise _mistake(f"{where} starts while its session still waits")
            waits = any(outcome.waits_for for outcome in step.expect)
            (busy.add if waits else busy.discard)(step.session)
    return parsed


def _permutation(item: Any, where: str) -> Permutation:
    _keys(item, where, ["name", "steps", "question"], [])
    return Permutation(
        name=_text(item, "name", where),
        steps=tuple(
            _step(step, f"{where}.steps[{number}]")
            for number, step in enumerate(_list(item, "steps", where))
        ),
        question=_text(item, "question", where),
    )


def _step(step: Any, where: str) -> Step:
    _keys(step, where, ["session", "expect"], ["sql", "wrong"])
    return Step(
        session=_text(step, "session", where),
        sql=_text(step, "sql", where) if "sql" in step else None,
        expect=_outcomes(step["expect"], f"{where}.expect"),
        wrong=_outcomes(step.get("wrong", []), f"{where}.wrong"),
    )


def _outcomes(value: Any, where: str) -> tuple[Outcome, ...]:
    if isinstance(value, list):
        return tuple(outcome for item in value for outcome in _outcomes(item, where))
    if value == "accepted":
        return (Outcome(accepted=True),)
    if isinstance(value, Mapping) and set(value) == {"waits_for"}:
        return (Outcome(waits_for=_text(value, "waits_for", where)),)
    if isinstance(value, Mapping) and "refused" in value:
        _keys(value, where, ["refused"], ["by"])
        by = tuple(map(str, value["by"])) if "by" in value else None
        return (Outcome(states=tuple(map(str, _list(value, "refused", where))), constraints=by),)
    raise _mistake(f"{where} is not an outcome: {value!r}")


def _keys(value: Any, where: str, needed: Sequence[str], allowed: Sequence[str]) -> None:
    if not isinstance(value, Mapping):
        raise _mistake(f"{where} is not a mapping")
    missing = [key for key in needed if key not in value]
    unknown = [str(key) for key in value if key not in (*needed, *allowed)]
    if missing or unknown:
        words = f"lacks {', '.join(missing)}" if missing else f"has the unknown key {unknown[0]!r}"
        raise _mistake(f"{where} {words}")


def _text(value: Mapping[str, object], key: str, where: str) -> str:
    found = value[key]
    if not isinstance(found, str) or not found.strip():
        raise _mistake(f"{where}.{key} is not text")
    return found.strip()


def _list(value: Mapping[str, object], key: str, where: str) -> list[Any]:
    found = value[key]
    if not isinstance(found, list) or not found:
        raise _mistake(f"{where}.{key} is not a list with something in it")
    return found


def _mistake(words: str) -> GonogoError:
    place = "module_utils/gonogo/host/race/__init__.py"
    return GonogoError(f"race spec: {words}", hint=f"The keys are described in {place}.")
