"""What every table of waivers says of one."""

from __future__ import annotations

from typing import Protocol

from .parts import Cell, Column

__all__ = ["COLUMNS", "cells"]

COLUMNS = (
    Column("Subject", head=True),
    Column("Expires"),
    Column("Days left", number=True),
    Column("Owner"),
    Column("Reason"),
)


class _Waiver(Protocol):
    @property
    def subject(self) -> str: ...
    @property
    def expires(self) -> str: ...
    @property
    def days_left(self) -> int: ...
    @property
    def owner(self) -> str: ...
    @property
    def reason(self) -> str: ...


def cells(one: _Waiver) -> list[Cell]:
    """A cell for each of the columns."""
    told = (one.subject, one.expires, str(one.days_left), one.owner, one.reason)
    return [Cell(text) for text in told]
