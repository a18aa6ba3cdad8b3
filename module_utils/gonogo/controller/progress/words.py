"""The lines that say how far a stage is: pure functions of what was written down by the host.

A rate is that of the last looks, and the time left follows from it: none is said before something
has moved for a while, nor where nobody knows how much there is to do, or more was done than that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import NoReturn

from ...contract.errors import shown
from ...contract.records.progress import MAX_BYTES, Count, Progress, StepProgress, Touched
from ...contract.records.readable import readable

__all__ = ["Words", "took"]

# What goes on at a rate: one statement takes as long as a thousand others.
_STEADY = frozenset({"bytes", "rows"})
_LOOKS = 12
_SURE_SECONDS = 4.0
_STEPS = 3
_LINE = 400
_NAME = 72
_HUGE = 10**15
_UNITS = ("B", "kB", "MB", "GB", "TB")


class Words:
    """The lines of one stage on one host. `text` after `text` comes in, as the host writes it."""

    def __init__(self, host: str, stage: str) -> None:
        self._host, self._stage = host, stage
        self._written: int | None = None
        # Step → seconds and what was done of its first count, look by look.
        self._looks: dict[int, list[tuple[float, int]]] = {}

    def line(self, text: str, *, seconds: float) -> str | None:
        """One line, the stage being at work for so many seconds; None where there is nothing new
        to say, or nobody can read it."""
        told = _read(text)
        if told is None or told.written == self._written:
            return None
        self._written = told.written
        steps = [step for step in told.steps if _makes_sense(step)][:_STEPS]
        if not steps:
            return None
        said = "; ".join(self._said(step) for step in steps)
        return shown(f"{_who(self._host, self._stage)}, {duration(seconds)}: {said}", limit=_LINE)

    def _said(self, step: StepProgress) -> str:
        parts = [*map(_counted, step.counts), *self._pace(step)]
        now = ", ".join(map(_touched, step.now))
        said = ", ".join(parts) or f"at work for {duration(step.seconds)}"
        return f"{shown(step.name, limit=_NAME)}: {said}" + (f"; now {now}" if now else "")

    def _pace(self, step: StepProgress) -> Iterator[str]:
        """The rate of the last looks, and the time left."""
        first = step.counts[0] if step.counts else None
        if first is None or first.unit not in _STEADY:
            return
        looks = self._looks.setdefault(step.number, [(0.0, 0)])
        if looks[-1][1] > first.done or looks[-1][0] > step.seconds:
            # It was begun anew.
            looks.clear()
        looks.append((step.seconds, first.done))
        del looks[:-_LOOKS]
        (since, before), (until, done) = looks[0], looks[-1]
        if until - since < _SURE_SECONDS or done <= before:
            return
        rate = (done - before) / (until - since)
        unit = f" {first.unit}" if first.unit != "bytes" else ""
        if rate >= 1 and done != first.of:
            yield f"{_number(round(rate), first.unit)}{unit}/s"
        if first.of is not None and done < first.of:
            # Behind rows come indexes, and nobody knows how long these take.
            yield f"about {left((first.of - done) / rate)} left" + (f" for{unit}" if unit else "")


def took(host: str, stage: str, seconds: float) -> str:
    """The last line of a stage."""
    return shown(f"{_who(host, stage)} took {seconds:.1f} s", limit=_LINE)


def duration(seconds: float) -> str:
    """What has gone by."""
    whole = int(max(seconds, 0))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def left(seconds: float) -> str:
    """What is still to come, as exactly as an estimate can be."""
    if seconds < 60:
        return f"{max(5, 5 * math.ceil(seconds / 5))} s"
    if seconds < 3600:
        return f"{math.ceil(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 360_000 else "more than 100 h"


def _who(host: str, stage: str) -> str:
    return f"{shown(host, limit=_NAME)} {stage}"


def _read(text: str) -> Progress | None:
    if len(text) > MAX_BYTES:
        return None
    try:
        found: object = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return readable(Progress, found, file="progress")


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _makes_sense(step: StepProgress) -> bool:
    numbers = [step.seconds, *(count.done for count in step.counts)]
    numbers += [count.of for count in step.counts if count.of is not None]
    numbers += [one.percent for one in step.now if one.percent is not None]
    return all(0 <= number < _HUGE for number in numbers)


def _counted(count: Count) -> str:
    """`1,200 of about 5,000 rows (24 %)`; no share where more was done than was expected."""
    size, _, rest = count.unit.partition(" ")
    unit = rest if size == "bytes" else shown(count.unit, limit=_NAME)
    done = _number(count.done, count.unit)
    if count.of is None:
        return f"{done} {unit}".strip()
    if count.done > count.of:
        return f"{done} {unit}".strip() + ", more than expected"
    about = "about " if count.about else ""
    said = f"{done} of {about}{_number(count.of, count.unit)} {unit}".strip()
    is_share = count.unit in _STEADY and count.of
    return f"{said} ({100 * count.done // count.of} %)" if is_share else said


def _number(number: int, unit: str) -> str:
    if not unit.startswith("bytes"):
        return f"{number:,}"
    size, power = float(number), 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return (
        f"{size:.0f} {_UNITS[power]}" if size >= 10 or not power else f"{size:.1f} {_UNITS[power]}"
    )


def _touched(one: Touched) -> str:
    name = shown(one.name, limit=_NAME)
    return name if one.percent is None else f"{name} {one.percent} %"
