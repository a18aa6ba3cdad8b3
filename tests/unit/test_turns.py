"""Turns on a target host: not more at once than are given, and no room is promised twice."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.host.files import turns
from gonogo.host.session import daemon


@pytest.fixture
def asked(tmp_path: Path) -> turns.Asked:
    return turns.Asked(
        directory=tmp_path / "turns",
        kind="dump",
        run_id="20260101T000000Z-0a1b2c",
        at_once=2,
        timeout=0.0,
        needs=0,
        where=tmp_path / "backups",
        grows=tmp_path / "backups" / "one",
    )


def _nothing() -> None:
    """Nothing speaks against waiting on."""


def test_there_are_as_many_turns_as_are_given(asked: turns.Asked) -> None:
    with turns.taken(asked, _nothing), turns.taken(asked, _nothing):
        with pytest.raises(GonogoError, match="no turn for the dump") as caught, ExitStack() as one:
            one.enter_context(turns.taken(asked, _nothing))
        assert asked.run_id in str(caught.value.detail)
        # Of another kind there are others.
        with turns.taken(replace(asked, kind="twin"), _nothing):
            pass
    with turns.taken(asked, _nothing):
        pass


def test_a_turn_that_is_given_back_is_the_next_ones(asked: turns.Asked) -> None:
    waiting = threading.Event()
    only = replace(asked, at_once=1, timeout=60.0)
    found: list[float] = []

    def wait() -> None:
        with turns.taken(only, waiting.set) as turn:
            found.append(turn.waited)

    with turns.taken(only, _nothing) as first:
        assert first.waited < 5
        second = threading.Thread(target=wait)
        second.start()
        assert waiting.wait(30)
    second.join(30)
    assert found
    assert found[0] > 0


def test_waiting_ends_where_it_is_for_nothing(asked: turns.Asked) -> None:
    def lost() -> None:
        raise GonogoError("the connection to the controller was lost")

    only = replace(asked, at_once=1, timeout=60.0)
    with (
        turns.taken(only, _nothing),
        pytest.raises(GonogoError, match="connection"),
        turns.taken(only, lost),
    ):
        pytest.fail("there is one turn only")


def test_a_turn_is_its_process_and_what_that_leaves_behind(asked: turns.Asked) -> None:
    only = replace(asked, at_once=1)
    reading, writing = os.pipe()

    def stay(report: daemon.Report) -> None:
        report.tell({"there": True})
        os.read(reading, 1)

    with turns.taken(only, _nothing) as turn:
        assert daemon.spawn(stay, keep=[turn.descriptor, reading]) == {"there": True}
    os.close(reading)
    with pytest.raises(GonogoError, match="no turn"), turns.taken(only, _nothing):
        pytest.fail("the other process has it")
    os.close(writing)
    with turns.taken(replace(only, timeout=30.0), _nothing):
        pass


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_to(number: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=number))

    return set_to


def test_no_room_is_promised_twice(asked: turns.Asked, free: Callable[[int], None]) -> None:
    free(1000)
    first, second = replace(asked, needs=600), replace(asked, needs=600, kind="twin")
    with turns.taken(first, _nothing) as turn:
        with pytest.raises(GonogoError, match="no turn for the twin"):
            turns.taken(second, _nothing).__enter__()
        # What it has had of the room is not promised any more.
        asked.grows.mkdir(parents=True)
        (asked.grows / "file").write_bytes(b"x" * 500)
        free(700)
        with turns.taken(second, _nothing):
            pass
        free(600)
        with pytest.raises(GonogoError, match="no turn"):
            turns.taken(second, _nothing).__enter__()
        turn.done()
        with turns.taken(second, _nothing):
            pass


def test_where_nothing_is_promised_whoever_asks_looks_for_himself(
    asked: turns.Asked, free: Callable[[int], None]
) -> None:
    free(10)
    with turns.taken(replace(asked, needs=600), _nothing):
        pass


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"needs": "x", "device": null}', b"\xff\xfe"])
def test_what_somebody_has_written_there_is_no_promise(asked: turns.Asked, said: bytes) -> None:
    with turns.taken(asked, _nothing) as turn:
        os.ftruncate(turn.descriptor, 0)
        os.pwrite(turn.descriptor, said, 0)
        with turns.taken(replace(asked, needs=1), _nothing):
            pass


def test_no_link_is_followed(asked: turns.Asked, tmp_path: Path) -> None:
    asked.directory.mkdir()
    (asked.directory / "dump-0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="dump-0"), turns.taken(asked, _nothing):
        pytest.fail("it is not ours")
    assert not (tmp_path / "elsewhere").exists()
