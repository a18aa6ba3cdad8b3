"""The name of a person: whoever reads it must be able to see it, and to tell it from another."""

from __future__ import annotations

import getpass
import unicodedata
from typing import Any

from ..errors import GonogoError

__all__ = ["account", "mistake", "name_of"]

_LONGEST = 200
# Letters and marks by their category, and shown as nothing all the same: Hangul fillers, the
# joiner of graphemes, vowels of Khmer that are not written, selectors of a variation, the blank
# pattern of Braille.
_INVISIBLE = frozenset(
    [
        *map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)),
        *map(chr, range(0x180B, 0x1810)),
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0xE0100, 0xE01F0)),
    ]
)
# Control characters, what has no shape of its own (direction, joiners, zero width), surrogates,
# private and unknown characters, ends of lines and paragraphs.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def name_of(text: Any) -> str:
    """The name in the one form that it is kept in: NFC, with plain single spaces."""
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())


def mistake(text: Any, key: str) -> str | None:
    """Why this is no name of a person, or None. `key` is what it was given as."""
    written = str(text or "")
    if not written.strip():
        return f"The approval does not say who gives it ({key})"
    for character in written:
        if character in _INVISIBLE or unicodedata.category(character) in _REFUSED:
            code = f"U+{ord(character):04X}"
            return f"{key} has a character that cannot be seen ({code})"
    name = name_of(written)
    if len(name) > _LONGEST:
        return f"{key} is longer than {_LONGEST} characters"
    if not any(unicodedata.category(character)[0] in "LN" for character in name):
        return f"{key} is not a name: it has no letter and no digit"
    if unicodedata.category(name[0])[0] == "M":
        return f"{key} begins with a mark that belongs to no letter"
    return None


def account() -> str:
    """Name of the account that runs this. Raises GonogoError where it is none."""
    name = getpass.getuser()
    wrong = mistake(name, "the name of this account (LOGNAME, USER)")
    if wrong:
        raise GonogoError(wrong, hint="Correct the variables LOGNAME and USER.")
    return name_of(name)
