"""The name of a person: whoever reads it must be able to see it, and to tell it from another."""

from __future__ import annotations

import os
import unicodedata
from typing import Any

from ...contract.errors import INVISIBLE, GonogoError
from ...contract.home import account_name

__all__ = ["account", "mistake", "name_of"]

_LONGEST = 200
# Beside those, what tells one name from another to nobody: selectors of a variation, and the blank
# pattern of Braille.
_INVISIBLE = INVISIBLE | {
    chr(0x2800),
    *map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
}
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
    """Name of the account that runs this: what LOGNAME or USER say, else passwd, else its number.

    Raises GonogoError where LOGNAME or USER is no name.
    """
    said = next(filter(None, map(os.environ.get, ("LOGNAME", "USER"))), None)
    # A container runs under any number.
    name = said or account_name(os.getuid()) or f"uid {os.getuid()}"
    wrong = mistake(name, "the name of this account (LOGNAME, USER)")
    if wrong:
        raise GonogoError(wrong, hint="Correct the variables LOGNAME and USER.")
    return name_of(name)
