"""What all messages have in common; `docs/messages.md` has them side by side."""

from __future__ import annotations

import re

from tests.pages.messages import Message, messages, remedies

_ALL = messages()


def _where(message: Message) -> str:
    return f"{message.file}:{message.line}"


def test_none_is_left_out() -> None:
    """Of each room there are some, and those that are made in other ways than by name, too."""
    files = {message.file.partition("/")[0] for message in _ALL}
    assert files >= {"contract", "controller", "host", "verdict"}
    primaries = {message.primary for message in _ALL}
    # Of a class that is made of another, and of a reason of the verdict.
    assert "this host has no server programs of PostgreSQL {major}" in primaries
    assert "there is no record of the restored backup" in primaries


def test_messages_read_like_postgresqls() -> None:
    """The first part is no sentence; a hint is one or more, or ends in a command."""
    wrong = []
    for one in _ALL:
        begins = re.match(r"[^A-Z]|[A-Z]{2}|PostgreSQL|Ansible", one.primary)
        ends = not one.hint or one.hint[-1] in ".?};" or one.hint.endswith("RUN_ID")
        vague = one.hint == "Start a new run."  # it does not say what to do before
        if not begins or one.primary.endswith(".") or not ends or vague:
            wrong.append((_where(one), one.primary, one.hint))
    assert wrong == []


def test_a_remedy_says_what_to_do() -> None:
    vague = re.compile(r"(See|Look at) the \w+\.")
    assert [one for one in remedies() if not one[2].endswith(".") or vague.fullmatch(one[2])] == []
