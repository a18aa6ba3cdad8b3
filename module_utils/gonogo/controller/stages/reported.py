"""What a task reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.options.option import StageOptions

__all__ = ["Reported", "skipped", "waited"]

_WORTH_SAYING_SECONDS = 1.0


@dataclass(frozen=True)
class Reported:
    """`lines` are for the terminal; `changed`, `failed`, `skipped` and `msg` are Ansible's own.

    `told` is what else stands in the result of the task, as RETURN of its module documents it.
    """

    lines: Sequence[str] = ()
    changed: bool | None = None
    failed: bool | None = None
    skipped: bool | None = None
    msg: str | None = None
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def result(self) -> dict[str, object]:
        """As Ansible takes it."""
        own: dict[str, object] = {
            "changed": self.changed,
            "failed": self.failed,
            "skipped": self.skipped,
            "msg": self.msg,
            "lines": list(self.lines) or None,
        }
        return {**self.told, **{key: value for key, value in own.items() if value is not None}}


def skipped(why: str) -> Reported:
    return Reported(skipped=True, msg=why)


def waited(seconds: float, stage: StageOptions) -> list[str]:
    """A line for the terminal where a stage has waited for its turn."""
    if seconds < _WORTH_SAYING_SECONDS:
        return []
    return [f"Waited {seconds:.0f} s for its turn on this host ({stage.role}_at_once)"]
