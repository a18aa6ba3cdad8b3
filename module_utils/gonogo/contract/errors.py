"""Errors that read like PostgreSQL's: what is wrong, the detail, the next step.

Every text that leaves the engine may hold names and messages from a database somebody else
filled. `visible` and `shown` make such text safe for a terminal, a log and a report.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from .redaction import redacted, shape, showable

__all__ = ["CheckError", "GonogoError", "InputError", "shown", "together", "visible"]

SHOWN_LIMIT = 80

# Where a value may be a password whatever it looks like.
SECRETIVE = ("gonogo_login", "login")

# Control, format (bidirectional marks, zero-width characters, BOM), surrogate, and the line and
# paragraph separators: what moves the cursor, reorders or hides text.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Invisible although Unicode calls them letters or marks: the joiner of graphemes, Hangul fillers,
# vowels of Khmer that are not written, selectors of Mongolian.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")

# The last two code points of every plane: never characters, and not allowed in XML.
_NO_CHARACTER = frozenset({0xFFFE, 0xFFFF})


class GonogoError(Exception):
    """What is wrong (`primary`), the facts (`detail`), what to do next (`hint`).

    `primary` is one short sentence without a full stop, as in PostgreSQL's own messages. Whatever
    looks like a secret is taken out of all three: this is the one way of an error to anybody.
    """

    def __init__(self, primary: str, *, detail: str | None = None, hint: str | None = None) -> None:
        self.primary = redacted(primary)
        self.detail = detail and redacted(detail)
        self.hint = hint and redacted(hint)
        super().__init__(self.primary)

    @property
    def data(self) -> dict[str, object]:
        """As an event of the chain has it."""
        return {"message": self.primary, "detail": self.detail, "hint": self.hint}

    def render(self) -> str:
        """Return the message for people: `primary`, then DETAIL and HINT where there are any.

        Line breaks inside a part are kept and indented, so that no text from outside can pass
        for a part of its own; every other unsafe character is escaped.
        """
        parts = (("", self.primary), ("DETAIL:  ", self.detail), ("HINT:  ", self.hint))
        return "\n".join(_part(label, text) for label, text in parts if text)


class CheckError(GonogoError):
    """A stage goes no further because of what a `check` has found, which is told with it."""

    def __init__(
        self, primary: str, *, check: str, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(primary, detail=detail, hint=hint)
        self.check = check

    @property
    def data(self) -> dict[str, object]:
        return {**super().data, "check": self.check}


class InputError(GonogoError):
    """Input refused before anything was done with it: which file, which key, which value.

    `file` is the path as the person knows it, `key` the way to the value (`checks[3].id`).
    A value of a file of the runbook is shown, escaped and cut. One that somebody has typed or set
    is shown where it cannot be a secret; of others only what they are is said, and of those in
    `SECRETIVE` places always.
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
        faults: Sequence[InputError] = (),
    ) -> None:
        self.file = file
        self.key = key
        self._faults = tuple(faults)
        place = ": ".join(part for part in (file, key) if part)
        if value is not None:
            secretive = (key or "").startswith(SECRETIVE)
            text = value if isinstance(value, str) else repr(value)
            visible_one = redacted(text) == text if file else showable(value) and not secretive
            said = f'"{shown(value)}"' if visible_one else shape(value)
            place = f"{place or 'value'} is {said}"
        super().__init__(
            primary, detail="\n".join(part for part in (place, detail) if part) or None, hint=hint
        )

    @property
    def faults(self) -> tuple[InputError, ...]:
        """Each of those that this one tells of; itself where it is one."""
        return self._faults or (self,)


def together(errors: Sequence[GonogoError]) -> GonogoError:
    """One error of all of these: the first, and what each of the others says behind it."""
    first, *others = errors
    if not others:
        return first
    details = [first.detail] if first.detail else []
    details += ["This is wrong as well:"]
    details += [": ".join(filter(None, (other.primary, other.detail))) for other in others]
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    return GonogoError(
        first.primary, detail="\n".join(details), hint="\n".join(hints) if hints else None
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
        or char in INVISIBLE
        or ord(char) & 0xFFFF in _NO_CHARACTER
    ):
        return char.encode("unicode_escape").decode("ascii")
    return char


def _part(label: str, text: str) -> str:
    lines = [visible(line) for line in text.split("\n")]
    return label + ("\n" + " " * 9).join(lines)
