"""A record of evidence that may have been altered: what cannot be read says nothing.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from typing import TypeVar

from .reading import RecordError, read

__all__ = ["readable"]

_Record = TypeVar("_Record")


def readable(record: type[_Record], value: object, *, file: str) -> _Record | None:
    """The record that a JSON value is, None where it is none."""
    try:
        return read(record, value, file=file)
    except RecordError:
        return None
