"""JSON of evidence, read strictly: a value, or the records of a `.jsonl` file."""

from __future__ import annotations

import json
import math
from typing import Any

from .record import JsonObject, Record


def parse(raw: bytes, *, file: str | None = None) -> Any:
    """Return a JSON value; its objects are `Record`s where the `file` they are of is named.

    Raises `ValueError` for everything that is none.
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_hook=None if file is None else lambda values: Record(values, file),
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def records_of(name: str, raw: bytes) -> tuple[list[JsonObject], list[str]]:
    """Return the objects of a `.jsonl` file, and what is wrong with the other lines."""
    records: list[JsonObject] = []
    problems: list[str] = []
    for number, text in enumerate(lines_of(raw), start=1):
        try:
            record = parse(text, file=name)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        if not text.endswith(b"\n"):
            problems.append(f"{name} line {number}: cut off")
        elif not isinstance(record, dict):
            problems.append(f"{name} line {number}: not a record")
    return records, problems


def lines_of(raw: bytes) -> list[bytes]:
    """Split at line feeds only: JSON text may hold the other characters that end lines."""
    lines = raw.split(b"\n")
    return [text + b"\n" for text in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of a finite size")
    return value
