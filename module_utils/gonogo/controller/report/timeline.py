"""The run as a time line: its stages one after the other, as the chain of events has them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ...contract.records.event import Event
from .page import TimeLine
from .parts import Bar, Cell, Column, Segment, Table
from .values import moment, seconds

__all__ = ["time_line"]

_NOTHING = "not done"
_TONES = {"passed": "good", "failed": "bad", _NOTHING: "open"}
_WORTH_SAYING = 0.1
_ENDS = {"stage_passed": "passed", "stage_failed": "failed", "closed": "closed"}
_COLUMNS = (
    Column("Stage", head=True),
    Column("Came to"),
    Column("Seconds", number=True),
    Column("When", only="html"),
    Column("Ended at"),
)


@dataclass(frozen=True)
class _Stage:
    """Where it began and ended, in seconds since the run was opened; `waited` of that for its
    turn."""

    name: str
    word: str
    began: float
    ended: float
    at: str
    waited: float


def time_line(events: Sequence[Event], *, idle: Collection[str] = frozenset()) -> TimeLine | None:
    """None where the chain tells of no stage. Stages that are `idle` passed, and did nothing."""
    stages = [
        replace(stage, word=_NOTHING) if stage.word == "passed" and stage.name in idle else stage
        for stage in _stages(events)
    ]
    if not stages:
        return None
    whole = max(*(stage.ended for stage in stages), 0.001)
    slowest = max(stages, key=lambda stage: stage.ended - stage.began)
    words = (
        f"The run took {seconds(whole)}; most of it stage {slowest.name}, "
        f"{seconds(slowest.ended - slowest.began)}."
    )
    waited = [stage for stage in stages if stage.waited]
    if waited:
        each = ", ".join(f"{stage.name} {seconds(stage.waited)}" for stage in waited)
        words += f" Waited for a turn on the host: {each}."
    rows = [_row(stage, whole) for stage in stages]
    return TimeLine(
        words, Table("Stages in their order, each from the end of the one before", _COLUMNS, rows)
    )


def _stages(events: Sequence[Event]) -> list[_Stage]:
    opened = moment(events[0].at) if events else None
    found: list[_Stage] = []
    began = 0.0
    for event in events:
        at = moment(event.at)
        if event.event not in _ENDS or at is None or opened is None:
            continue
        ended = max((at - opened).total_seconds(), began)
        waited = min(_waited(event.data.get("waited")), ended - began)
        found.append(_Stage(event.stage, _ENDS[event.event], began, ended, event.at, waited))
        began = ended
        if event.event == "closed":
            # What comes later is no part of the run.
            break
    return found


def _waited(said: object) -> float:
    """Seconds; 0 for what is no number of them."""
    if not isinstance(said, (int, float)) or isinstance(said, bool):
        return 0.0
    return float(said) if math.isfinite(said) and said > _WORTH_SAYING else 0.0


def _row(stage: _Stage, whole: float) -> list[Cell]:
    taken = stage.ended - stage.began
    bad = stage.word == "failed"
    said = f"{stage.name}: from second {stage.began:.1f} to {stage.ended:.1f}"
    if stage.waited:
        said += f", of which {seconds(stage.waited)} it waited for its turn"
    start, length = 100 * stage.began / whole, max(100 * taken / whole, 0.4)
    pause = 100 * stage.waited / whole
    segments = [Segment(start + pause, length - pause, "bad" if bad else "")]
    if stage.waited:
        segments.insert(0, Segment(start, pause, "open", "hatched"))
    return [
        Cell(stage.name),
        Cell(stage.word, _TONES.get(stage.word, "")),
        Cell(f"{taken:.1f}"),
        Cell(bars=[Bar(said, segments)]),
        Cell(stage.at, code=True),
    ]
