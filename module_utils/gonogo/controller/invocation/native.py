"""Values without what Ansible has put on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Variables", "native"]

# Variables as Ansible hands them in, by their names: anybody can set them, to anything.
Variables = Mapping[str, Any]


def native(value: Any) -> Any:
    """Copy of a value without Ansible's tags: plain dict, list, str, int, float, bool, None."""
    if isinstance(value, Mapping):
        return {str(key): native(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [native(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)
