"""A session of PostgreSQL's protocol is heard as the server has taken it."""

from __future__ import annotations

import itertools
import struct

import pytest

from gonogo.host.capture.protocol import Conversation, messages

_NOTHING = struct.pack("!HHH", 0, 0, 0)


def _talk() -> Conversation:
    return Conversation(0, {}, itertools.count().__next__)


def _executed(talk: Conversation, text: bytes) -> None:
    """What a driver sends for a statement, but for the Sync."""
    talk.sent(b"P", b"\0" + text + b"\0" + struct.pack("!H", 0))
    talk.sent(b"B", b"\0\0" + _NOTHING)
    talk.sent(b"E", b"\0" + struct.pack("!I", 0))


def _answered(talk: Conversation, tag: bytes) -> None:
    for kind, body in ((b"1", b""), (b"2", b""), (b"C", tag + b"\0")):
        talk.answered(kind, body)


def _heard(talk: Conversation) -> list[tuple[bytes, bool, list[str]]]:
    return [(one.statement.text, one.failed, one.tags) for one in talk.heard]


def test_a_statement_is_heard_with_what_came_of_it() -> None:
    talk = _talk()
    _executed(talk, b"CREATE TABLE a ()")
    talk.sent(b"S", b"")
    _answered(talk, b"CREATE TABLE")
    talk.answered(b"Z", b"I")
    assert _heard(talk) == [(b"CREATE TABLE a ()", False, ["CREATE TABLE"])]


@pytest.mark.parametrize("late", [False, True], ids=["sent before the error", "sent after it"])
def test_what_the_server_skips_behind_an_error_was_not_done(*, late: bool) -> None:
    talk = _talk()
    _executed(talk, b"SELECT 1/0")
    if not late:
        _executed(talk, b"DROP TABLE a")
        talk.sent(b"S", b"")
    for kind in (b"1", b"2", b"E"):
        talk.answered(kind, b"")
    if late:
        _executed(talk, b"DROP TABLE a")
        talk.sent(b"S", b"")
    talk.answered(b"Z", b"I")
    _executed(talk, b"CREATE TABLE b ()")
    talk.sent(b"S", b"")
    _answered(talk, b"CREATE TABLE")
    talk.answered(b"Z", b"I")
    assert _heard(talk) == [
        (b"SELECT 1/0", True, []),
        (b"CREATE TABLE b ()", False, ["CREATE TABLE"]),
    ]


def test_what_fails_when_it_is_committed_was_not_done() -> None:
    talk = _talk()
    _executed(talk, b"INSERT INTO a VALUES (1)")
    talk.sent(b"S", b"")
    _answered(talk, b"INSERT 0 1")
    talk.answered(b"E", b"")
    talk.answered(b"Z", b"I")
    inserted, refused = talk.heard
    assert (inserted.failed, refused.failed) == (False, True)
    assert inserted.group == refused.group


def test_messages_are_taken_when_they_are_whole() -> None:
    whole = b"Q" + struct.pack("!I", 6) + b"x\0"
    buffer = bytearray(whole + whole[:-1])
    assert [*messages(buffer)] == [(b"Q", b"x\0")]
    buffer += whole[-1:]
    assert [*messages(buffer)] == [(b"Q", b"x\0")]
    assert not buffer
