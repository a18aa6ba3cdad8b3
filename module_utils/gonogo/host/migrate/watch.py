"""A deployment that lets go: a second session watches whom a statement keeps from working.

Where that is more than is allowed, the backend that runs the statement is cancelled, its
transaction is rolled back, and everything is as before. What is cancelled is a statement of the
migration, and never what comes behind it: the watcher cancels only while one is *guarded*, and a
statement is let out of its guard only when no cancelling is under way.

A watcher that may not see something, or loses its session, says so, and ends nothing: the limits of
the server count as ever.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

from ...contract.budgets import Tolerance
from ...contract.errors import GonogoError
from ...contract.fault import told as fault_told
from ...contract.records.deployment import LetGo, Watched
from ...contract.records.migration import Statement
from ..session.connection import DatabaseError, described
from .others import Lags, Queue, Slots, Waiting

__all__ = ["LetGoError", "NoWatch", "Watch"]

_LOOK_SECONDS = 0.25
# One that was sent before the statement had begun, or that the statement cannot hear yet, is sent
# again: after so long, then after twice that, and so on.
_AGAIN_SECONDS = 0.02
# How long the end of a deployment waits for a look that is under way.
_LEAVE_SECONDS = 5.0
_FENCES = 5
_CANCELLED = "57014"
# A limit of the watcher's own session: another look may come through.
_BUSY = {_CANCELLED, "55P03"}

# The session that was opened for the statements, by the name that it has at first: what has its
# process id later, and began at another moment, is somebody else's.
_BEGAN = """
SELECT a.backend_start FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = %s AND a.application_name = %s AND a.datname = pg_catalog.current_database()
    AND a.usename = session_user AND a.backend_start IS NOT NULL
"""
# Not while it waits for what to do next.
_CANCEL = """
SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = %s AND a.backend_start = %s AND coalesce(a.state, '') NOT LIKE 'idle%%'
"""
# Whoever is another role from the start (ALTER ROLE ... SET role) sees its own sessions only as
# itself.
_AS_ITSELF = "SET ROLE NONE"
_PID = "SELECT pg_catalog.pg_backend_pid()"

_WAITERS, _REPLICAS, _SLOTS = (
    "who waits behind it",
    "how far replicas are behind",
    "how near to their end replication slots are",
)
_ALL, _REST = "anything", "anything from then on"


class LetGoError(Exception):
    """A statement was cancelled for others, or not `begun`."""

    def __init__(self, cause: LetGo, *, begun: bool) -> None:
        super().__init__(cause.cause)
        self.cause = cause
        self.begun = begun


class NoWatch:
    """Nobody watches: on a copy, and where nothing is to be watched."""

    @contextmanager
    def over(self, _connection: Any, _done: Callable[[Statement], bool]) -> Iterator[None]:
        """While this lasts, others are watched; see `Watch`."""
        yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One try of one transaction."""
        yield

    @contextmanager
    def guard(self, _statement: Statement | None) -> Iterator[None]:
        """While this lasts, what runs may be cancelled."""
        yield

    @property
    def told(self) -> Watched | None:
        """What was seen."""
        return None


class Watch(NoWatch):
    """Watches whom the statements of a session keep from working.

    `connect` opens an autocommit session of this project under short limits.
    """

    def __init__(self, connect: Callable[[], Any], allowed: Tolerance) -> None:
        self._connect = connect
        self._allowed = allowed
        self._unseen: list[str] = []
        self._looks = 0
        self._most, self._longest, self._lag = 0, 0.0, 0.0
        self._ended = threading.Event()
        # The session that is watched over, and by what the server knows it.
        self._watched: Any = None
        self._backend: tuple[int, Any] = (0, None)
        self._done: Callable[[Statement], bool] = lambda _statement: False
        # Who holds this lock decides whether the backend may be cancelled: the watcher while it
        # does that, the other thread while it begins and ends a guard.
        self._lock = threading.Lock()
        self._guarded = self._sent = False
        # The try that is under way, 0 for none; what was seen during another says nothing of it.
        self._trying = self._tries = 0
        # What is so now, and what was so at some moment of this try.
        self._standing: LetGo | None = None
        self._decided: LetGo | None = None
        self._again = _AGAIN_SECONDS

    @property
    def told(self) -> Watched | None:
        """What was seen, and what was not."""
        allowed = self._allowed
        return Watched(
            waiters=allowed.waiters,
            seconds=allowed.seconds,
            lag=allowed.lag,
            looks=self._looks,
            most_waiting=self._most,
            longest_seconds=round(self._longest, 3),
            longest_lag=round(self._lag, 3),
            unseen=tuple(self._unseen),
        )

    @contextmanager
    def over(self, connection: Any, done: Callable[[Statement], bool]) -> Iterator[None]:
        """While this lasts, others are watched.

        `done` finds out whether a statement outside of a transaction has done its work, where it
        was cancelled and nobody knows.
        """
        self._watched, self._done = connection, done
        thread = self._begin(connection)
        try:
            yield
        finally:
            self._ended.set()
            if thread is not None:
                thread.join(_LEAVE_SECONDS)
                if thread.is_alive():
                    self._unseen.append(f"{_REST}: the server does not answer the watcher")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One try of one transaction.

        Raises LetGoError where what has been let go for is still so: a replica is behind as before.
        Nobody can wait behind what has not begun.
        """
        with self._lock:
            standing = self._standing
            if standing is not None and standing.behind is not None:
                raise LetGoError(standing, begun=False)
            self._tries += 1
            self._decided, self._trying = None, self._tries
        try:
            yield
        finally:
            with self._lock:
                self._decided, self._trying = None, 0

    @contextmanager
    def guard(self, statement: Statement | None) -> Iterator[None]:
        """While this lasts, what runs may be cancelled; afterwards nothing is.

        Within a transaction, what was cancelled is rolled back, even if it has come to its end: it
        may have answered the cancelling in a way of its own. A `statement` outside of any is asked
        for. Raises LetGoError.
        """
        outside = statement if statement is not None and statement.outside else None
        with self._lock:
            if self._decided is not None:
                raise LetGoError(self._decided, begun=False)
            self._guarded = True
        try:
            yield
        except DatabaseError as error:
            cause = self._let_out()
            # Of what the statement itself has done wrong, the server's word is the one that counts.
            if cause is None or error.sqlstate != _CANCELLED:
                raise
            if outside and not self._watched.closed and self._done(outside):
                return
            raise LetGoError(cause, begun=True) from error
        except BaseException:
            self._let_out()
            raise
        else:
            cause = self._let_out()
            if cause is not None and not outside:
                raise LetGoError(cause, begun=True)

    def _let_out(self) -> LetGo | None:
        """End the guard; for whom the backend was cancelled while it lasted, if it was."""
        with self._lock:
            self._guarded = False
            sent, self._sent = self._sent, False
            cause = self._decided if sent else None
        if sent:
            self._fence()
        return cause

    def _fence(self) -> None:
        """What was sent is heard by now, or is heard by a statement that does nothing."""
        for _ in range(_FENCES):
            try:
                self._watched.execute("SELECT")
            except DatabaseError as error:
                if error.sqlstate == _CANCELLED:
                    continue
            return

    def _begin(self, connection: Any) -> threading.Thread | None:
        """Look once, and let a thread look on; None where nobody can, which is noted."""
        watcher = None
        try:
            (pid,) = connection.execute(_PID).fetchone()
            watcher = self._connect()
            watcher.execute(_AS_ITSELF)
            name = connection.info.parameter_status("application_name")
            self._backend = (pid, _began(watcher, pid, name))
            looking = _Looking(watcher, self._allowed, pid, self._unseen)
            # What is so before the first statement is none of its doing.
            self._look(watcher, looking)
            thread = threading.Thread(target=self._watch, args=(watcher, looking), daemon=True)
            thread.start()
        except Exception as error:  # noqa: BLE001 - no fault of the watcher's ends a deployment
            if watcher is not None:
                watcher.close()
            self._unseen.append(f"{_ALL}: {_why(error)}")
            return None
        return thread

    # --- in the watcher's thread ------------------------------------------------------------------

    def _watch(self, watcher: Any, looking: _Looking) -> None:
        try:
            with contextlib.closing(watcher):
                while not self._ended.wait(self._pause()):
                    self._look(watcher, looking)
        except Exception as error:  # noqa: BLE001 - no fault of the watcher's ends a deployment
            self._unseen.append(f"{_REST}: {_why(error)}")
        finally:
            with self._lock:
                # Nobody would see that it is over.
                self._standing = None
                if not self._sent:
                    self._decided = None

    def _pause(self) -> float:
        with self._lock:
            if self._decided is None or not self._guarded:
                self._again = _AGAIN_SECONDS
                return _LOOK_SECONDS
            self._again = min(2 * self._again, _LOOK_SECONDS)
            return self._again

    def _look(self, watcher: Any, looking: _Looking) -> None:
        with self._lock:
            if self._cancelled(watcher):
                return
            trying = self._trying
        cause = looking.look()
        self._looks = looking.looks
        self._most = max(self._most, looking.waiting.sessions)
        self._longest = max(self._longest, looking.waiting.seconds)
        self._lag = max([self._lag, *looking.lags.values()])
        with self._lock:
            self._standing = cause
            if cause is not None and trying and trying == self._trying and self._decided is None:
                self._decided = cause
            self._cancelled(watcher)

    def _cancelled(self, watcher: Any) -> bool:
        """Cancel the backend if that is decided and may be done; whether it was to be."""
        if self._decided is None or not self._guarded:
            return False
        before, self._sent = self._sent, True
        try:
            row = watcher.execute(_CANCEL, [*self._backend]).fetchone()
        except DatabaseError as error:
            # Where the server does not say, nobody knows whether it was sent.
            if error.sqlstate not in _BUSY:
                self._sent = before or error.sqlstate is None
                raise
        else:
            self._sent = before or bool(row and row[0])
        return True


class _Looking:
    """What is looked at, as far as the server lets it be seen."""

    def __init__(self, watcher: Any, allowed: Tolerance, pid: int, unseen: list[str]) -> None:
        self._watcher = watcher
        self._allowed = allowed
        self._unseen = unseen
        self._queue, self._lags, self._slots = Queue(pid), Lags(allowed.lag), Slots()
        self._parts: dict[str, Callable[[], Any]] = {}
        if allowed.waiters or allowed.seconds:
            self._parts[_WAITERS] = lambda: self._queue.look(watcher)
        if allowed.lag:
            self._parts[_REPLICAS] = lambda: self._lags.look(watcher)
            self._parts[_SLOTS] = lambda: self._slots.look(watcher)
        self._apart: set[str] = set()
        self.looks = 0
        self.waiting = Waiting()
        self.lags: dict[str, float] = {}

    def look(self) -> LetGo | None:
        """For whom a deployment has to let go now, if for anybody. Raises DatabaseError where the
        session is lost."""
        self.waiting = self._seen(_WAITERS) or Waiting()
        self.lags = self._seen(_REPLICAS) or {}
        slots = self._seen(_SLOTS) or []
        self.looks += 1
        self._note_apart()
        return self._judged(slots)

    def _judged(self, slots: list[str]) -> LetGo | None:
        allowed, waiting = self._allowed, self.waiting

        def found(cause: Any, behind: str | None = None, seconds: float | None = None) -> LetGo:
            return LetGo(
                cause,
                waiting.sessions,
                round(waiting.seconds, 3),
                tuple(waiting.tables),
                behind,
                seconds if seconds is None else round(seconds, 3),
            )

        if allowed.waiters and waiting.sessions > allowed.waiters:
            return found("waiters")
        if allowed.seconds and waiting.seconds > allowed.seconds:
            return found("seconds")
        name, lag = max(self.lags.items(), key=lambda one: one[1], default=("", 0.0))
        if allowed.lag and lag > allowed.lag:
            return found("lag", name, lag)
        return found("slot", slots[0]) if slots else None

    def _seen(self, part: str) -> Any:
        """What a part of the look has shown; None where it shows nothing, which is noted."""
        if part not in self._parts:
            return None
        try:
            return self._parts[part]()
        except LookupError as error:
            self._leave_out(part, str(error))
        except DatabaseError as error:
            if self._watcher.closed:
                raise
            told = described(error)
            if told["sqlstate"] not in _BUSY:
                self._leave_out(part, str(told["message"]))
            elif part not in self._apart:
                self._apart.add(part)
                self._unseen.append(f"{part}, at times: {told['message']}")
        return None

    def _leave_out(self, part: str, why: str) -> None:
        del self._parts[part]
        self._unseen.append(f"{part}: {why}")

    def _note_apart(self) -> None:
        for what, names in (
            ("the replica", self._lags.apart.values()),
            ("the replication slot", self._slots.apart or ()),
        ):
            for name in sorted({f"{what} {one}" for one in names} - self._apart):
                self._apart.add(name)
                self._unseen.append(f"{name}: it was behind already")


def _began(watcher: Any, pid: int, name: str | None) -> Any:
    """When the session of this process and name began."""
    row = watcher.execute(_BEGAN, [pid, name]).fetchone()
    if row is None:
        raise GonogoError("the server does not show the session of the deployment")
    return row[0]


def _why(error: BaseException) -> str:
    if isinstance(error, GonogoError):
        return error.primary
    if isinstance(error, DatabaseError):
        return str(described(error)["message"])
    if isinstance(error, RuntimeError):
        # A host that has no room for another thread.
        return str(error)
    return fault_told(error, doing="the watcher").primary
