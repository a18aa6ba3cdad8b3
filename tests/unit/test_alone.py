"""When a processor is free for a measurement."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gonogo.host.migrate import alone

TICKS = "cpu  100 40 20 300 1 2 3 4 0 0\ncpu0 100 40 20 300 1 2 3 4 0 0\n"


@pytest.mark.parametrize(("own", "free"), [(0, 340), (-5, 340), (3, 300)])
def test_what_gives_way_is_in_nobodys_way_but_of_one_that_gives_way_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: int, free: int
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(TICKS)
    monkeypatch.setattr(alone, "_STAT", stat)
    monkeypatch.setattr(os, "getpriority", lambda _which, _who: own)
    assert alone._used() == (free, 470)
