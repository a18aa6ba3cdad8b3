"""What ansible-playbook and its workers take while a fleet is judged, as Linux says it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory"]

_PRIVATE = re.compile(r"^Private_\w+:\s+(\d+) kB", re.MULTILINE)
_PROC = Path("/proc")


@dataclass
class Memory:
    """The most of each that was seen. `hosts` are the directories of the target hosts."""

    hosts: Sequence[Path]
    worker_bytes: int = 0
    main_bytes: int = 0
    workers: int = 0
    twins: int = 0
    processor_seconds: float = 0.0

    def look(self, process: int) -> None:
        """Look at ansible-playbook and its workers now."""
        with suppress(OSError, ValueError, IndexError):
            self.main_bytes = max(self.main_bytes, _private(process))
            self.processor_seconds = max(self.processor_seconds, _processor_seconds(process))
        children = _children(process)
        self.workers = max(self.workers, len(children))
        for child in children:
            with suppress(OSError, ValueError):
                self.worker_bytes = max(self.worker_bytes, _private(child))
        for host in self.hosts:
            with suppress(OSError):
                self.twins = max(self.twins, sum(1 for _ in (host / "twins").iterdir()))


def _private(process: int) -> int:
    text = (_PROC / str(process) / "smaps_rollup").read_text()
    return 1024 * sum(map(int, _PRIVATE.findall(text)))


def _children(process: int) -> list[int]:
    with suppress(OSError):
        text = (_PROC / str(process) / "task" / str(process) / "children").read_text()
        return [int(word) for word in text.split()]
    return []


def _processor_seconds(process: int) -> float:
    """Of the process and of all its children that have ended."""
    fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
