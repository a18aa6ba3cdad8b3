"""Values on their way into SQL text.

Every value a template prints passes through one of these functions; the result is `Sql`,
and the renderer refuses to print anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from ...contract.errors import GonogoError

__all__ = ["Sql", "array", "ident", "jsonb", "literal"]

# Raw control characters could start a line that the block splitter or psql would read as its
# own; a dollar sign could end a dollar-quoted command; format characters reorder or hide what a
# person reads in the script. All are written as escapes instead.
_ESCAPED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\\$]"
)
# In JSON; an even number of backslashes before it would be text.
_JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# What an array's text form needs no quotes for; NULL is not a word there.
_WORD = re.compile(r"(?!null\b)[a-z0-9_]+", re.ASCII | re.IGNORECASE)
_MAXIMUM_IDENTIFIER_BYTES = 63


class Sql(Markup):
    """Text that already is SQL. Jinja leaves it alone because it is Markup."""

    __slots__ = ()


def _checked(text: str, kind: str) -> str:
    if "\0" in text:
        raise GonogoError(
            f"{kind} contains a NUL character",
            detail=f"It reads {text!r}.",
            hint="PostgreSQL cannot store NUL.",
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise GonogoError(f"{kind} is not valid UTF-8", detail=f"It reads {text!r}.") from error
    return text


def _string(text: str) -> str:
    # str: Markup, which a macro returns, would escape for HTML instead.
    quoted = str(_checked(text, "a value")).replace("'", "''")
    if not _ESCAPED.search(quoted):
        return f"'{quoted}'"
    return "E'" + _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted) + "'"


def _identifier(name: str) -> str:
    _checked(name, "an identifier")
    if not name:
        raise GonogoError("an identifier is empty")
    if len(name.encode("utf-8")) > _MAXIMUM_IDENTIFIER_BYTES:
        raise GonogoError(
            f"identifier {name[:80]!r} is longer than {_MAXIMUM_IDENTIFIER_BYTES} bytes",
            hint="PostgreSQL would cut it silently, and two names could become one.",
        )
    quoted = str(name).replace('"', '""')
    if not _ESCAPED.search(quoted):
        return f'"{quoted}"'
    return 'U&"' + _ESCAPED.sub(lambda match: f"\\{ord(match.group()):04x}", quoted) + '"'


def ident(value: Any) -> Sql:
    """Quote an identifier: a name, or its parts outermost first (`['public', 'users']`)."""
    if isinstance(value, str):
        return Sql(_identifier(value))
    if isinstance(value, Sequence) and value and all(isinstance(part, str) for part in value):
        return Sql(".".join(_identifier(part) for part in value))
    raise GonogoError(f"not an identifier: {value!r}", hint="Give a name or a list of names.")


def _is_finite(number: int | Decimal) -> bool:
    return isinstance(number, int) or number.is_finite()


def literal(value: Any) -> Sql:
    """Quote a value: text, number, boolean, null, or a list of texts (`text[]`)."""
    if value is None:
        return Sql("NULL")
    if isinstance(value, bool):
        return Sql("true" if value else "false")
    if isinstance(value, (int, Decimal)) and _is_finite(value):
        # Parentheses keep a negative number from meeting an operator or starting a comment.
        return Sql(f"({value})") if value < 0 else Sql(str(value))
    if isinstance(value, str):
        return Sql(_string(value))
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        if all(_WORD.fullmatch(item) for item in value):
            return Sql("'{" + ",".join(value) + "}'::text[]")
        return Sql("ARRAY[" + ", ".join(_string(item) for item in value) + "]::text[]")
    raise GonogoError(
        f"no literal for {type(value).__name__} {value!r}",
        hint="It takes text, whole and decimal numbers, booleans, null and lists of texts; "
        "use jsonb for the rest.",
    )


def array(value: Sequence[str]) -> Sql:
    """A list of texts as a literal without its type, for where another row of the list says it."""
    return Sql(_string("{" + ",".join(map(_element, value)) + "}"))


def _element(text: str) -> str:
    if _WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def jsonb(value: Mapping[str, object] | Sequence[object] | str | float | bool | None) -> Sql:
    """Quote a structure as a jsonb literal."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    if _JSON_NUL.search(text):
        raise GonogoError("a value contains a NUL character", hint="jsonb cannot store NUL.")
    return Sql(_string(text) + "::jsonb")
