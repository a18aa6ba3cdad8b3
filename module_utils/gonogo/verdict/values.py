"""Values of JSON that may be anything: taken for what they should be, or for nothing."""

from __future__ import annotations

from collections.abc import Mapping


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def text_of(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
