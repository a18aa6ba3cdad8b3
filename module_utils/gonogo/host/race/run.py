"""Runs a race: a session for each name, and one that observes them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable

import psycopg

from ...contract.errors import GonogoError
from ...contract.race_spec import Outcome, Permutation, Spec, parse
from ...contract.records.check_result import CheckResult
from ..session.connection import described

__all__ = ["run"]

DEADLINE = 10.0
_POLL = 0.01
_ACCEPTED = "00000"
_LOST = "08006"

Connect = Callable[[], "psycopg.Connection[Any]"]


@dataclass(frozen=True)
class _Event:
    """The outcome of a step: an end (with a state), waiting, or nothing in time."""

    state: str | None = None
    constraint: str = ""
    message: str = ""
    waits_for: str | None = None

    def matches(self, outcome: Outcome) -> bool:
        if outcome.waits_for or self.waits_for:
            return outcome.waits_for == self.waits_for
        if outcome.accepted or self.state == _ACCEPTED:
            return outcome.accepted and self.state == _ACCEPTED
        right = outcome.constraints is None or self.constraint in outcome.constraints
        return self.state in outcome.states and right

    def brief(self) -> str:
        if self.waits_for:
            return f"waits for {self.waits_for}"
        if self.state == _ACCEPTED:
            return "is accepted"
        by = f" by {self.constraint}" if self.constraint else ""
        return f"is refused with {self.state}{by}"

    def __str__(self) -> str:
        if self.state is None and not self.waits_for:
            return self.message
        return f"{self.brief()}: {self.message}" if self.message else self.brief()


def _words(error: psycopg.Error) -> str:
    """What is wrong, without the DETAIL, which quotes rows."""
    return str(described(error)["message"])


class _Session:
    """One connection whose statements run in a thread, so that they may wait."""

    def __init__(self, name: str, connection: psycopg.Connection[Any]) -> None:
        self.name = name
        self.connection = connection
        row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
        assert row is not None
        self.pid: int = row[0]
        self._ended = threading.Event()
        self._ended.set()
        self._event = _Event()

    def start(self, sql: str) -> None:
        self._ended.clear()
        threading.Thread(target=self._send, args=(sql,), daemon=True).start()

    def ended(self, seconds: float) -> _Event | None:
        """The outcome of the statement, if it ends within this time."""
        return self._event if self._ended.wait(seconds) else None

    def _send(self, sql: str) -> None:
        try:
            self.connection.execute(sql.encode())
            self._event = _Event(state=_ACCEPTED)
        except psycopg.Error as error:
            self._event = _Event(
                state=error.sqlstate or _LOST,
                constraint=error.diag.constraint_name or "",
                message=_words(error),
            )
        finally:
            self._ended.set()

    def leave(self, seconds: float) -> bool:
        """Cancel the statement, roll the transaction back; False if the session does not answer."""
        if not self._ended.is_set():
            with suppress(psycopg.Error):
                self.connection.cancel()
            if not self._ended.wait(seconds):
                return False
        with suppress(psycopg.Error):
            self.connection.rollback()
        return True


@dataclass
class _Race:
    spec: Spec
    deadline: float
    confirm: Callable[[], None]
    sessions: dict[str, _Session] = field(default_factory=dict)
    observer: psycopg.Connection[Any] | None = None
    transcript: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    examined: int = 0

    def open(self, connect: Connect) -> None:
        for name in self.spec.sessions():
            self.sessions[name] = _Session(name, connect())
        self.observer = connect()

    def close(self) -> None:
        """Close the session, even where it no longer answers."""
        for session in self.sessions.values():
            if not session.leave(1.0) and self.observer is not None:
                with suppress(psycopg.Error):
                    self.observer.execute(
                        "SELECT pg_catalog.pg_terminate_backend(%s)", (session.pid,)
                    )
                session.ended(1.0)
        for connection in [*(item.connection for item in self.sessions.values()), self.observer]:
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()

    def carry_out(self) -> None:
        first = next(iter(self.sessions.values()))
        if self.spec.setup:
            self.confirm()
            first.start(self.spec.setup)
            event = self._watched(first, waiting=False)
            self._note(first.name, self.spec.setup, str(event))
            if event.state != _ACCEPTED:
                self.doubts.append(f"the setup was not accepted: {event}")
                return
        for permutation in self.spec.permutations:
            seen = self._steps(permutation)
            # All at once: a session that waits is free only after the session it waits for.
            back = [session.leave(self.deadline) for session in self.sessions.values()]
            if not all(back):
                self.doubts.append(f"{permutation.name}: a session did not come back")
                return
            if seen is not None:
                self._ask(permutation, seen)

    def _steps(self, permutation: Permutation) -> list[str] | None:
        """Run the steps and tell what waited and how it ended; None if one came out otherwise."""
        seen: list[str] = []
        for number, step in enumerate(permutation.steps, 1):
            session = self.sessions[step.session]
            if step.sql is not None:
                # Any of them may commit.
                self.confirm()
                session.start(step.sql)
            known = (*step.expect, *step.wrong)
            event = self._watched(session, waiting=any(outcome.waits_for for outcome in known))
            self._note(step.session, step.sql or "(the end of the step before)", str(event))
            if any(event.matches(outcome) for outcome in step.expect):
                self.examined += 1
                if event.waits_for or step.sql is None:
                    seen.append(f"{step.session} {event.brief()}")
                continue
            wanted = " or ".join(map(str, step.expect))
            found = f"expected that {step.session} {wanted}, found: {event}"
            words = f"{permutation.name}, step {number}: {found}"
            proven = any(event.matches(outcome) for outcome in step.wrong)
            (self.faults if proven else self.doubts).append(words)
            return None
        return seen

    def _watched(self, session: _Session, *, waiting: bool) -> _Event:
        """Wait until the statement ends or, where that matters, waits for another session."""
        assert self.observer is not None
        others = {item.pid: item.name for item in self.sessions.values() if item is not session}
        until = time.monotonic() + self.deadline
        blocked: list[str] = []
        while time.monotonic() < until:
            event = session.ended(_POLL)
            if event is not None:
                return event
            row = self.observer.execute(
                "SELECT pg_catalog.pg_blocking_pids(%s)", (session.pid,)
            ).fetchone()
            blocked = [others.get(pid, f"process {pid}") for pid in (row[0] if row else [])]
            for name in blocked if waiting else []:
                if name in self.sessions:
                    return _Event(waits_for=name)
        held = f", waiting for {', '.join(blocked)}" if blocked else ""
        return _Event(message=f"no end after {self.deadline:g} s{held}")

    def _ask(self, permutation: Permutation, seen: Sequence[str]) -> None:
        """Ask the observing session: no code of the application has run in it."""
        assert self.observer is not None
        row = self.observer.execute(permutation.question.encode()).fetchone()
        ok, examined, observed = row or (None, 0, "no answer")
        self._note("observer", permutation.question, str(observed))
        self.examined += examined or 0
        words = f"{permutation.name}: {', '.join([*seen, str(observed)])}"
        if ok:
            self.answers.append(words)
        else:
            (self.doubts if ok is None else self.faults).append(words)

    def _note(self, session: str, sql: str, outcome: str) -> None:
        self.transcript.append({"session": session, "sql": sql, "outcome": outcome})

    def result(self, seconds: float, *, phase: str) -> CheckResult:
        complete = len(self.answers) == len(self.spec.permutations)
        if self.faults:
            status = "fail"
        elif self.doubts or not complete or not self.examined:
            status = "inconclusive"
        else:
            status = "pass"
        return CheckResult(
            check_id=self.spec.check,
            status=status,
            examined=self.examined,
            expected=self.spec.expected,
            observed="; ".join([*self.faults, *self.doubts, *self.answers]),
            samples=(),
            seconds=round(seconds, 3),
            phase=phase,
            transcript=self.transcript,
        )


def run(
    spec: Mapping[str, object],
    *,
    phase: str,
    connect: Connect,
    confirm: Callable[[], None] = lambda: None,
    deadline: float = DEADLINE,
) -> CheckResult:
    """Run a race of a phase and return the result of its check, with a transcript.

    `connect` opens one autocommit session each time it is called; one more than the race has
    sessions are opened, and all are closed again whatever happens. A step that has not ended
    (or been seen waiting) `deadline` seconds after it began is cancelled and leaves the check
    inconclusive, as does any error of the server or the connection that no step expects.
    `confirm` is called before each step, and raises GonogoError when nothing may be committed.
    Raises GonogoError only for a spec that is not one.
    """
    race = _Race(parse(spec), deadline, confirm)
    started = time.monotonic()
    try:
        race.open(connect)
        race.carry_out()
    except psycopg.Error as error:
        race.doubts.append(f"{error.sqlstate or _LOST}: {_words(error)}")
    except GonogoError as error:
        race.doubts.append(error.primary)
    finally:
        race.close()
    return race.result(time.monotonic() - started, phase=phase)
