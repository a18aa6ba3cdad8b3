"""Quoted texts of SQL: where one ends, and what it says.

A text goes on behind a line break: `'a'`, and `'b'` on the next line, are one constant, and the
second part is read as the first one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["closing", "identifier", "value"]

# From behind an opening quote over the closing one.
_PLAIN = re.compile(r"(?:[^']|'')*+'")
_ESCAPED = re.compile(r"(?:[^'\\]|\\.|'')*+'", re.DOTALL)
# From behind a closing quote over the next opening one of the same text. A comment in between is
# one of two hyphens.
_GOES_ON = re.compile(
    r"(?:[ \t\f\v]++|--[^\r\n]*+)*+[\r\n](?:[ \t\r\n\f\v]++|--[^\r\n]*+[\r\n])*+'"
)
_UESCAPE = re.compile(r"\s+UESCAPE\s+'(?P<sign>.)'\Z", re.IGNORECASE | re.DOTALL)

_ESCAPE = re.compile(
    r"(?P<quote>'')|\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})"
    r"|u(?P<four>[0-9A-Fa-f]{4})|U(?P<eight>[0-9A-Fa-f]{8})|(?P<other>.))",
    re.DOTALL,
)
_SIGNS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Of these the server either says no, or says something else in another version.
_UNSURE = frozenset("vuUx")


def closing(text: str, position: int, *, escapes: bool) -> int | None:
    """Where a text ends whose opening quote stands before `position`; None where it does not."""
    end = None
    for _, end in _parts(text, position, escapes=escapes):  # noqa: B007 - the last one counts
        pass
    return end


def value(raw: str) -> str | None:
    """What a string constant says. None for bits, and where only the server's encoding tells."""
    if raw.startswith("$"):
        mark = raw[: raw.index("$", 1) + 1]
        return raw[len(mark) : -len(mark)]
    prefix, _, _ = raw.partition("'")
    kind = prefix.upper()
    parts = (part for part, _ in _parts(raw, len(prefix) + 1, escapes=kind == "E"))
    said = "".join(parts)
    if kind in {"", "N"}:
        return said.replace("''", "'")
    if kind == "E":
        return _unescaped(said)
    if kind == "U&":
        return _of_code_points(said.replace("''", "'"), _escape_sign(raw))
    return None


def identifier(raw: str) -> str:
    """The name in a quoted identifier; what stands between its quotes where that is none."""
    start, end = raw.index('"'), raw.rindex('"')
    name = raw[start + 1 : end].replace('""', '"')
    if not start:
        return name
    found = _of_code_points(name, _escape_sign(raw))
    return name if found is None else found


def _parts(text: str, position: int, *, escapes: bool) -> Iterator[tuple[str, int]]:
    """What stands between the quotes of each part of a text, and where the part ends; nothing of
    a text that does not end."""
    pattern = _ESCAPED if escapes else _PLAIN
    found = []
    while True:
        part = pattern.match(text, position)
        if part is None:
            return
        found.append((text[position : part.end() - 1], part.end()))
        following = _GOES_ON.match(text, part.end())
        if following is None:
            yield from found
            return
        position = following.end()


def _escape_sign(raw: str) -> str:
    declared = _UESCAPE.search(raw)
    return declared["sign"] if declared else "\\"


def _unescaped(said: str) -> str | None:
    """Without the backslashes; None where a byte is named that is no letter of ASCII."""
    try:
        return _paired(_ESCAPE.sub(_character, said))
    except ValueError:
        return None


def _character(match: re.Match[str]) -> str:
    if match["quote"]:
        return "'"
    if match["octal"] or match["hex"]:
        number = int(match["octal"], 8) if match["octal"] else int(match["hex"], 16)
        if number >= 0x80:
            raise ValueError
        return _code_point(number)
    if match["four"] or match["eight"]:
        return _code_point(int(match["four"] or match["eight"], 16))
    if match["other"] in _UNSURE:
        raise ValueError
    return _SIGNS.get(match["other"], match["other"])


def _of_code_points(said: str, sign: str) -> str | None:
    mark = re.escape(sign)
    pattern = rf"{mark}(?:([0-9A-Fa-f]{{4}})|\+([0-9A-Fa-f]{{6}})|({mark})|)"

    def character(match: re.Match[str]) -> str:
        if match[3]:
            return sign
        return _code_point(int(match[1] or match[2] or "0", 16))

    try:
        return _paired(re.sub(pattern, character, said))
    except ValueError:
        return None


def _code_point(number: int) -> str:
    if not number:
        raise ValueError
    return chr(number)


def _paired(text: str) -> str:
    """The two halves of a character beyond the first plane become one. Raises ValueError for a
    half alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
