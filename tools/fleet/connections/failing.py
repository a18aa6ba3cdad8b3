"""A connection that fails as a program does that has a fault of its own."""

from __future__ import annotations

from typing import Any

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: failing
short_description: Fails with an exception that nobody expects
description:
  - For tests.
"""


class Connection(Local):  # type: ignore[misc]
    """Raises where something is to be executed."""

    transport = "failing"

    def exec_command(self, *arguments: Any, **keywords: Any) -> Any:
        del arguments, keywords
        raise ZeroDivisionError("division by zero")
