"""Stops ansible-playbook itself before its last task, in place of a module on the target host."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: cut
type: aggregate
short_description: Wait before the verdict until a test lets go
description:
  - Speaks the language of tests/integration/support/cut/gatekeeper.py.
"""

_PLACE = "verdict before\n"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cut"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        directory = Path(os.environ["GONOGO_CUT"])
        hold = directory / "hold"
        if task.action != "gonogo_verdict" or not hold.exists() or hold.read_text() != _PLACE:
            return
        hold.unlink()
        partial = directory / f"held.{os.getpid()}"
        partial.write_text(f"{os.getpid()}\n")
        partial.rename(directory / "held")
        go = directory / f"go.{os.getpid()}"
        while not go.exists():
            time.sleep(0.02)
        go.unlink()
