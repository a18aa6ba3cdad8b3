"""What a file of evidence says, and the one error where it does not say what is asked of it.

Whoever reads evidence looks up keys as in any other dict. A key that a file lacks, or a value of
another kind than a run writes, is a `RecordError` that names the file. So a KeyError or TypeError
is never about evidence: it is a fault of this project (`fault.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...contract.errors import shown
from ...contract.records.reading import HINT, RecordError

__all__ = ["JsonObject", "Record", "require_shape"]

# An object of JSON of which nobody has said yet what it is.
JsonObject = dict[str, Any]

# What is read of each file: the kinds of values that are looked into. A list with one entry is a
# list of such, and of several in a tuple any counts. A key that is not there is told when it is
# asked for.
_OBJECT: Mapping[str, object] = {}
_SHAPES: tuple[tuple[re.Pattern[str], Any], ...] = tuple(
    (re.compile(pattern), shape)
    for pattern, shape in {
        r"rehearsal\.json": {
            "deployment": ({"statements": [_OBJECT]}, None),
            "undone": (_OBJECT, None),
            "retried": ({"changes": [str], "untried": [str]}, None),
            "scripts": _OBJECT,
        },
        r"deploy(_found)?\.json": {
            "action": str,
            "statements": [{"file": str}],
            "files": [str],
            "before": ({"objects": [_OBJECT], "contradictions": [_OBJECT]}, None),
            "after": ({"objects": [_OBJECT], "contradictions": [_OBJECT]}, None),
        },
        r"deploy_intent\.json": {
            "plan": {
                "steps": [{"file": str}],
                "objects": [_OBJECT],
                "history": {"tool": str, "schema": str, "migrations": [_OBJECT]},
            },
            "before": _OBJECT,
        },
        r"\w+_plan\.json": {"content": str, "token": str, "expires_at": str, "holds": _OBJECT},
        r"[\w-]+\.jsonl?": _OBJECT,
    }.items()
)


class Record(JsonObject):
    """An object of a file of evidence, at any depth."""

    __slots__ = ("_file",)

    def __init__(self, values: JsonObject, file: str) -> None:
        super().__init__(values)
        self._file = file

    def __missing__(self, key: str) -> Any:
        raise RecordError(
            f'{self._file} lacks "{shown(key)}"',
            detail=f"There is: {', '.join(map(shown, list(self)[:20])) or 'nothing'}.",
            hint=HINT,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


_WORDS = {
    dict: "an object",
    Record: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    type(None): "null",
}


def require_shape(file: str, value: Any) -> None:
    """Raises RecordError where a value that is looked into is of another kind than a run writes."""
    for pattern, shape in _SHAPES:
        if pattern.fullmatch(file):
            wrong = _misfit(value, shape, "")
            if wrong:
                raise RecordError(f"{file} is not as a run writes it", detail=wrong, hint=HINT)
            return


def _misfit(value: Any, shape: Any, place: str) -> str | None:
    """Where it is something else, as a sentence, or None."""
    choices = shape if isinstance(shape, tuple) else (shape,)
    for choice in choices:
        if isinstance(value, _kind(choice)):
            return next(filter(None, _inside(value, choice, place)), None)
    wanted = " or ".join(_WORDS[_kind(choice)] for choice in choices)
    return f"{place or 'It'} is {_WORDS.get(type(value), 'a number')}; it should be {wanted}."


def _inside(value: Any, shape: Any, place: str) -> Iterator[str | None]:
    if isinstance(shape, dict):
        for name in shape.keys() & value.keys():
            yield _misfit(value[name], shape[name], f"{place}.{name}" if place else name)
    elif isinstance(shape, list):
        for number, item in enumerate(value):
            yield _misfit(item, shape[0], f"{place}[{number}]")


def _kind(shape: Any) -> type:
    """The class of what a shape is about."""
    if isinstance(shape, dict):
        return dict
    if isinstance(shape, list):
        return list
    return type(None) if shape is None else shape
