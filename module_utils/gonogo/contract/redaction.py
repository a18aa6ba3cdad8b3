"""What may be a secret in a text that somebody has written: it is neither shown nor kept. Pure.

The project asks for no secret: libpq reads them from files. But a connection string holds one, and
people paste what they have. Such a value is refused before anything is done with it, by its key and
its shape; and every error goes through `redacted`, whoever has put together its words.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .run_id import PATTERN

__all__ = ["holding", "is_secret", "redacted", "shape", "showable"]

_HIDDEN = "…"
_WORD = r"(?:ssl_?)?(?:pass(?:word|wd|phrase)?|pwd|secret|token_secret|api_?key)"
_VALUE = r"(?:'(?:[^'\\]|\\.)*'?|\"(?:[^\"\\]|\\.)*\"?|[^\s&]+)"
# What is in front of a host: user and password. A port is none, nor is what follows a path.
_IN_A_URI = r"(?:://|%3a%2f%2f)(?:[^\s/]*?|[^\s/:]+:(?!\d+(?:/|$))\S*)(?:@|%40)"
_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"

_ALWAYS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (_IN_A_URI, rf"\b(?:pg)?{_WORD}\s*(?:=|%3d)\s*{_VALUE}", _KEY)
)
# In prose a colon is a colon; in an error it may be what a parser has printed.
_IN_ERRORS = (*_ALWAYS, re.compile(rf"\b{_WORD}['\"]\s*:\s*{_VALUE}", re.IGNORECASE))
# A word, a number, a date, a duration, an id of a check or of a run, an option: what people mistype
# where they choose.
_ORDINARY = re.compile(
    r"\s*|[A-Za-z][A-Za-z_-]*|[-+.,:\d]+|\d{1,9} ?[a-z]{1,6}|[A-Z]{1,2}\d(?:\.\d+)?"
    r"|--[a-z-]+ [\w,-]+|\.\./?\w*|" + PATTERN
)


def is_secret(text: str) -> bool:
    """Whether there is a password in it, by its form."""
    return any(pattern.search(text) for pattern in _ALWAYS)


def holding(value: Any, key: str) -> Iterator[str]:
    """The keys below `key` whose text holds a secret."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from holding(item, f"{key}.{name}")
            if is_secret(str(name)):
                yield key
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from holding(item, f"{key}[{number}]")
    elif isinstance(value, str) and is_secret(value):
        yield key


def redacted(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern in _IN_ERRORS:
        text = pattern.sub(_without, text)
    return text


def _without(found: re.Match[str]) -> str:
    words = found[0]
    start = re.match(r"://|%3a%2f%2f|\w+['\"]?\s*(?:=|:|%3d)", words, re.IGNORECASE)
    end = "@" if words.endswith("@") else ""
    return f"{start[0] if start else ''}{_HIDDEN}{end}"


def showable(value: object) -> bool:
    """Whether a value that was refused cannot be a secret, and helps to be seen."""
    if isinstance(value, str):
        return bool(_ORDINARY.fullmatch(value))
    if isinstance(value, (list, tuple)):
        return all(map(showable, value))
    return value == {} or value is None or isinstance(value, (bool, int, float))


def shape(value: object) -> str:
    """What a value is, in place of the value."""
    if isinstance(value, (str, bytes)):
        return f"a text of {len(value)} characters, which is not shown"
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)} keys, which is not shown"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}, which is not shown"
    return f"of type {type(value).__name__}, and not shown"
