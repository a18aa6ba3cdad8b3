"""Races without a server: a fake one knows a lock, who holds it and who waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.check_result import CheckResult
from gonogo.controller.render.race import replay
from gonogo.host.race.run import run as run_race

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKING = "SELECT pg_catalog.pg_blocking_pids(%s)"


class Refused(psycopg.Error):
    """An error as the server reports it."""

    def __init__(self, state: str, constraint: str = "", message: str = "no") -> None:
        super().__init__(message)
        self.sqlstate = state
        self._constraint = constraint

    @property
    def diag(self) -> Any:
        names = {
            "constraint_name": self._constraint,
            "message_primary": str(self),
            "message_detail": None,
            "message_hint": None,
        }
        return type("Diagnostic", (), names)


class Server:
    """One lock. `take` waits for it, `commit` and `rollback` give it up."""

    def __init__(self, *, locks: bool = True, answer: Any = (True, 1, "one is ACTIVE")) -> None:
        self.locks = locks
        self.answer = answer
        self.connections: list[Connection] = []
        self.refuse_after: int | None = None
        self.changed = threading.Condition()
        self.holder: Connection | None = None
        self.waiting: Connection | None = None
        self.won = False

    def connect(self) -> psycopg.Connection[Any]:
        if self.refuse_after is not None and len(self.connections) >= self.refuse_after:
            raise psycopg.OperationalError("too many clients")
        connection = Connection(self, pid=100 + len(self.connections))
        self.connections.append(connection)
        return cast("psycopg.Connection[Any]", connection)


class Connection:
    def __init__(self, server: Server, pid: int) -> None:
        self.server = server
        self.pid = pid
        self.closed = False
        self.cancelled = False

    def execute(self, query: str | bytes, parameters: tuple[Any, ...] = ()) -> Any:
        text = query.decode() if isinstance(query, bytes) else query
        if text == BLOCKING:
            waits = self.server.waiting is not None and self.server.waiting.pid == parameters[0]
            holder = self.server.holder
            return Rows(([holder.pid] if waits and holder else [],))
        if "pg_backend_pid" in text:
            return Rows((self.pid,))
        if text == "take":
            self.take()
        elif text in {"commit", "rollback"}:
            self.give_up(won=text == "commit")
        elif text == "fail":
            raise Refused("42501", message="permission denied")
        elif text == "count":
            return Rows(self.server.answer)
        return Rows(None)

    def take(self) -> None:
        server = self.server
        with server.changed:
            while server.locks and server.holder not in {None, self}:
                server.waiting = self
                server.changed.wait(0.01)
                if self.cancelled:
                    server.waiting = None
                    raise Refused("57014", message="canceling statement due to user request")
            server.waiting = None
            if server.locks and server.won:
                raise Refused("23505", "one_active", "duplicate key")
            server.holder = self

    def give_up(self, *, won: bool) -> None:
        with self.server.changed:
            if self.server.holder is self:
                self.server.holder = None
                self.server.won = won
            self.server.changed.notify_all()

    def cancel(self) -> None:
        self.cancelled = True

    def rollback(self) -> None:
        self.give_up(won=self.server.won)

    def close(self) -> None:
        self.closed = True


class Rows:
    def __init__(self, row: Any) -> None:
        self.row = row

    def fetchone(self) -> Any:
        return self.row


def step(session: str, expect: Any, sql: str | None = None, wrong: Any = ()) -> dict[str, Any]:
    given = {"session": session, "expect": expect}
    return given | ({"sql": sql} if sql else {}) | ({"wrong": wrong} if wrong else {})


WAITS = step("b", {"waits_for": "a"}, "take", wrong="accepted")
REFUSED = step("b", {"refused": ["23505"], "by": ["one_active"]}, wrong=["accepted"])


def spec(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    chosen = steps or (
        step("a", "accepted", "take"),
        WAITS,
        step("a", "accepted", "commit"),
        REFUSED,
    )
    permutation = {"name": "the first commits", "steps": list(chosen), "question": "count"}
    return {
        "check": "V2.3",
        "title": "one wins",
        "expected": "the second waits and is refused",
        "permutations": [permutation],
        **changes,
    }


def run(given: dict[str, Any], server: Server, deadline: float = 5.0) -> CheckResult:
    result = run_race(given, phase="04_races", connect=server.connect, deadline=deadline)
    assert all(connection.closed for connection in server.connections)
    assert server.holder is None
    assert server.waiting is None
    return result


def test_second_session_waits_and_is_refused() -> None:
    result = run(spec(setup="prepare"), Server())
    assert result.status == "pass"
    assert result.check_id == "V2.3"
    assert result.examined == 5
    assert result.expected == "the second waits and is refused"
    assert result.observed == (
        "the first commits: b waits for a, b is refused with 23505 by one_active, one is ACTIVE"
    )
    assert result.samples == ()
    assert [
        (item["session"], item["sql"], item["outcome"]) for item in result.transcript or ()
    ] == [
        ("a", "prepare", "is accepted"),
        ("a", "take", "is accepted"),
        ("b", "take", "waits for a"),
        ("a", "commit", "is accepted"),
        ("b", "(the end of the step before)", "is refused with 23505 by one_active: duplicate key"),
        # Of a session in which no code of the application has run.
        ("observer", "count", "one is ACTIVE"),
    ]


def test_first_session_rolls_back_and_the_second_goes_on() -> None:
    given = spec(
        step("a", "accepted", "take"),
        WAITS,
        step("a", "accepted", "rollback"),
        step("b", "accepted"),
    )
    assert run(given, Server()).status == "pass"


def test_no_waiting_is_a_fault() -> None:
    result = run(spec(), Server(locks=False))
    assert result.status == "fail"
    assert result.observed == (
        "the first commits, step 2: expected that b waits for a, found: is accepted"
    )


def test_question_decides() -> None:
    assert run(spec(), Server(answer=(False, 2, "two are ACTIVE"))).status == "fail"
    assert run(spec(), Server(answer=(None, 0, "nobody knows"))).status == "inconclusive"
    assert run(spec(), Server(answer=None)).status == "inconclusive"


@pytest.mark.parametrize(
    "by", [[], ["another_index"]], ids=["no constraint known", "another constraint"]
)
def test_refused_by_another_constraint_is_inconclusive(by: list[str]) -> None:
    ending = step("b", {"refused": ["23505"], "by": by}, wrong="accepted")
    given = spec(step("a", "accepted", "take"), WAITS, step("a", "accepted", "commit"), ending)
    assert run(given, Server()).status == "inconclusive"


def test_unexpected_error_is_inconclusive() -> None:
    result = run(spec(step("a", "accepted", "fail")), Server())
    assert result.status == "inconclusive"
    assert "42501: permission denied" in str(result.observed)


def test_failed_setup_is_inconclusive() -> None:
    result = run(spec(setup="fail"), Server())
    assert result.status == "inconclusive"
    assert result.examined == 0


def test_deadline_is_inconclusive_and_ends_the_waiting() -> None:
    given = spec(step("a", "accepted", "take"), step("b", "accepted", "take"))
    result = run(given, Server(), deadline=0.05)
    assert result.status == "inconclusive"
    assert str(result.observed).endswith("found: no end after 0.05 s, waiting for a")


def test_alternatives() -> None:
    either = ["accepted", {"refused": ["23503"]}]
    given = spec(step("a", either, "take"), step("a", "accepted", "rollback"))
    assert run(given, Server()).status == "pass"


def test_every_permutation_has_to_pass() -> None:
    given = spec()
    again = {**given["permutations"][0], "name": "again"}
    result = run({**given, "permutations": [given["permutations"][0], again]}, Server())
    assert result.status == "inconclusive"
    assert "again, step 1: expected that a is accepted" in str(result.observed)


@pytest.mark.parametrize("connections", [0, 1, 2])
def test_no_connection_is_inconclusive(connections: int) -> None:
    server = Server()
    server.refuse_after = connections
    result = run(spec(), server)
    assert result.status == "inconclusive"
    assert result.observed == "08006: too many clients"


def test_refused_login_is_inconclusive() -> None:
    def connect() -> psycopg.Connection[Any]:
        raise GonogoError("cannot connect")

    assert run_race(spec(), phase="04", connect=connect).observed == "cannot connect"


def _without(key: str) -> Callable[[], dict[str, Any]]:
    return lambda: {name: value for name, value in spec().items() if name != key}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (_without("expected"), "race lacks expected"),
        (lambda: spec(stes=[]), "race has the unknown key 'stes'"),
        (lambda: spec(permutations=[]), "race.permutations is not a list with something in it"),
        (lambda: spec(permutations=["x"]), r"permutations\[0\] is not a mapping"),
        (lambda: spec(title=" "), "race.title is not text"),
        (lambda: spec(step("a", "fine", "x")), r"steps\[0\].expect is not an outcome: 'fine'"),
        (lambda: spec(step("a", {"waits_for": "c"}, "x")), "no session is called 'c'"),
        (lambda: spec(step("a", "accepted")), "has no sql, but its session is not at anything"),
        (
            lambda: spec(step("a", "accepted", "take"), WAITS, WAITS),
            "starts while its session still waits",
        ),
    ],
)
def test_a_spec_that_is_none(given: Callable[[], dict[str, Any]], message: str) -> None:
    server = Server()
    with pytest.raises(GonogoError, match=message):
        run_race(given(), phase="04", connect=server.connect)
    with pytest.raises(GonogoError, match=message):
        replay(given())
    assert server.connections == []


def test_replay_tells_both_windows_the_order() -> None:
    scripts = replay(spec(setup="prepare;"))
    assert list(scripts) == ["a", "b"]
    assert scripts["a"].splitlines()[0] == "-- V2.3: one wins"
    assert "-- Before step 1\nprepare;\n" in scripts["a"]
    assert "-- Step 1: is accepted\ntake;\n" in scripts["a"]
    assert "-- Step 2: window b\n" in scripts["a"]
    assert scripts["a"].endswith("-- All steps done: what is there now?\ncount;\n")
    assert "-- Before step 1: window a runs its setup\n" in scripts["b"]
    assert "-- Step 2: waits for a\ntake;\n" in scripts["b"]
    assert scripts["b"].endswith(
        "-- Step 4: what waited here ends; it is refused with 23505 by one_active\n"
    )
