"""The watcher of a deployment decides for the try that it has seen, and never behind its guard."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from gonogo.contract.budgets import Tolerance
from gonogo.contract.records.migration import Statement
from gonogo.host.migrate.watch import LetGoError, NoWatch, Watch

FEW = Tolerance(waiters=1)
BEHIND = [(pid, f"3/{pid}", False, "a.b", [7]) for pid in (1, 2)]
_Answer = Callable[[str], list[Any]]


class Session:
    """Answers by what it is asked; `cancelled` is how often it was to cancel."""

    def __init__(self, answer: _Answer) -> None:
        self.answer, self.asked, self.closed = answer, list[str](), False
        self.info = SimpleNamespace(parameter_status=lambda _name: "gonogo:x:deploy")

    @property
    def cancelled(self) -> int:
        return sum("pg_cancel_backend" in query for query in self.asked)

    def execute(self, query: str, _values: object = None) -> Any:
        rows = self.answer(query)
        self.asked.append(query)
        return SimpleNamespace(fetchone=lambda: rows[0] if rows else None, fetchall=lambda: rows)

    def close(self) -> None:
        self.closed = True


def answers(waiting: Callable[[], list[Any]]) -> _Answer:
    def answer(query: str) -> list[Any]:
        if "pg_cancel_backend" in query:
            return [(True,)]
        if "pg_blocking_pids" in query:
            return waiting()
        return [("2026-01-31",)] if "backend_start" in query else []

    return answer


def ours(_query: str) -> list[Any]:
    return [(7,)]


def until(holds: Callable[[], object]) -> None:
    while not holds():
        pass


def looks(watch: Watch) -> int:
    told = watch.told
    assert told is not None
    return told.looks


def test_it_cancels_only_while_a_statement_is_guarded() -> None:
    watcher, deploying = Session(answers(lambda: BEHIND)), Session(ours)
    watch = Watch(lambda: watcher, FEW)
    with watch.over(deploying, lambda _statement: False), watch.attempt():
        before = looks(watch)
        until(lambda: looks(watch) > before + 1)
        assert watcher.cancelled == 0
        # It was decided meanwhile, so nothing more is begun.
        with pytest.raises(LetGoError) as caught, watch.guard(None):
            pytest.fail("it was begun")
    assert not caught.value.begun
    assert caught.value.cause.waiting == 2
    assert watcher.cancelled == 0
    assert watcher.closed


def test_what_was_cancelled_is_let_go_of_behind_a_statement_that_does_nothing() -> None:
    watcher, deploying = Session(answers(lambda: BEHIND)), Session(ours)
    watch = Watch(lambda: watcher, FEW)
    with (
        watch.over(deploying, lambda _statement: False),
        pytest.raises(LetGoError) as caught,
        watch.attempt(),
        watch.guard(None),
    ):
        until(lambda: watcher.cancelled > 1)
    assert caught.value.begun
    assert deploying.asked[-1] == "SELECT"


def test_a_look_at_another_try_says_nothing_of_this_one() -> None:
    """It was asked when the last one still had its locks."""
    asked, go_on = list[int](), list[int]()

    def waiting() -> list[Any]:
        if not asked:
            asked.append(1)
            return []
        if len(asked) == 1:
            asked.append(2)
            until(lambda: go_on)
            return BEHIND
        asked.append(3)
        return []

    watcher = Session(answers(waiting))
    watch = Watch(lambda: watcher, FEW)
    with watch.over(Session(ours), lambda _statement: False):
        with watch.attempt(), watch.guard(None):
            until(lambda: len(asked) == 2)
        with watch.attempt(), watch.guard(None):
            go_on.append(1)
            until(lambda: len(asked) > 3)
    assert watcher.cancelled == 0
    told = watch.told
    assert told is not None
    assert told.most_waiting == 2


def test_a_fault_of_the_watcher_ends_nothing() -> None:
    def waiting() -> list[Any]:
        return [("not", "a", "row")]

    watch = Watch(lambda: Session(answers(waiting)), FEW)
    with watch.over(Session(ours), lambda _statement: False), watch.attempt(), watch.guard(None):
        pass
    told = watch.told
    assert told is not None
    assert told.unseen == (
        "anything: the watcher has failed through a fault of this project (ValueError)",
    )


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_outside_of_a_transaction_is_asked_for(is_there: bool) -> None:
    build = Statement(
        file="m.sql",
        line=1,
        first_line=1,
        text="CREATE INDEX CONCURRENTLY i ON a.b (n)",
        verb="CREATE",
        opening="CREATE INDEX CONCURRENTLY",
        lock="none",
        tables=[("a", "b")],
        effects=[],
        read=True,
        outside="CONCURRENTLY",
    )
    watcher, let_go = Session(answers(lambda: BEHIND)), False
    watch = Watch(lambda: watcher, FEW)
    with watch.over(Session(ours), lambda _statement: is_there):
        try:
            with watch.attempt(), watch.guard(build):
                until(lambda: watcher.cancelled)
                raise psycopg.errors.QueryCanceled
        except LetGoError:
            let_go = True
    assert let_go is not is_there


def test_without_a_watcher_everything_goes_on() -> None:
    watch = NoWatch()
    with watch.over(None, lambda _statement: False), watch.attempt(), watch.guard(None):
        pass
    assert watch.told is None
