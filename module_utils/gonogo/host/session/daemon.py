"""A process that outlives its parent, and reports to it once how it came out.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable

__all__ = ["Report", "spawn"]


class Report:
    """The pipe to the parent of the process."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def tell(self, outcome: Mapping[str, object]) -> None:
        """Report how it came out. Only the first report counts."""
        try:
            os.write(self._descriptor, json.dumps(outcome).encode())
            os.close(self._descriptor)
        except OSError:
            # The parent is gone, or has had its report.
            pass


def spawn(
    work: Callable[[Report], None],
    *,
    meanwhile: Callable[[], None] | None = None,
    keep: Sequence[int] = (),
) -> dict[str, Any] | None:
    """Call `work` in a process of its own; return its report, None when it ended without one.

    `meanwhile` is called here until the report comes. The process ends where `work` returns; of
    the descriptors that are open here it has those to `keep`.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _become(work, writing, keep)
    os.close(writing)
    os.waitpid(child, 0)
    if meanwhile:
        meanwhile()
    with os.fdopen(reading, encoding="utf-8") as pipe:
        answer = pipe.read()
    return dict(json.loads(answer)) if answer else None


def _become(work: Callable[[Report], None], writing: int, keep: Sequence[int]) -> None:
    report = Report(writing)
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        # Ansible waits for the end of its pipes; this process must not hold one open.
        end = min(os.sysconf("SC_OPEN_MAX"), 65536)
        kept = sorted({writing, *keep})
        for low, high in zip([3, *(one + 1 for one in kept)], [*kept, end]):
            os.closerange(low, high)
        work(report)
    except BaseException as error:  # noqa: BLE001 - nobody is left to see a traceback
        report.tell({"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)
