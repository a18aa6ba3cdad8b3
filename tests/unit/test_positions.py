"""Where a sequence may stand in a dump that was made between two readings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.host.compare import positions

PLAIN = "bigint, start 1, increment 1, from 1, to 9223372036854775807, cache 1"
RING = f"{PLAIN}, cycle"
BACKWARDS = "bigint, start -1, increment -1, from -9223372036854775808, to -1, cache 1, cycle"
SMALL = "smallint, start 1, increment 1, from 1, to 100, cache 1, cycle"


def possible(
    now: int, first: int, last: int, definition: str = RING, seconds: float | None = 1.0
) -> bool:
    return positions.possible(
        [now, True], [first, True], [last, True], definition=definition, seconds=seconds
    )


@pytest.mark.parametrize(
    ("definition", "now", "first", "last"),
    [
        (PLAIN, 5, 5, 9),
        (PLAIN, 7, 9, 5),
        (RING, 5, 5, 5),
        (RING, 7, 5, 9),
        # It has come to its end and begun anew.
        (RING, 95, 90, 3),
        (RING, 2, 90, 3),
        (BACKWARDS, -7, -5, -9),
        (BACKWARDS, -95, -90, -3),
        # All of it may have passed meanwhile.
        (SMALL, 50, 5, 9),
        # What nobody can read.
        ("integer, start 1, cycle", 50, 5, 9),
    ],
)
def test_where_it_may_stand(definition: str, now: int, first: int, last: int) -> None:
    assert possible(now, first, last, definition)


@pytest.mark.parametrize(
    ("definition", "now", "first", "last"),
    [
        (PLAIN, 4, 5, 9),
        (RING, 4, 5, 5),
        (RING, 10, 5, 9),
        (RING, 50, 90, 3),
        (BACKWARDS, -4, -5, -9),
        (BACKWARDS, -50, -90, -3),
        (f'{RING}, owned by public."t, cycle".a', 4, 5, 5),
    ],
)
def test_where_it_cannot_stand(definition: str, now: int, first: int, last: int) -> None:
    assert not possible(now, first, last, definition)


def test_a_name_makes_no_ring() -> None:
    assert not possible(50, 90, 95, f'{PLAIN}, owned by public."t, cycle".a')


def test_that_it_was_given_out_is_a_part_of_where_it_stands() -> None:
    read = {"before": [5, True], "after": [5, True], "definition": RING, "seconds": 1.0}
    assert not positions.possible([5, False], **read)  # type: ignore[arg-type]


def test_who_does_not_say_how_much_time_has_passed_says_nothing() -> None:
    assert possible(50, 5, 9, seconds=None)
    # In a day each of so many values may have been given out.
    assert possible(50, 5, 9, RING.replace("9223372036854775807", "2147483647"), 86400)
    assert not possible(50, 5, 9, RING.replace("9223372036854775807", "2147483647"), 60)
    assert possible(50, 5, 9, RING.replace("cache 1,", "cache 1000000000000,"), 60)


@given(
    st.integers(1, 500),
    st.lists(st.integers(0, 400), min_size=3, max_size=3),
    st.integers(-7, 7).filter(bool),
)
def test_wherever_it_comes_by_is_possible(start: int, steps: list[int], increment: int) -> None:
    """A sequence of 1..500 that is not asked more often than it has values."""
    low, high = 1, 500
    values = (high - low) // abs(increment) + 1
    definition = f"x, start 1, increment {increment}, from {low}, to {high}, cache 1, cycle"
    seen = [start]
    for _ in range(min(sum(steps), values - 1)):
        there = seen[-1] + increment
        seen.append(there if low <= there <= high else (low if increment > 0 else high))
    first, last = seen[0], seen[-1]
    assert all(possible(one, first, last, definition, seconds=0.0) for one in seen)
    assert all(one != other for one, other in pairwise(seen)) or values == 1
