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


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the system says of itself: nothing is done there, and nobody waits."""
    for name, file in (("_STAT", "stat"), ("_PRESSURE", "pressure")):
        monkeypatch.setattr(alone, name, tmp_path / file)
    monkeypatch.setattr(alone, "_NAME", f"\0{tmp_path}")
    monkeypatch.setattr(alone, "_a_processor_is_free", lambda _until: True)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getpriority", lambda _which, _who: 0)
    (tmp_path / "stat").write_text("cpu  0 0 0 1000 0 0 0 0 0 0\n")
    (tmp_path / "pressure").write_text(PRESSURE.format(0))
    return tmp_path


PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 total=7\n"


@pytest.mark.parametrize(("waited", "quiet"), [(0, True), (90_000, True), (110_000, False)])
def test_who_comes_meanwhile_is_in_the_way(host: Path, waited: int, quiet: bool) -> None:
    with alone.alone() as found:
        assert found.is_so
        (host / "pressure").write_text(PRESSURE.format(waited))
    assert found.is_so is quiet


# The measurement keeps one processor of the two busy.
@pytest.mark.parametrize(("others", "quiet"), [(0, True), (5, True), (15, False), (100, False)])
def test_a_kernel_that_does_not_say_who_waits_says_what_is_free(
    host: Path, others: int, quiet: bool
) -> None:
    (host / "pressure").unlink()
    with alone.alone() as found:
        ticks = f"cpu  {100 + others} 0 0 {1100 - others} 0 0 0 0 0 0\n"
        (host / "stat").write_text(ticks)
    assert found.is_so is quiet


def test_where_nothing_can_be_told_the_beginning_counts(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host / "pressure").unlink()
    (host / "stat").unlink()
    for free in (True, False):
        monkeypatch.setattr(alone, "_a_processor_is_free", lambda _until, free=free: free)
        with alone.alone() as found:
            pass
        assert found.is_so is free
