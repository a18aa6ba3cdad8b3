"""Several sessions ask what can be asked before anything is tried, all in one moment.

Most of the time of the phases on a large database goes into questions about the rows that are
there. Which blocks of a script these are, `controller/render/apart.py` says. Their answers are had
before the first script runs; each script then takes those of its own, where it would have asked. So
the order of the answers, and what ends a script, are as if one session had asked.

A session that asks has executed what the script does before the question, settings, role and
helpers among it, and makes sure of them before and behind it as the script does. Its transaction
sees what the exported snapshot shows. What no session has asked, the script asks itself.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.records.phase import PhaseScript
from ...contract.script import Block, blocks, readings
from ...contract.side_by_side import sessions
from ..progress import Step, step
from ..session import link, snapshot
from ..session.connection import DatabaseError, described
from .execution import Answered, Beside, answered, leave_transaction

__all__ = ["Asking", "ask_all", "asked", "together"]

# What a session of a run does not have to itself.
_NO_ROOM = "53"
# One session that asks while this one waits is no help.
_FEW = 2
# A smaller database is asked sooner than other sessions are opened.
_LARGE_BYTES = 256 << 20
_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
_BEGIN = re.compile(
    r"^BEGIN TRANSACTION ISOLATION LEVEL [A-Z ]+, (READ (?:ONLY|WRITE));$", re.MULTILINE
)
_FILL = re.compile(r";\s*\Z")


def together(scripts: Sequence[PhaseScript]) -> int:
    """How many scripts from the first on can be asked at once: no row that one of them leaves is
    there for the next."""
    for number, script in enumerate(scripts, start=1):
        ending = [block.sql for block in blocks(script.text) if block.is_end]
        if script.races or not ending or not ending[-1].endswith("ROLLBACK;"):
            return number
    return len(scripts)


def asked(
    connection: Any,
    connect: Callable[[], Any],
    scripts: Sequence[PhaseScript],
    *,
    jobs: int,
    told: Callable[[str], None],
) -> dict[str, Beside]:
    """Script → what so many sessions beside this one have been answered; of 0 it is for
    the host and the size of the database to say how many.

    `connection` has no transaction open; it exports the snapshot and waits. `told` is given why
    nobody has asked, where there would have been something to ask. Never raises for what the
    server does.
    """
    units = _Units.of(scripts)
    if jobs == 1 or len(units) < _FEW:
        return {}
    try:
        wanted = min(_sessions(connection, jobs), len(units))
        if wanted < _FEW:
            return {}
        with ExitStack() as open_ones:
            others = _opened(connect, wanted, open_ones, told)
            if len(others) < _FEW:
                return {}
            moment = open_ones.enter_context(snapshot.exported(connection, lock=False))
            # Nothing is to be done here until all is answered.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            with step("questions before anything is tried") as counted:
                counted.count("questions", 0, len(units))
                ask_all(others, units, moment, counted)
    except DatabaseError:
        # Whatever it was, this session or the script it is for meets it again.
        told("the snapshot could not be shared")
        return {}
    return units.found()


def _sessions(connection: Any, jobs: int) -> int:
    if jobs:
        return jobs
    size = connection.execute(_SIZE).fetchone()[0]
    return sessions() if size >= _LARGE_BYTES else 1


def _opened(
    connect: Callable[[], Any], wanted: int, stack: ExitStack, told: Callable[[str], None]
) -> list[Any]:
    found: list[Any] = []
    try:
        while len(found) < wanted:
            found.append(stack.enter_context(connect()))
    except GonogoError as error:
        why = ": ".join(filter(None, (error.primary, error.detail)))
    except DatabaseError as error:
        why = str(described(error)["message"])
    if len(found) < _FEW:
        told(why)
    return found


def ask_all(others: Sequence[Any], units: _Units, moment: str, counted: Step) -> None:
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        asking = [pool.submit(Asking(one, units, moment, counted).run) for one in others]
        try:
            for one in asking:
                one.result()
        except BaseException:
            units.stop()
            for other in others:
                with suppress(DatabaseError, RuntimeError):
                    other.cancel()
            raise


@dataclass(frozen=True)
class _Script:
    """A script, cut; `inside` are the blocks that are left to whoever asks them."""

    name: str
    blocks: Sequence[Block]
    inside: frozenset[int]


@dataclass(frozen=True)
class _Unit:
    script: _Script
    number: int

    @property
    def block(self) -> Block:
        return self.script.blocks[self.number]


@dataclass
class _Units:
    """What is to be asked, and what was answered."""

    waiting: list[_Unit]
    answers: dict[str, dict[int, Answered | DatabaseError]] = field(default_factory=dict)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, scripts: Sequence[PhaseScript]) -> _Units:
        waiting = []
        for script in scripts:
            found = blocks(script.text)
            inside = frozenset(number for part in readings(found) for number in part)
            cut = _Script(script.name, found, inside)
            waiting += [_Unit(cut, number) for number in sorted(script.apart)]
        return cls(waiting)

    def __len__(self) -> int:
        return len(self.waiting)

    def stop(self) -> None:
        self.stopped = True

    def back(self, unit: _Unit) -> None:
        """Another session takes it."""
        with self.lock:
            self.waiting.insert(0, unit)

    def __iter__(self) -> Iterator[_Unit]:
        """Each is taken by one session. Where one has failed, its script ends there."""
        while not (self.stopped or link.is_cut()):
            with self.lock:
                if not self.waiting:
                    return
                unit = self.waiting.pop(0)
            yield unit

    def answered(self, unit: _Unit, answer: Answered) -> None:
        with self.lock:
            self.answers.setdefault(unit.script.name, {})[unit.number] = answer

    def failed(self, unit: _Unit, error: DatabaseError, *, behind: int = 0) -> None:
        with self.lock:
            self.answers.setdefault(unit.script.name, {})[unit.number + behind] = error
            self.waiting = [one for one in self.waiting if one.script is not unit.script]

    def found(self) -> dict[str, Beside]:
        return dict(self.answers)


class Asking:
    """One session at work."""

    def __init__(self, connection: Any, units: _Units, moment: str, counted: Step) -> None:
        self._connection = connection
        self._units = units
        self._moment = moment
        self._counted = counted
        # How far this session has come in which script.
        self._script: _Script | None = None
        self._next = 0
        # The block whose guard has been executed last: once each, as it says which one it is.
        self._guarded = -1

    def run(self) -> None:
        for unit in self._units:
            if self._is_there(unit):
                self._ask(unit)
                self._counted.add("questions")
            elif self._connection.closed:
                self._units.back(unit)
            if self._connection.closed:
                return
        leave_transaction(self._connection)

    def _is_there(self, unit: _Unit) -> bool:
        """Do what the script does before this block. Where that cannot be done here, the script
        finds out why."""
        try:
            if self._script is not unit.script or self._next > unit.number:
                # Another script; or what another session has begun and left.
                self._leave()
                self._script = unit.script
            while self._next < unit.number:
                self.go_past(self._next)
                self._next += 1
        except DatabaseError:
            self._leave()
            return False
        return True

    def go_past(self, number: int) -> None:
        assert self._script is not None
        self._guard(number)
        if number in self._script.inside:
            return
        sql = _BEGIN.sub(
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, \\1;\n"
            f"SET TRANSACTION SNAPSHOT '{self._moment}';",
            self._script.blocks[number].body,
        )
        self._connection.execute(sql.encode())

    def _guard(self, number: int) -> None:
        assert self._script is not None
        there = self._script.blocks[number : number + 1]
        guard = there[0].guard if there else None
        if guard and number > self._guarded:
            self._connection.execute(guard.encode())
        self._guarded = number

    def _ask(self, unit: _Unit) -> None:
        try:
            self._guard(unit.number)
            answer = self.answer(unit.block)
        except DatabaseError as error:
            if not (error.sqlstate or "").startswith(_NO_ROOM):
                self._units.failed(unit, error)
            self._leave()
            return
        self._units.answered(unit, answer)
        self._next += 1
        try:
            # As the script does before its next block: nobody has changed the session meanwhile.
            self._guard(self._next)
        except DatabaseError as error:
            self._units.failed(unit, error, behind=1)
            self._leave()

    def answer(self, block: Block) -> Answered:
        started = time.monotonic()
        sql = block.body
        if block.kind == "setup":
            rows = _FILL.sub("", sql)
            sql = (
                f"WITH gonogo_rows AS (\n{rows}\nRETURNING *\n)\n"
                "SELECT coalesce(json_agg(r), '[]')::text AS rows FROM gonogo_rows AS r"
            )
        results, _ = answered(self._connection, sql)
        return Answered(results, round(time.monotonic() - started, 3))

    def _leave(self) -> None:
        """Nothing of a script is left in the session."""
        self._script, self._next, self._guarded = None, 0, -1
        leave_transaction(self._connection)
