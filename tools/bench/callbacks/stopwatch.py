"""Notes when the stages of a playbook begin and end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: stopwatch
type: aggregate
short_description: Note when the stages of a playbook begin and end
description:
  - Appends a line of JSON for every task that begins or ends to the file that
    E(GONOGO_BENCH_STOPWATCH) names, with C(at) (seconds since 1970), C(event) and C(role).
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stopwatch"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        self._note("begin", task)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._end(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._end(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._end(result)

    def _end(self, result: Any) -> None:
        task = result.task if hasattr(result, "task") else result._task  # noqa: SLF001 - before 2.20
        self._note("end", task)

    @staticmethod
    def _note(event: str, task: Any) -> None:
        # The name of a role's task begins with the role's.
        role = task.get_name().partition(" : ")[0]
        line = json.dumps({"at": time.time(), "event": event, "role": role})
        with Path(os.environ["GONOGO_BENCH_STOPWATCH"]).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
