"""Runs a race: several sessions, step by step, in an order that is declared as data.

A race is the one check that cannot be one script, because it needs one transaction to wait for
another. Whether a session waits is not guessed from the time that passes: the server is asked.

A spec (a runbook's `races/<id>.yml.j2`, one residue mode of it, rendered) is a mapping:

    check, title  id and words
    expected      what a pass looks like, one sentence
    setup         optional SQL that the first session runs and keeps before everything else
    permutations  list of
        name      words
        steps     list of
            session   name of the session that acts
            sql       what it sends; without it, the step is the end of what the session is at
            expect    outcome, or list of outcomes, with which the race goes on
            wrong     outcomes that prove a fault: the check fails
        question  SQL asked of the first session after all others are done: one row (ok boolean,
                  examined bigint, observed text)

An outcome is `accepted`, `{waits_for: session}` or `{refused: [sqlstate, ...], by: [constraint,
...]}`, where `by` may be left out. Any other outcome, and none before the deadline, leaves the
check inconclusive.

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

from .connection import described
from .errors import GonogoError

__all__ = ["replay", "run"]

DEADLINE = 10.0
_POLL = 0.01
_ACCEPTED = "00000"
_LOST = "08006"

Connect = Callable[[], "psycopg.Connection[Any]"]


# --- What a spec says ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    """One kind of outcome a step may have; exactly one of the three."""

    accepted: bool = False
    waits_for: str | None = None
    states: tuple[str, ...] = ()
    constraints: tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.waits_for:
            return f"waits for {self.waits_for}"
        if self.accepted:
            return "is accepted"
        by = "" if self.constraints is None else f" by {' or '.join(self.constraints) or 'nothing'}"
        return f"is refused with {' or '.join(self.states)}{by}"


@dataclass(frozen=True)
class _Step:
    session: str
    sql: str | None
    expect: tuple[_Outcome, ...]
    wrong: tuple[_Outcome, ...]


@dataclass(frozen=True)
class _Permutation:
    name: str
    steps: tuple[_Step, ...]
    question: str


@dataclass(frozen=True)
class _Spec:
    check: str
    title: str
    expected: str
    setup: str | None
    permutations: tuple[_Permutation, ...]

    def sessions(self) -> list[str]:
        """Names in the order of their first step."""
        return list(
            dict.fromkeys(step.session for item in self.permutations for step in item.steps)
        )


def _parsed(spec: Mapping[str, Any]) -> _Spec:
    _keys(spec, "race", ["check", "title", "expected", "permutations"], ["setup"])
    parsed = _Spec(
        check=_text(spec, "check", "race"),
        title=_text(spec, "title", "race"),
        expected=_text(spec, "expected", "race"),
        setup=_text(spec, "setup", "race") if "setup" in spec else None,
        permutations=tuple(
            _permutation(item, f"permutations[{number}]")
            for number, item in enumerate(_list(spec, "permutations", "race"))
        ),
    )
    names = parsed.sessions()
    for number, item in enumerate(parsed.permutations):
        busy: set[str] = set()
        for position, step in enumerate(item.steps):
            where = f"permutations[{number}].steps[{position}]"
            for outcome in (*step.expect, *step.wrong):
                if outcome.waits_for and outcome.waits_for not in names:
                    raise _mistake(f"{where}: no session is called {outcome.waits_for!r}")
            if step.sql is None and step.session not in busy:
                raise _mistake(f"{where} has no sql, but its session is not at anything")
            if step.sql is not None and step.session in busy:
                raise _mistake(f"{where} starts while its session still waits")
            waits = any(outcome.waits_for for outcome in step.expect)
            (busy.add if waits else busy.discard)(step.session)
    return parsed


def _permutation(item: Any, where: str) -> _Permutation:
    _keys(item, where, ["name", "steps", "question"], [])
    return _Permutation(
        name=_text(item, "name", where),
        steps=tuple(
            _step(step, f"{where}.steps[{number}]")
            for number, step in enumerate(_list(item, "steps", where))
        ),
        question=_text(item, "question", where),
    )


def _step(step: Any, where: str) -> _Step:
    _keys(step, where, ["session", "expect"], ["sql", "wrong"])
    return _Step(
        session=_text(step, "session", where),
        sql=_text(step, "sql", where) if "sql" in step else None,
        expect=_outcomes(step["expect"], f"{where}.expect"),
        wrong=_outcomes(step.get("wrong", []), f"{where}.wrong"),
    )


def _outcomes(value: Any, where: str) -> tuple[_Outcome, ...]:
    if isinstance(value, list):
        return tuple(outcome for item in value for outcome in _outcomes(item, where))
    if value == "accepted":
        return (_Outcome(accepted=True),)
    if isinstance(value, Mapping) and set(value) == {"waits_for"}:
        return (_Outcome(waits_for=_text(value, "waits_for", where)),)
    if isinstance(value, Mapping) and "refused" in value:
        _keys(value, where, ["refused"], ["by"])
        by = tuple(map(str, value["by"])) if "by" in value else None
        return (_Outcome(states=tuple(map(str, _list(value, "refused", where))), constraints=by),)
    raise _mistake(f"{where} is not an outcome: {value!r}")


def _keys(value: Any, where: str, needed: Sequence[str], allowed: Sequence[str]) -> None:
    if not isinstance(value, Mapping):
        raise _mistake(f"{where} is not a mapping")
    missing = [key for key in needed if key not in value]
    unknown = [str(key) for key in value if key not in (*needed, *allowed)]
    if missing or unknown:
        words = f"lacks {', '.join(missing)}" if missing else f"has the unknown key {unknown[0]!r}"
        raise _mistake(f"{where} {words}")


def _text(value: Mapping[str, Any], key: str, where: str) -> str:
    found = value[key]
    if not isinstance(found, str) or not found.strip():
        raise _mistake(f"{where}.{key} is not text")
    return found.strip()


def _list(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = value[key]
    if not isinstance(found, list) or not found:
        raise _mistake(f"{where}.{key} is not a list with something in it")
    return found


def _mistake(words: str) -> GonogoError:
    return GonogoError(
        f"race spec: {words}", hint="The keys are described in module_utils/gonogo/race.py."
    )


# --- What happens -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Event:
    """What a step really came to: an end (with a state), waiting, or nothing in time."""

    state: str | None = None
    constraint: str = ""
    message: str = ""
    waits_for: str | None = None

    def matches(self, outcome: _Outcome) -> bool:
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
    """What is wrong, without the detail: that quotes rows."""
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
        """What the statement came to, if it ends within this time."""
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
        """Cancel what runs and undo what is open; False if the session does not come back."""
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
    spec: _Spec
    deadline: float
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
        """Leave no session behind, not even one that does not answer any more."""
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
            first.start(self.spec.setup)
            event = self._watched(first, waiting=False)
            self._note(first.name, self.spec.setup, str(event))
            if event.state != _ACCEPTED:
                self.doubts.append(f"the setup was not accepted: {event}")
                return
        for permutation in self.spec.permutations:
            seen = self._steps(permutation)
            # All at once: a session that waits is only free when the one it waits for is.
            back = [session.leave(self.deadline) for session in self.sessions.values()]
            if not all(back):
                self.doubts.append(f"{permutation.name}: a session did not come back")
                return
            if seen is not None:
                self._ask(first, permutation, seen)

    def _steps(self, permutation: _Permutation) -> list[str] | None:
        """Run the steps and tell what waited and how it ended; None if one came out otherwise."""
        seen: list[str] = []
        for number, step in enumerate(permutation.steps, 1):
            session = self.sessions[step.session]
            if step.sql is not None:
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

    def _ask(self, session: _Session, permutation: _Permutation, seen: Sequence[str]) -> None:
        row = session.connection.execute(permutation.question.encode()).fetchone()
        ok, examined, observed = row or (None, 0, "no answer")
        self._note(session.name, permutation.question, str(observed))
        self.examined += examined or 0
        words = f"{permutation.name}: {', '.join([*seen, str(observed)])}"
        if ok:
            self.answers.append(words)
        else:
            (self.doubts if ok is None else self.faults).append(words)

    def _note(self, session: str, sql: str, outcome: str) -> None:
        self.transcript.append({"session": session, "sql": sql, "outcome": outcome})

    def result(self, seconds: float) -> dict[str, Any]:
        complete = len(self.answers) == len(self.spec.permutations)
        if self.faults:
            status = "fail"
        elif self.doubts or not complete or not self.examined:
            status = "inconclusive"
        else:
            status = "pass"
        return {
            "check_id": self.spec.check,
            "status": status,
            "examined": self.examined,
            "expected": self.spec.expected,
            "observed": "; ".join([*self.faults, *self.doubts, *self.answers]),
            "samples": [],
            "seconds": round(seconds, 3),
            "transcript": self.transcript,
        }


def run(spec: Mapping[str, Any], *, connect: Connect, deadline: float = DEADLINE) -> dict[str, Any]:
    """Run a race and return the result of its check, with a transcript.

    `connect` opens one autocommit session each time it is called; one more than the race has
    sessions are opened, and all are closed again whatever happens. A step that has not ended
    (or been seen waiting) `deadline` seconds after it began is cancelled and leaves the check
    inconclusive, as does any error of the server or the connection that no step expects.
    Raises GonogoError only for a spec that is not one.
    """
    race = _Race(_parsed(spec), deadline)
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
    return race.result(time.monotonic() - started)


# --- By hand ------------------------------------------------------------------------------------

_SETTINGS = """\
SET search_path = '';
SET row_security = off;
SET lock_timeout = 0;
SET timezone = 'UTC';"""


def replay(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return one script per session, for a person with as many windows to replay the race."""
    race = _parsed(spec)
    names = race.sessions()
    scripts = {name: [_heading(race, name, names), _SETTINGS] for name in names}
    if race.setup:
        for name in names:
            own = name == names[0]
            does = f"\n{_ended(race.setup)}" if own else f": window {names[0]} runs its setup"
            scripts[name].append(f"-- Before step 1{does}")
    number = 0
    for permutation in race.permutations:
        for name in names:
            scripts[name].append(f"-- {_one_line(permutation.name)} {'-' * 20}")
        for step in permutation.steps:
            number += 1
            outcome = " or ".join(map(str, step.expect))
            for name in names:
                scripts[name].append(_told(step, number, outcome, name))
        scripts[names[0]].append(
            f"-- All steps done: what is there now?\n{_ended(permutation.question)}"
        )
    return {name: "\n\n".join(parts) + "\n" for name, parts in scripts.items()}


def _heading(race: _Spec, name: str, names: Sequence[str]) -> str:
    return (
        f"-- {_one_line(race.check)}: {_one_line(race.title)}\n"
        f"-- Window {name} of {', '.join(names)}: one psql -X each. Run the steps one by one,\n"
        "-- in the order of their numbers; where a step waits, go on in another window.\n"
        f"-- Expected: {_one_line(race.expected)}"
    )


def _told(step: _Step, number: int, outcome: str, window: str) -> str:
    if step.session != window:
        return f"-- Step {number}: window {step.session}"
    if step.sql is None:
        return f"-- Step {number}: what waited here ends; it {outcome}"
    return f"-- Step {number}: {outcome}\n{_ended(step.sql)}"


def _ended(sql: str) -> str:
    return sql if sql.endswith(";") else f"{sql};"


def _one_line(text: str) -> str:
    return " ".join(text.split())
