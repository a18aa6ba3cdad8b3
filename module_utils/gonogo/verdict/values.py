"""Values of JSON that may be anything: taken for what they should be, or for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
