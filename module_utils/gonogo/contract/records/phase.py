"""The script of a phase, and what it has answered, as they travel to the target host and back.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .check_result import CheckResult

__all__ = ["PhaseOutcome", "PhaseScript", "ScriptError"]


@dataclass(frozen=True)
class PhaseScript:
    """`stop` are the checks that end a run where they do not pass; a race is as
    `contract.race_spec` reads it. `apart` are the numbers of the blocks that another session can
    ask."""

    name: str
    text: str
    stop: Sequence[str]
    races: Sequence[Mapping[str, object]]
    apart: Sequence[int]


@dataclass(frozen=True)
class ScriptError:
    """Why a script ended early, and where: the block, and its line in the script."""

    message: str
    detail: str | None
    hint: str | None
    sqlstate: str | None
    block: str | None
    line: int | None


@dataclass(frozen=True)
class PhaseOutcome:
    """`checks` and `facts` are what was answered before the script ended; `error` says why it ended
    early. `committed` is None when the connection was lost while committing: nobody knows. `why`
    says why it was not `ran`.
    """

    name: str
    seconds: float
    committed: bool | None
    error: ScriptError | None
    checks: Sequence[CheckResult]
    facts: Mapping[str, object]
    races: Sequence[CheckResult]
    ran: bool
    why: str | None

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """Of all checks, those answered by races too."""
        return (*self.checks, *self.races)
