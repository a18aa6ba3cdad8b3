"""A connection under which the worker of ansible-playbook ends, as where memory runs out."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: dying
short_description: Ends the worker that uses it
description:
  - For tests.
"""


class Connection(Local):  # type: ignore[misc]
    """Kills whoever executes something."""

    transport = "dying"

    def exec_command(self, *arguments: Any, **keywords: Any) -> Any:
        del arguments, keywords
        os.kill(os.getpid(), signal.SIGKILL)
