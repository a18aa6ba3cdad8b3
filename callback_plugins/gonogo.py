"""The last word of every run on the terminal: the verdict, or that there is none.

`ansible-playbook` returns 0 in many ways without having checked anything (no host matched, a tag
that does not exist, a task to start at that is not there). None of them may look like a GO.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.plugins.callback import CallbackBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller import report
from gonogo.errors import visible

DOCUMENTATION = r"""
name: gonogo
type: aggregate
short_description: Print the verdict as the last word of a run
description:
  - Prints the verdict of every run that this process has judged, or that nothing was judged.
  - Prints the lines other tasks of this project want to be read.
"""

# Playbooks whose purpose is a verdict; after the others silence means nothing.
_JUDGING = {"validate.yml", "validate_staging.yml", "rollout_production.yml"}
_COLOURS = {"GO": C.COLOR_OK, "HOLD": C.COLOR_WARN, "NO-GO": C.COLOR_ERROR}


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "gonogo"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._judging = False
        self._checking = bool(context.CLIARGS.get("check"))
        self._evidence: dict[str, str] = {}

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._judging = Path(playbook._file_name).name in _JUDGING  # noqa: SLF001 - no other way

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        if not self._judging:
            return
        for directory in self._evidence.values():
            self._say(Path(directory))
        if not self._evidence:
            self._display.display("")
            why = "this was a dry run (--check)" if self._checking else "no verdict was reached"
            self._display.display(f"HOLD  nothing was judged: {why}", color=C.COLOR_WARN)

    def _note(self, result: Any) -> None:
        task = result.task if hasattr(result, "task") else result._task  # noqa: SLF001 - before 2.20
        outcome = result.result if hasattr(result, "result") else result._result  # noqa: SLF001 - as above
        host = result.host if hasattr(result, "host") else result._host  # noqa: SLF001 - as above
        if not str(task.action).startswith("gonogo_"):
            return
        for line in outcome.get("lines") or []:
            self._display.display(f"    {visible(line)}")
        if outcome.get("evidence") and outcome.get("decision"):
            self._evidence[host.get_name()] = str(outcome["evidence"])

    def _say(self, directory: Path) -> None:
        """What the file says, not what any variable said."""
        verdict = json.loads((directory / "verdict.json").read_text(encoding="utf-8"))
        colour = _COLOURS.get(verdict["decision"], C.COLOR_ERROR)
        file = os.path.relpath(directory / "report.md")
        shorter = file if len(file) < len(str(directory)) else str(directory / "report.md")
        self._display.display("")
        for line in report.summary_lines(verdict, report=shorter):
            self._display.display(line, color=colour)
