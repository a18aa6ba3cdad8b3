"""A restore that fails is tried once more, in a row and without settings."""

from __future__ import annotations

import pytest

from gonogo.contract import session_settings
from gonogo.contract.errors import GonogoError
from gonogo.host.restore.attempts import Manner, filling, tried


def attempts(*failing: Manner) -> tuple[list[Manner], str, str | None]:
    """The attempts that were made, what came of them, and what is said of the first."""
    made: list[Manner] = []

    def attempt(manner: Manner) -> str:
        made.append(manner)
        with filling():
            if manner in failing:
                raise GonogoError(f"{manner.jobs} did not do")
        return "filled"

    try:
        result, first = tried(4, attempt)
    except GonogoError as error:
        return made, error.primary, None
    return made, result, first.primary if first else None


SIDE_BY_SIDE, IN_A_ROW = Manner(4, settings_first=True), Manner(1, settings_first=False)


def test_what_succeeds_is_not_repeated() -> None:
    assert attempts() == ([SIDE_BY_SIDE], "filled", None)


def test_the_second_way_is_the_plainest() -> None:
    assert attempts(SIDE_BY_SIDE) == ([SIDE_BY_SIDE, IN_A_ROW], "filled", "4 did not do")


def test_what_fails_both_ways_is_told_of_the_second() -> None:
    found = attempts(SIDE_BY_SIDE, IN_A_ROW)
    assert found == ([SIDE_BY_SIDE, IN_A_ROW], "1 did not do", None)


def test_what_is_no_failure_of_the_restore_is_not_repeated() -> None:
    made = []

    def attempt(manner: Manner) -> None:
        made.append(manner)
        raise GonogoError("no room")

    with pytest.raises(GonogoError, match="no room"):
        tried(4, attempt)
    assert made == [SIDE_BY_SIDE]


def test_a_second_one_that_cannot_begin_tells_of_the_first() -> None:
    def attempt(manner: Manner) -> None:
        if manner == IN_A_ROW:
            raise GonogoError("no room")
        with filling():
            raise GonogoError("no trigger")

    with pytest.raises(GonogoError, match="no room") as caught:
        tried(4, attempt)
    assert caught.value.detail == "The first attempt failed: no trigger"


@pytest.mark.parametrize(
    ("version", "known"),
    [
        (130015, set()),
        (130016, {"restrict_nonsystem_relation_kind"}),
        (140012, {"idle_session_timeout"}),
        (140013, {"idle_session_timeout", "restrict_nonsystem_relation_kind"}),
        (150007, {"idle_session_timeout"}),
        (160004, {"idle_session_timeout", "restrict_nonsystem_relation_kind"}),
        (
            170000,
            {"idle_session_timeout", "restrict_nonsystem_relation_kind", "transaction_timeout"},
        ),
        (
            180001,
            {"idle_session_timeout", "restrict_nonsystem_relation_kind", "transaction_timeout"},
        ),
    ],
)
def test_a_session_is_given_only_what_its_server_knows(version: int, known: set[str]) -> None:
    oldest = session_settings.restoring(130000, monetary=None)
    assert set(session_settings.restoring(version, monetary=None)) - set(oldest) == known


def test_options_are_words_for_libpq() -> None:
    given = {"a": "read committed", "b": "", "c": "x\\y"}
    assert session_settings.options(given) == r"-c a=read\ committed -c b= -c c=x\\y"
