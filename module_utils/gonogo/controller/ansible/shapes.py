"""Who rehearses for whom, in the play at work.

Before it, each database was asked for its shape; here it is only chosen whose run begins first.
Whether the others go by its rehearsal each of them finds out by itself, when it is there.

What is noted here is noted by ansible-playbook's own process, as of waves (`waves.AT_WORK`). Where
nobody notes anything, every host rehearses by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SHAPES", "Measured", "Shapes", "chosen"]

# What no pattern of hosts takes for something else.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Measured:
    """The digest of a shape, and the bytes of a database."""

    shape: str
    size: int


@dataclass
class Shapes:
    """`measured` and `opened` (the directory of its run) are by host; `by` is host → the one that
    rehearses for it."""

    measured: dict[str, Measured] = field(default_factory=dict)
    opened: dict[str, Path] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)

    def note(self, host: str, told: Mapping[str, object]) -> None:
        """What the stage shape has said of a host."""
        shape, size = told.get("shape"), told.get("size")
        if isinstance(shape, str) and isinstance(size, int):
            self.measured[host] = Measured(shape, size)

    def rehearses_for(self, host: str) -> tuple[str, Path | None] | None:
        """The host that was chosen to rehearse for this one, and the directory of its run; None
        where it rehearses by itself."""
        other = self.by.get(host)
        return None if other is None else (other, self.opened.get(other))

    def ordered(
        self, waves: Sequence[Sequence[str]], groups: Mapping[str, object]
    ) -> list[list[str]] | None:
        """These waves with those first that rehearse for others; None where nobody does."""
        found, self.by = chosen(waves, self.measured)
        hosts = [host for wave in waves for host in wave]
        if not self.by or not all(_PLAIN.fullmatch(one) and one not in groups for one in hosts):
            self.by = {}
            return None
        return found


def chosen(
    waves: Sequence[Sequence[str]], measured: Mapping[str, Measured]
) -> tuple[list[list[str]], dict[str, str]]:
    """The waves, each cut in two where some of its hosts go by others of it; and who goes by whom.

    Of each shape the largest database of the first wave that has one rehearses for the others.
    """
    cut: list[list[str]] = []
    by: dict[str, str] = {}
    first: dict[str, str] = {}
    for wave in waves:
        for host in sorted(wave, key=lambda one: _largest_first(one, measured)):
            if host in measured:
                first.setdefault(measured[host].shape, host)
        behind = {
            host: first[measured[host].shape]
            for host in wave
            if host in measured and first[measured[host].shape] != host
        }
        by |= behind
        # Those that go by hosts of an earlier wave need not wait for anybody of this one.
        late = [host for host in wave if behind.get(host) in wave]
        cut += [part for part in ([h for h in wave if h not in late], late) if part]
    return cut, by


def _largest_first(host: str, measured: Mapping[str, Measured]) -> tuple[int, str]:
    return (-measured[host].size if host in measured else 0, host)


# Those of this process: one play judges.
SHAPES = Shapes()
