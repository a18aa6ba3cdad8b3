"""Argument specs of tasks whose values are for the target host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import LOGIN_SPEC

__all__ = ["LOGIN", "on_target"]


def on_target(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Copy of an argument spec whose paths are left as they were written.

    Here `~` and variables would become the controller's; the module expands them on the target.
    """
    copy = dict(spec)
    if "options" in copy:
        copy["options"] = {key: on_target(option) for key, option in copy["options"].items()}
    if copy.get("type") == "path":
        copy["type"] = "str"
    return copy


LOGIN = on_target({"type": "dict", "required": True, "options": LOGIN_SPEC})
