"""One session as PostgreSQL's protocol has it: what a client sends, and what comes of it.

The server's log has the statements too, but not the types of their values, nor which of them were
sent at once. A `Conversation` is told every message of both sides, in their order, and changes
none. https://www.postgresql.org/docs/current/protocol.html

Python 3.9, standard library only.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Callable

__all__ = ["Conversation", "Heard", "Prepared", "messages"]

# Of a message: one byte that says its kind, and four for its length.
_HEAD = 5
_IN_TRANSACTION = (b"T", b"E")


@dataclass
class Prepared:
    """A statement with places for values, and the types of these; 0 is none that is said."""

    text: bytes
    types: list[int]


@dataclass
class Heard:
    """Statements that were sent at once. `formats` are those of the values: 0 text, 1 binary."""

    statement: Prepared
    values: list[bytes | None] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    failed: bool = False
    copied: bool = False
    call: bool = False
    inside: bool = False
    group: int = 0
    number: int = 0


@dataclass
class _Waiting:
    """A message of the client's that the server has to answer."""

    kind: bytes
    heard: Heard | None = None
    statement: Prepared | None = None


def messages(buffer: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Take the whole messages from the begin of what has come. Raises ValueError for none."""
    while len(buffer) >= _HEAD:
        (length,) = struct.unpack_from("!I", buffer, 1)
        if length < _HEAD - 1:
            raise ValueError("a message is shorter than what says its length")
        if len(buffer) <= length:
            return
        kind, body = bytes(buffer[:1]), bytes(buffer[_HEAD : length + 1])
        del buffer[: length + 1]
        yield kind, body


class Conversation:
    """What one session has said so far, in the order in which it was done: `heard`."""

    def __init__(self, number: int, settings: dict[str, str], counted: Callable[[], int]) -> None:
        self.number = number
        self.settings = settings
        self.heard: list[Heard] = []
        self.encoding = "UTF8"
        self._counted = counted
        self._status = b"I"
        self._group = 0
        self._waiting: deque[_Waiting] = deque()
        self._prepared: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Heard | None] = {}
        # Behind an error: the server skips what comes, up to the next Sync.
        self._skipping = False

    def sent(self, kind: bytes, body: bytes) -> None:
        """The client has sent this message."""
        if self._skipping and kind != b"S":
            return
        self._skipping = False
        handler = {
            b"Q": self._query,
            b"P": self._parse,
            b"B": self._bind,
            b"E": self._execute,
            b"D": self._describe,
            b"C": self._close,
            b"S": self._sync,
            b"F": self._call,
        }.get(kind)
        if handler:
            handler(body)

    def answered(self, kind: bytes, body: bytes) -> None:
        """The server has sent this message."""
        if kind == b"Z":
            self._ready(body[:1])
        elif kind == b"E":
            self._refused()
        elif kind == b"S":
            name, value = body.split(b"\0")[:2]
            if name == b"client_encoding":
                self.encoding = value.decode("ascii", "replace")
        elif self._waiting:
            self._of_first(kind, body, self._waiting[0])

    # --- the client's ------------------------------------------------------------------------

    def _query(self, body: bytes) -> None:
        self._waiting.append(_Waiting(b"Q", Heard(Prepared(body[:-1], []))))

    def _call(self, body: bytes) -> None:
        del body
        self._waiting.append(_Waiting(b"F", Heard(Prepared(b"", []), call=True)))

    def _parse(self, body: bytes) -> None:
        name, text, rest = body.split(b"\0", 2) if body.count(b"\0") > 1 else (body, b"", b"\0\0")
        (count,) = struct.unpack_from("!H", rest)
        types = list(struct.unpack_from(f"!{count}I", rest, 2))
        self._prepared[name] = Prepared(text, types)
        self._waiting.append(_Waiting(b"P"))

    def _bind(self, body: bytes) -> None:
        portal, name, rest = body.split(b"\0", 2)
        (count,) = struct.unpack_from("!H", rest)
        formats = list(struct.unpack_from(f"!{count}H", rest, 2))
        position = 2 + 2 * count
        (count,) = struct.unpack_from("!H", rest, position)
        position += 2
        values: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", rest, position)
            position += 4
            values.append(None if length < 0 else rest[position : position + length])
            position += max(0, length)
        if len(formats) < count:
            formats = (formats or [0]) * count
        statement = self._prepared.get(name, Prepared(b"", []))
        self._portals[portal] = Heard(statement, values, formats)
        self._waiting.append(_Waiting(b"B"))

    def _execute(self, body: bytes) -> None:
        portal = body.split(b"\0", 1)[0]
        # Executed once more, it goes on with the same rows.
        self._waiting.append(_Waiting(b"E", self._portals.get(portal)))
        self._portals[portal] = None

    def _describe(self, body: bytes) -> None:
        name = body[1:].split(b"\0", 1)[0]
        statement = self._prepared.get(name) if body[:1] == b"S" else None
        self._waiting.append(_Waiting(b"D", statement=statement))

    def _close(self, body: bytes) -> None:
        del body
        self._waiting.append(_Waiting(b"C"))

    def _sync(self, body: bytes) -> None:
        del body
        self._waiting.append(_Waiting(b"S"))

    # --- the server's ------------------------------------------------------------------------

    def _of_first(self, kind: bytes, body: bytes, first: _Waiting) -> None:
        ends = {b"1": b"P", b"2": b"B", b"3": b"C", b"T": b"D", b"n": b"D"}
        if kind == b"t" and first.statement:
            (count,) = struct.unpack_from("!H", body)
            first.statement.types = list(struct.unpack_from(f"!{count}I", body, 2))
        elif kind in ends and first.kind == ends[kind]:
            self._waiting.popleft()
        elif kind == b"G" and first.heard:
            first.heard.copied = True
        elif kind in (b"C", b"I", b"s") and first.kind in (b"Q", b"E"):
            if kind == b"C" and first.heard:
                first.heard.tags.append(body.rstrip(b"\0").decode("utf-8", "replace"))
            if first.kind == b"E":
                self._done(self._waiting.popleft())

    def _refused(self) -> None:
        """Behind an error nothing is done up to the next Sync, or the end of the query."""
        if not self._waiting:
            return
        first = self._waiting[0]
        if first.heard:
            first.heard.failed = True
        if first.kind in (b"Q", b"F"):
            return
        if first.kind == b"E":
            self._done(first)
        else:
            # It was not executed, but what its group has done before is undone as well.
            self._done(_Waiting(b"E", Heard(Prepared(b"", []), failed=True)))
        while self._waiting and self._waiting[0].kind != b"S":
            self._waiting.popleft()
        self._skipping = not self._waiting

    def _ready(self, status: bytes) -> None:
        if self._waiting and self._waiting[0].kind in (b"Q", b"S", b"F"):
            first = self._waiting.popleft()
            if first.heard:
                self._done(first)
        self._status = status
        self._group += 1

    def _done(self, waiting: _Waiting) -> None:
        heard = waiting.heard
        if heard is None:
            return
        heard.inside = self._status in _IN_TRANSACTION
        heard.group = self._group
        heard.number = self._counted()
        self.heard.append(heard)
