"""Errors that read like PostgreSQL's: what is wrong, the detail, the next step.

Every text that leaves the engine may hold names and messages from a database somebody else
filled. `visible` and `shown` make such text safe for a terminal, a log and a report.
"""

from __future__ import annotations

import unicodedata

__all__ = ["GonogoError", "InputError", "shown", "visible"]

SHOWN_LIMIT = 80

# Control, format (bidirectional marks, zero-width characters, BOM), surrogate, and the line and
# paragraph separators: what moves the cursor, reorders or hides text.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Invisible although Unicode calls them letters or marks.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")

# The last two code points of every plane: never characters, and not allowed in XML.
_NO_CHARACTER = frozenset({0xFFFE, 0xFFFF})


class GonogoError(Exception):
    """What is wrong (`primary`), the facts (`detail`), what to do next (`hint`).

    `primary` is one short sentence without a full stop, as in PostgreSQL's own messages.
    """

    def __init__(self, primary: str, *, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(primary)
        self.primary = primary
        self.detail = detail
        self.hint = hint

    def render(self) -> str:
        """Return the message for people: `primary`, then DETAIL and HINT where there are any.

        Line breaks inside a part are kept and indented, so that no text from outside can pass
        for a part of its own; every other unsafe character is escaped.
        """
        parts = (("", self.primary), ("DETAIL:  ", self.detail), ("HINT:  ", self.hint))
        return "\n".join(_part(label, text) for label, text in parts if text)


class InputError(GonogoError):
    """Input refused before anything was done with it: which file, which key, which value.

    `file` is the path as the person knows it, `key` the way to the value (`checks[3].id`).
    The value is kept as given, and shown escaped and cut.
    """

    def __init__(
        self,
        primary: str,
        *,
        file: str | None = None,
        key: str | None = None,
        value: object = None,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.file = file
        self.key = key
        self.value = value
        place = ": ".join(part for part in (file, key) if part)
        if value is not None:
            place = f'{place or "value"} is "{shown(value)}"'
        super().__init__(
            primary, detail="\n".join(part for part in (place, detail) if part) or None, hint=hint
        )


def visible(text: str) -> str:
    """Return the text with every unsafe or invisible character as a backslash escape."""
    return "".join(_escape(char) for char in text)


def shown(value: object, *, limit: int = SHOWN_LIMIT) -> str:
    """Return any value as one safe line of at most `limit` characters, an ellipsis if cut."""
    pieces: list[str] = []
    length = 0
    for char in _as_text(value):
        piece = _escape(char)
        if length + len(piece) > limit:
            # Room for the ellipsis; an escape is never cut in two.
            while pieces and length >= limit:
                length -= len(pieces.pop())
            return "".join(pieces) + "…"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return repr(value)


def _escape(char: str) -> str:
    if " " <= char <= "~":
        return char
    if (
        unicodedata.category(char) in _UNSAFE_CATEGORIES
        or char in _INVISIBLE
        or ord(char) & 0xFFFF in _NO_CHARACTER
    ):
        return char.encode("unicode_escape").decode("ascii")
    return char


def _part(label: str, text: str) -> str:
    lines = [visible(line) for line in text.split("\n")]
    return label + ("\n" + " " * 9).join(lines)
