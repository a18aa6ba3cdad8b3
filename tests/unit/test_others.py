"""Whom a deployment keeps from working: who is behind it, and since when."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.host.migrate.others import Lags, Queue, Slots, Waiter, behind

US = 7


def waiter(pid: int, *blockers: int, **changes: Any) -> Waiter:
    values = {"transaction": f"3/{pid}", "maintenance": False, "table": "a.b", **changes}
    return Waiter(pid, blockers=blockers, **values)


@pytest.mark.parametrize(
    ("everybody", "found"),
    [
        ([], set()),
        ([waiter(1, US), waiter(2, 9)], {1}),
        # In a queue, whatever the order in which they are seen.
        ([waiter(3, 2), waiter(2, 1), waiter(1, US), waiter(9, 8)], {1, 2, 3}),
        ([waiter(1, 9, US)], {1}),
        # We wait ourselves, and those who wait for each other do not wait for us.
        ([waiter(US, 9), waiter(1, US), waiter(2, 3), waiter(3, 2)], {1}),
        # A deadlock, of which we are a part.
        ([waiter(US, 1), waiter(1, US), waiter(2, 1)], {1, 2}),
        # A transaction that is prepared has no process.
        ([waiter(1, 0)], set()),
    ],
)
def test_who_is_behind_a_process(everybody: list[Waiter], found: set[int]) -> None:
    assert {one.pid for one in behind(US, everybody)} == found


def test_a_long_queue_is_followed_to_its_end() -> None:
    queue = [waiter(100 + number, 99 + number) for number in range(1, 1500)]
    assert len(behind(100, queue)) == 1499


def test_it_is_counted_from_the_first_look_that_has_seen_it() -> None:
    queue = Queue(US)
    assert queue.seen([waiter(1, 9)], 10.0).sessions == 0
    assert queue.seen([waiter(1, US)], 11.0).seconds == 0.0
    seen = queue.seen([waiter(1, US), waiter(2, 1, table="a.c"), waiter(3, 1, table=None)], 13.5)
    assert (seen.sessions, seen.seconds, seen.tables) == (3, 2.5, ["a.b", "a.c"])


def test_who_was_let_on_waits_anew() -> None:
    queue = Queue(US)
    queue.seen([waiter(1, US)], 10.0)
    queue.seen([], 11.0)
    assert queue.seen([waiter(1, US)], 12.0).seconds == 0.0
    # The same session in another transaction.
    assert queue.seen([waiter(1, US, transaction="3/9")], 13.0).seconds == 0.0


def test_who_waits_for_its_turn_is_not_counted_and_who_waits_for_that_is() -> None:
    seen = Queue(US).seen([waiter(1, US, maintenance=True), waiter(2, 1)], 10.0)
    assert seen.sessions == 1


def replica(**changes: Any) -> list[Any]:
    """A row of what is asked of the server."""
    values = {"pid": 5, "name": "r", "state": "streaming", "replayed": "100", "said": None}
    return [*({**values, **changes}).values()]


def seen(lags: Lags, row: list[Any], written: int, moment: float) -> dict[str, float]:
    return lags.seen([[*row, str(written)]], moment)


def test_a_replica_that_stands_still_falls_behind() -> None:
    lags = Lags(60.0)
    assert seen(lags, replica(), 100, 10.0) == {"r": 0.0}
    # Nothing is written, so nothing is behind.
    assert seen(lags, replica(), 100, 20.0) == {"r": 0.0}
    assert seen(lags, replica(), 200, 30.0) == {"r": 0.0}
    assert seen(lags, replica(), 300, 35.0) == {"r": 5.0}
    assert seen(lags, replica(replayed="150"), 300, 40.0) == {"r": 10.0}
    assert seen(lags, replica(replayed="300"), 300, 41.0) == {"r": 0.0}


def test_the_server_s_own_measure_counts_where_it_is_more() -> None:
    lags = Lags(60.0)
    seen(lags, replica(), 100, 10.0)
    assert seen(lags, replica(said=7.5), 200, 10.5) == {"r": 7.5}
    # It says what it was when something was replayed last; here all is.
    assert seen(lags, replica(replayed="200", said=7.5), 200, 11.0) == {"r": 0.0}


@pytest.mark.parametrize("was", [{"said": 3600.0}, {"state": "catchup"}])
def test_a_replica_that_was_behind_already_is_left_alone(was: dict[str, Any]) -> None:
    lags = Lags(60.0)
    assert seen(lags, replica(**was), 200, 10.0) == {}
    assert seen(lags, replica(), 300, 100.0) == {}
    assert [*lags.apart.values()] == ["r"]


def test_what_only_takes_the_log_replays_nothing() -> None:
    assert seen(Lags(60.0), replica(replayed=None), 200, 10.0) == {}


def test_a_replica_that_may_not_be_seen_is_said_to_be() -> None:
    with pytest.raises(LookupError, match="pg_monitor"):
        seen(Lags(60.0), replica(state=None, replayed=None), 200, 10.0)


def test_slots_that_were_near_their_end_are_left_alone() -> None:
    slots = Slots()
    assert slots.seen(["old"]) == []
    assert slots.seen(["new", "old"]) == ["new"]
    assert slots.seen([]) == []
